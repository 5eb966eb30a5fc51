"""The product's own reading of the lists that the rivals read: companies, subscriptions and usage summaries, nothing else.

    python -m pax8_pipeline_tests.bench.product_read FOLDER [unlimited | dump]

Every subscription is asked for usage, as the rivals do. A real run asks fewer (docs/usage-billing.md). With `dump` it
writes what was stored as JSON lines, for the comparison. With `unlimited` it does not hold itself to Pax8's limit: the
rivals do not either, until they are answered 429.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pax8_pipeline.clients import pax8_config
from pax8_pipeline.extract import usage_summaries
from pax8_pipeline.extract.pax8_lists import read_list
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse

LISTS = ("companies", "subscriptions", "usage_summaries")


def main(folder: Path, rate_limit: int | None) -> None:
    """Read the three lists into a warehouse in `folder`. `rate_limit`: calls a minute; None is the product's own way."""
    settings = load_settings({**os.environ, "PAX8_PIPELINE_DATA": str(folder)})
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.ensure_schema()
    with Pax8Client(pax8_config(settings, rate_limit=rate_limit)) as pax8:
        reads = [read_list(pax8, "companies"), read_list(pax8, "subscriptions")]
        ids = [one.object_id for one in reads[1].objects]
        month = usage_summaries.month_of(settings.today)
        reads.append(usage_summaries.read_summaries(pax8, ids, month)[0])
    for read in reads:
        if read.problem:
            raise SystemExit(f"{read.table}: {read.problem}")
    snapshots.store(warehouse, reads, "bench")


def dump(folder: Path) -> None:
    """Write the stored objects, one file for each list."""
    with Warehouse(folder / "warehouse.duckdb").connect(read_only=True) as connection:
        for name in LISTS:
            rows = connection.execute(f"SELECT payload FROM pax8.{name}").fetchall()
            (folder / f"{name}.jsonl").write_text("".join(f"{row[0]}\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[2:] == ["dump"]:
        dump(Path(sys.argv[1]))
    else:
        main(Path(sys.argv[1]), 1_000_000 if sys.argv[2:] == ["unlimited"] else None)
