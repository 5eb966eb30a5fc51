"""The same work in pandas: which quantities in Halo differ from Pax8's. python pandas_plan.py WAREHOUSE

It reads the raw tables and the mapping files, and decides only what a quantity needs: the client of a company, the
licence that names a subscription, or the manual line that a person mapped. No holds, no evidence, no usage.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

MANUAL = 0  # the quantity of the line is typed in, not counted from a licence
CUSTOM_FIELD = "CFPax8CompanyId"
KNOWN_PERIODS = (1, 2, 3, 4, 5, 7)


def main(file: Path) -> None:
    """Write the changed quantities beside the file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        raw = {
            name: [json.loads(row[0]) for row in connection.execute(f"SELECT payload FROM {table}").fetchall()]
            for name, table in {
                "subscriptions": "pax8.subscriptions",
                "companies": "pax8.companies",
                "details": "halo.client_details",
                "licences": "halo.licences",
                "invoices": "halo.recurring_invoices",
            }.items()
        }
    subscriptions = pd.json_normalize(raw["subscriptions"], max_level=0)
    subscriptions = subscriptions[subscriptions["status"] == "Active"]
    clients = _clients(raw["companies"], raw["details"], file.parent / "mappings" / "clients.csv")
    subscriptions = subscriptions.merge(clients, left_on="companyId", right_on="company_id")
    mapped = pd.read_csv(file.parent / "mappings" / "subscriptions.csv")
    subscriptions = subscriptions.merge(mapped, left_on="id", right_on="pax8_subscription_id", how="left")
    changes = pd.concat([_of_licences(subscriptions, raw["licences"]), _of_lines(subscriptions, raw["invoices"])])
    pairs = sorted([int(target), int(quantity)] for target, quantity in changes.itertuples(index=False))
    (file.parent / "pandas.json").write_text(json.dumps(pairs), encoding="utf-8")


def _clients(companies: list[dict[str, Any]], details: list[dict[str, Any]], mapping: Path) -> pd.DataFrame:
    frame = pd.json_normalize(companies, max_level=0)
    mapped = pd.read_csv(mapping).set_index("pax8_company_id")["halo_client_id"]
    fields = pd.json_normalize(details, record_path="customfields", meta=["id"], record_prefix="field_")
    fields = fields[fields["field_name"] == CUSTOM_FIELD]
    links = pd.json_normalize(details, record_path="external_links", meta=["id"], record_prefix="link_")
    client = frame["id"].map(mapped)
    for source in (
        frame["id"].map(_by_text(fields, "field_value")),
        frame["id"].map(_by_text(links, "link_third_party_id")),
        pd.to_numeric(frame["externalId"], errors="coerce"),
    ):
        client = client.fillna(source)
    found = pd.DataFrame({"company_id": frame["id"], "client_id": client, "own": frame["billOnBehalfOfEnabled"]})
    return found[found["client_id"].notna() & ~found["own"].fillna(False).astype(bool)]


def _by_text(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame.set_index(frame[column].astype(str).str.strip().str.lower())["id"]


def _of_licences(subscriptions: pd.DataFrame, licences: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.json_normalize(licences, max_level=0)
    frame = frame[frame["is_active"] & ~frame["deleted"]].rename(columns={"id": "licence_id"})
    named = frame.set_index(frame["snowid"].str.strip().str.lower())["licence_id"]
    named = named[~named.index.duplicated()]
    licence_id = subscriptions["halo_licence_id"].fillna(subscriptions["id"].map(named))
    both = subscriptions.assign(licence_id=licence_id).merge(frame[["licence_id", "count"]], on="licence_id")
    changed = both[both["quantity"] != both["count"]]
    return changed[["licence_id", "quantity"]].set_axis(["target", "quantity"], axis=1)


def _of_lines(subscriptions: pd.DataFrame, invoices: list[dict[str, Any]]) -> pd.DataFrame:
    lines = pd.json_normalize(invoices, record_path="lines", meta=["period"], max_level=0)
    lines = lines[~lines["isinactive"] & (lines["recurring_invoice_quantity_type"] == MANUAL)]
    lines = lines[lines["period"].isin(KNOWN_PERIODS)].rename(columns={"id": "line_id"})
    both = subscriptions.merge(lines[["line_id", "qty_order"]], left_on="halo_line_id", right_on="line_id")
    changed = both[both["quantity"] != both["qty_order"]]
    return changed[["line_id", "quantity"]].set_axis(["target", "quantity"], axis=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
