"""The published copy: what people read, without raw, and the live file untouched."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pax8_pipeline_tests.support.vendor_data import VendorData, planned, subscription


def test_people_read_a_copy_with_plans_and_ledger_but_without_raw(tmp_path: Path) -> None:
    warehouse = VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path)
    planned(warehouse)
    target = tmp_path / "published.duckdb"
    for _ in range(2):
        warehouse.publish(target)
    with duckdb.connect(str(target), read_only=True) as connection:
        schemas = {row[0] for row in connection.execute("SELECT DISTINCT schema_name FROM duckdb_tables()").fetchall()}
        plans = connection.execute("SELECT verdict FROM billing.plan").fetchall()
        states = connection.execute("SELECT count(*) FROM billing.ledger_state").fetchall()
    assert schemas == {"staging", "reconciled", "monthly", "billing", "meta"}
    assert (plans, states) == ([("increase",)], [(0,)])
    with warehouse.connect() as connection:
        assert connection.execute("SELECT count(*) FROM newest.pax8_subscriptions").fetchall() == [(1,)]
