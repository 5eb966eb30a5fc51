"""dlt's REST source into DuckDB, configured as its documents recommend; the lists of usage in its thread pool.

python dlt_source.py FOLDER    vendors from the environment (PAX8_API_URL, PAX8_TOKEN_URL, PAX8_CLIENT_ID, ...)
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import dlt
import requests
from dlt.sources.rest_api import rest_api_source

PAGE = 200


def token() -> str:
    """Fetch a token; Pax8 takes the request as JSON, which none of dlt's kinds of authentication sends."""
    answer = requests.post(
        os.environ["PAX8_TOKEN_URL"],
        json={
            "client_id": os.environ["PAX8_CLIENT_ID"],
            "client_secret": os.environ["PAX8_CLIENT_SECRET"],
            "audience": "https://api.pax8.com",
            "grant_type": "client_credentials",
        },
        timeout=60,
    )
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def configuration() -> dict[str, Any]:
    """The three lists; usage summaries are asked for each subscription."""
    return {
        "client": {
            "base_url": os.environ["PAX8_API_URL"].rstrip("/") + "/",
            "auth": {"type": "bearer", "token": token()},
            "paginator": {"type": "page_number", "base_page": 0, "page_param": "page", "total_path": "page.totalPages"},
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "replace",
            "endpoint": {"params": {"size": PAGE}, "data_selector": "content"},
        },
        "resources": [
            {"name": "companies", "endpoint": {"path": "companies", "params": {"sort": "name,asc"}}},
            {"name": "subscriptions", "endpoint": {"path": "subscriptions", "params": {"sort": "createdDate,asc"}}},
            {
                "name": "usage_summaries",
                "parallelized": True,
                "endpoint": {
                    "path": "subscriptions/{resources.subscriptions.id}/usage-summaries",
                    "params": {"sort": "resourceGroup,asc"},
                },
            },
        ],
    }


# Column of dlt's tables to the member that Pax8 sent; what is compared.
COLUMNS = {
    "companies": {"id": "id", "name": "name", "status": "status"},
    "subscriptions": {
        "id": "id", "company_id": "companyId", "product_id": "productId", "quantity": "quantity", "price": "price",
        "status": "status",
    },
    "usage_summaries": {
        "id": "id", "company_id": "companyId", "subscription_id": "subscriptionId",
        "resource_group": "resourceGroup", "current_charges": "currentCharges",
    },
}  # fmt: skip


def main(folder: Path) -> None:
    """Load the three lists into a DuckDB file in `folder`."""
    os.environ["DLT_DATA_DIR"] = str(folder / "dlt")
    pipeline = dlt.pipeline(
        "pax8", destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")), dataset_name="raw",
        pipelines_dir=str(folder / "pipelines"),
    )  # fmt: skip
    pipeline.run(rest_api_source(configuration()))


def dump(folder: Path) -> None:
    """Write what was loaded as JSON lines, for the comparison."""
    import duckdb

    with duckdb.connect(str(folder / "dlt.duckdb"), read_only=True) as connection:
        for table, columns in COLUMNS.items():
            rows = connection.execute(f"SELECT {', '.join(columns)} FROM raw.{table}").fetchall()
            with (folder / f"{table}.jsonl").open("w", encoding="utf-8") as out:
                for row in rows:
                    out.write(json.dumps(dict(zip(columns.values(), row, strict=True)), default=str) + "\n")


if __name__ == "__main__":
    (dump if sys.argv[2:] == ["dump"] else main)(Path(sys.argv[1]))
