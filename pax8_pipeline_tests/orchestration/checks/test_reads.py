"""incomplete_read, snapshot_shrank, duplicate_keys, freshness: what is not to be built on."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.planning.rows import USAGE_READS
from pax8_pipeline.extract.completeness import check_shrink
from pax8_pipeline.orchestration.checks import freshness
from pax8_pipeline.orchestration.checks.check import CheckContext
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline_tests.support.checks import check, settings_of, warehouse_with
from pax8_pipeline_tests.support.vendor_data import VendorData, company, invoice, licence, line

RAW = ("pax8.companies", "pax8.products", "pax8.subscriptions", "pax8.usage_summaries", "pax8.usage_lines",
       "pax8.invoices", "pax8.invoice_items", "halo.clients", "halo.items", "halo.licences",
       "halo.recurring_invoices", "halo.invoices", "halo.integration")  # fmt: skip
GUARDED = (
    "pax8.companies",
    "pax8.subscriptions",
    "halo.clients",
    "halo.licences",
    "halo.recurring_invoices",
    "halo.items",
)


@pytest.mark.parametrize("table", RAW)
def test_a_list_that_was_not_read_whole_holds_back_what_rests_on_it(table: str, tmp_path: Path) -> None:
    warehouse = warehouse_with(tmp_path)
    snapshots.store(warehouse, [snapshots.Read(table, (), "/x", expected=5, problem="3 of 5 came")], "run-2")
    found = check("incomplete_read", table, tmp_path)
    # What only usage needs holds usage, in the plan.
    assert (found.passed, found.severity, found.holds) == (False, "ERROR", table not in USAGE_READS)
    assert "3 of 5 came" in found.description


def test_a_read_made_good_in_the_same_run_is_whole(tmp_path: Path) -> None:
    warehouse = warehouse_with(tmp_path)
    snapshots.store(warehouse, [snapshots.Read("halo.items", (), problem="cut")], "run-2")
    snapshots.store(warehouse, [snapshots.Read("halo.items", ())], "run-2")
    assert check("incomplete_read", "halo.items", tmp_path).passed


def test_one_incomplete_invoice_of_several_is_found(tmp_path: Path) -> None:
    warehouse = VendorData().load(tmp_path)
    reads = [
        snapshots.Read("pax8.invoice_items", (), scope="a"),
        snapshots.Read("pax8.invoice_items", (), scope="b", problem="cut"),
    ]
    snapshots.store(warehouse, reads, "run-2")
    assert [row["scope"] for row in check("incomplete_read", "pax8.invoice_items", tmp_path).rows] == ["b"]


@pytest.mark.parametrize("table", GUARDED)
def test_a_list_that_shrank_holds_back_and_goes_on_doing_so_until_it_is_accepted(table: str, tmp_path: Path) -> None:
    warehouse = warehouse_with(tmp_path)
    settings = settings_of(tmp_path)
    snapshots.store(warehouse, [_rows(table, 100)], "day-1")
    assert check("snapshot_shrank", table, tmp_path).passed
    for day in ("day-2", "day-3"):
        snapshots.store(warehouse, [check_shrink(warehouse, _rows(table, 50), day, settings)], day)
        found = check("snapshot_shrank", table, tmp_path)
        assert (found.passed, found.severity, found.holds) == (False, "ERROR", table not in USAGE_READS)
        assert "PAX8_ACCEPT_SHRINK=2026-08-20" in found.description
        assert check("incomplete_read", table, tmp_path).passed, "one fault, one check"
    snapshots.store(warehouse, [check_shrink(warehouse, _rows(table, 99), "day-4", settings)], "day-4")
    assert check("snapshot_shrank", table, tmp_path).passed


@pytest.mark.parametrize("table", ["pax8.companies", "pax8.subscriptions", "halo.clients"])
def test_an_empty_core_list_holds_back_on_the_first_run_too(table: str, tmp_path: Path) -> None:
    warehouse = warehouse_with(tmp_path)
    snapshots.store(warehouse, [check_shrink(warehouse, _rows(table, 0), "day-1", settings_of(tmp_path))], "day-1")
    assert check("snapshot_shrank", table, tmp_path).holds


def _rows(table: str, number: int) -> snapshots.Read:
    return snapshots.Read(table, snapshots.raw_objects("/x", [{"id": n} for n in range(number)]), "/x")


@pytest.mark.parametrize(
    ("table", "one", "other"),
    [
        ("pax8.companies", {"id": "ABC", "name": "x"}, {"id": "abc", "name": "y"}),
        ("pax8.subscriptions", {"id": "s", "quantity": 1}, {"id": "S", "quantity": 2}),
        ("halo.clients", {"id": 7, "name": "x"}, {"id": 7, "name": "y"}),
        ("halo.licences", {"id": 7, "count": 1}, {"id": 7, "count": 2}),
        ("halo.recurring_invoices", {"id": -9, "lines": []}, {"id": -9, "lines": [], "disabled": True}),
    ],
)
def test_one_id_with_two_contents_holds_back(
    table: str, one: dict[str, Any], other: dict[str, Any], tmp_path: Path
) -> None:
    warehouse = warehouse_with(tmp_path)
    snapshots.store(warehouse, [snapshots.Read(table, snapshots.raw_objects("/x", [one, other]))], "run-2")
    found = check("duplicate_keys", table, tmp_path)
    assert (found.passed, found.holds, found.count) == (False, True, 1)


def test_one_id_twice_with_the_same_content_is_no_fault(tmp_path: Path) -> None:
    warehouse_with(tmp_path, VendorData(companies=[company(), company()], licences=[licence(), licence()]).reads())
    assert check("duplicate_keys", "pax8.companies", tmp_path).passed
    assert check("duplicate_keys", "halo.licences", tmp_path).passed


def test_one_line_on_two_recurring_invoices_holds_back(tmp_path: Path) -> None:
    warehouse_with(tmp_path, VendorData(recurring=[invoice([line()]), invoice([line(ihid=-95)], id=-95)]).reads())
    found = check("duplicate_keys", "halo.recurring_invoices", tmp_path)
    assert found.holds
    assert found.rows[0]["id"] == "line 24967"


def test_core_lists_not_read_whole_for_more_than_a_day_are_a_warning(tmp_path: Path) -> None:
    warehouse = warehouse_with(tmp_path, VendorData().reads())
    with warehouse.connect() as connection:
        read_at = connection.execute("SELECT max(loaded_at) FROM meta.snapshots").fetchall()[0][0]

        def late(hours: int) -> list[str]:
            now: datetime = read_at + timedelta(hours=hours)
            return [
                r["table_name"] for r in freshness.evaluate(CheckContext(connection, settings_of(tmp_path), now)).rows
            ]

        assert late(25) == []
        assert len(late(27)) == 5
        snapshots.store(warehouse, [snapshots.Read("pax8.companies", (), problem="cut")], "run-2")
        assert "pax8.companies" in late(27), "an incomplete read is no read"
    assert check("freshness", "reconciled.subscriptions", tmp_path).passed
