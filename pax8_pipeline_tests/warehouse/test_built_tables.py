"""What comes from the store is what the product builds: every table, row for row, whatever was built before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.models import all_models
from pax8_pipeline_tests.support.built_tables import build_all, build_one
from pax8_pipeline_tests.support.usage_data import PRODUCT, UsageData, policy, summary, usage_line
from pax8_pipeline_tests.support.vendor_data import TODAY, VendorData, company, invoice, licence, line
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse

EVERYTHING = (*build.STAGING, *build.RECONCILED)
DERIVED = [table for table in all_models() if table.startswith(("staging.", "reconciled."))]
Builder = Callable[[Warehouse, tuple[str, ...], dict[str, Any]], object]


def plainly(warehouse: Warehouse, tables: tuple[str, ...], values: dict[str, Any]) -> list[build.Built]:
    return [build.build(warehouse, table, values) for table in tables]


def one_by_one(warehouse: Warehouse, tables: tuple[str, ...], values: dict[str, Any]) -> list[build.Built]:
    return [build_one(warehouse, table, values) for table in tables]


def contents(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """Every derived table in a fixed order."""
    with warehouse.connect() as connection:
        return {table: connection.execute(f"FROM {table} ORDER BY ALL").fetchall() for table in DERIVED}


def built(
    folder: Path, vendor_data: VendorData, how: Builder, rules: Policy, today: date = TODAY, nights: int = 1
) -> Any:
    """Put vendor data through on each of some nights; return what is there then, and what the builder said each night."""
    warehouse = empty_warehouse(folder / "warehouse.duckdb")
    counted = []
    with warehouse.connect():
        for night in range(nights):
            snapshots.store(warehouse, vendor_data.reads(), f"run-{night}")
            build.load_mapping_tables(warehouse, vendor_data.mappings())
            counted.append(how(warehouse, EVERYTHING, build.variables(today, rules)))
        return contents(warehouse), counted


_BROKEN: dict[str, Any] = {
    "companies": [company(), company(name="Twice"), {"name": "no id"}],
    "recurring": [invoice([line(id=None)])],
}
CASES: dict[str, tuple[VendorData, Policy, date]] = {
    "rows twice and rows that cannot be read": (VendorData(**_BROKEN), Policy(), TODAY),
    "no mapping, ids in another field, another day": (
        VendorData(client_map=[], licences=[licence(count=19)]),
        Policy.model_validate({"matching": {"licence_id_field": "third_party_id"}}),
        date(2026, 8, 21),
    ),
    "an item mapped, lines of another month, items not read whole": (
        UsageData(item_map=[(PRODUCT, 121)], lines=[usage_line()], line_month="2026-07", unread={0}), policy(), TODAY,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_stored_tables_are_those_that_were_built(name: str, tmp_path: Path) -> None:
    """The cases follow each other, so the store holds the tables of those before."""
    vendor_data, rules, today = CASES[name]
    wanted = built(tmp_path / "plain", vendor_data, plainly, rules, today)
    for turn in ("first", "from the store"):
        assert built(tmp_path / turn, vendor_data, build_all, rules, today)[0] == wanted[0], turn
    assert built(tmp_path / "one by one", vendor_data, one_by_one, rules, today) == wanted


def test_a_second_read_of_the_same_counts_as_it_does_without_stored_tables(tmp_path: Path) -> None:
    vendor_data = UsageData(usage_summaries=[summary()], lines=[usage_line()])
    wanted = built(tmp_path / "plain", vendor_data, plainly, policy(), nights=2)
    assert built(tmp_path / "stored", vendor_data, build_all, policy(), nights=2)[0] == wanted[0]
    assert built(tmp_path / "one by one", vendor_data, one_by_one, policy(), nights=2) == wanted


def test_what_somebody_did_to_a_table_does_not_stay_and_does_not_reach_the_stored_tables(tmp_path: Path) -> None:
    wanted, _ = built(tmp_path / "plain", VendorData(), plainly, Policy())
    warehouse = VendorData().load(tmp_path / "vendor_data")
    values = build.variables(TODAY, Policy())
    with warehouse.connect() as connection:
        build_all(warehouse, EVERYTHING, values)
        connection.execute("UPDATE staging.licences SET count = 7")
        connection.execute(
            "INSERT INTO staging.rejects (table_name, object_id, reason, payload) VALUES ('staging.licences', '1', 'made up', '{}')"
        )
        build_all(warehouse, EVERYTHING, values)
        assert contents(warehouse) == wanted
        connection.execute("UPDATE halo.licences SET payload = replace(payload, '\"count\":20', '\"count\":7')")
        build_all(warehouse, EVERYTHING, values)
        assert connection.execute("SELECT count FROM staging.licences").fetchall() == [(7,)]
