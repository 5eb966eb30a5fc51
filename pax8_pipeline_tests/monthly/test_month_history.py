"""What Pax8's history of a subscription says about a difference of a month, and how it is read."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.errors import NotFound, VendorError
from pax8_pipeline.extract.subscription_histories import HistoriesRead, compare_month, histories_needed, read_histories
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.month_data import (
    MONTH,
    SEATS,
    MonthData,
    billed_line,
    halo_invoice,
    history,
    part,
    rows_of,
    seats,
    snapshot,
)
from pax8_pipeline_tests.support.vendor_data import SUB, TODAY, licence, subscription
from pax8_pipeline_tests.support.vendors import Pax8InMemory

PART = f"pro_rata:{SUB}"
# Pax8 invoiced 14 seats; its list and Halo's bill have 19.
GREW: dict[str, Any] = {
    "subscriptions": [subscription(quantity=19)], "items": [[seats(quantity=14)]], "licences": [licence(count=19)],
    "halo_invoices": [halo_invoice([billed_line(qty_order=19)])],
}  # fmt: skip


def billed_parts(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    return [halo_invoice([billed_line(), *lines])]


def charged(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"items": [[seats(), *parts]]}


PART_LINE = billed_line(id=90002, qty_order=3, unit_price=10)
UNTIL_JULY = [snapshot(17), snapshot(20, "2026-07-18T09:00:00.000Z")]
NEVER = [snapshot(20)]

# The books, Pax8's history, the row, its class and reason, and the change that the row names (day, from, to).
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str, str, str, tuple[str, str, str] | None]] = {
    "seats changed after the invoice was shown": (
        GREW, [snapshot(14), snapshot(19, "2026-08-09T10:00:00.000Z")], SEATS, "timing", "changed_after_invoice",
        ("2026-08-09", "14", "19"),
    ),
    "seats changed between the date of the invoice and the day it was shown": (
        GREW, [snapshot(19, "2026-08-03T10:00:00.000Z"), snapshot(14)], SEATS, "timing", "changed_after_invoice",
        ("2026-08-03", "14", "19"),
    ),
    "seats changed before the invoice": (
        GREW, [snapshot(14), snapshot(19, "2026-07-20T10:00:00.000Z")], SEATS, "over_billed", "invoice_against_list",
        ("2026-07-20", "14", "19"),
    ),
    "seats did not change": (GREW, [snapshot(19)], SEATS, "over_billed", "invoice_against_list", None),
    "Halo bills the seats of before": (
        {"licences": [licence(count=17)], "halo_invoices": [halo_invoice([billed_line(qty_order=17)])]},
        UNTIL_JULY, SEATS, "under_billed", "quantity", ("2026-07-18", "17", "20"),
    ),
    "a part period of a change": (
        charged(part()), UNTIL_JULY, PART, "unbilled", "part_not_billed", ("2026-07-18", "17", "20"),
    ),
    "a day of difference is a time zone": (
        charged(part()), [snapshot(17), snapshot(20, "2026-07-17T23:30:00.000-0700")], PART, "unbilled", "part_not_billed",
        ("2026-07-17", "17", "20"),
    ),
    "a part period without a change": (charged(part()), NEVER, PART, "unbilled", "part_without_change", None),
    "a part period of fewer seats": (
        charged(part()), [snapshot(18), snapshot(20, "2026-07-18T09:00:00.000Z")], PART, "unbilled", "part_without_change",
        ("2026-07-18", "18", "20"),
    ),
    "a credit without a change": (
        charged(part(quantity=-3)), NEVER, PART, "over_billed", "part_without_change", None,
    ),
    "both bill a part from another day, Pax8 from that of the change": (
        {**charged(part()), "halo_invoices": billed_parts({**PART_LINE, "unit_price": 9})}, UNTIL_JULY, PART,
        "timing", "part_days", ("2026-07-18", "17", "20"),
    ),
    "both bill a part from another day, Pax8 from too early": (
        {**charged(part(startPeriod="2026-07-05")), "halo_invoices": billed_parts({**PART_LINE, "unit_price": 9})},
        UNTIL_JULY, PART, "under_billed", "part_against_history", None,
    ),
    "one item for two changes of its month": (
        charged(part(quantity=5)),
        [snapshot(15), snapshot(18, "2026-07-18T09:00:00.000Z"), snapshot(20, "2026-07-25T09:00:00.000Z")],
        PART, "unbilled", "part_not_billed", ("2026-07-18", "15", "18"),
    ),
    "Halo bills the part before Pax8 does": (
        {"subscriptions": [subscription(quantity=23)], "halo_invoices": billed_parts(PART_LINE)},
        [snapshot(20), snapshot(23, "2026-08-06T09:00:00.000Z")], PART, "timing", "part_follows",
        ("2026-08-06", "20", "23"),
    ),
    "Halo bills a part, and no seats changed": (
        {"halo_invoices": billed_parts(PART_LINE)}, NEVER, PART, "over_billed", "part_of_halo_only", None,
    ),
    "Pax8's price changed": (
        {"subscriptions": [subscription(price=24)], "items": [[seats(price=24)]]},
        [snapshot(20), snapshot(20, "2026-07-20T00:00:00Z", price=24)], SEATS, "price_drift", "price_changed",
        ("2026-07-20", "22", "24"),
    ),
    "Pax8 invoices a price that nobody agreed on": (
        {"items": [[seats(price=24)]]}, NEVER, SEATS, "price_drift", "price_against_history", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_history_says_what_a_difference_is(name: str, tmp_path: Path) -> None:
    books, past, row_id, wanted, reason, change = CASES[name]
    row = MonthData(**books, histories={SUB: past}).compared(tmp_path)[row_id]
    assert (row["class"], row["reason_code"], row["history"]) == (wanted, reason, "read")
    shown = (row["changed_on"], row["changed_from"], row["changed_to"])
    assert shown == ((date.fromisoformat(change[0]), *map(int, change[1:])) if change else (None, None, None))
    assert ("on 2026-" in row["reason"]) == bool(change)


@pytest.mark.parametrize(
    "past",
    [
        None,
        [snapshot(14), snapshot(15, "2026-08-09T10:00:00.000Z")],
        [snapshot(14), snapshot(17, "2026-08-09T10:00:00Z"), snapshot(19, "2026-08-09T10:00:00Z")],
        [snapshot(14, "last Tuesday"), snapshot(19, "2026-08-09T10:00:00Z")],
        [snapshot(14, price="a lot"), snapshot(19, "2026-08-09T10:00:00Z")],
    ],
    ids=["not read", "not what is listed now", "two at one moment", "a day that is none", "a price that is none"],
)
def test_a_history_that_cannot_be_used_changes_nothing(past: list[dict[str, Any]] | None, tmp_path: Path) -> None:
    row = MonthData(**GREW, histories={SUB: past} if past else {}).compared(tmp_path)[SEATS]
    assert (row["class"], row["reason_code"]) == ("over_billed", "invoice_against_list")
    assert (row["history"], row["changed_on"]) == ("not_read", None)


def test_the_month_after_knows_that_halo_billed_a_part_before_pax8(tmp_path: Path) -> None:
    """Halo's invoice of July has the part that Pax8 charges on its invoice of August."""
    july = halo_invoice([billed_line(id=80001), {**PART_LINE, "id": 80002}], id=60001, invoice_date="2026-07-01T00:00:00",
                        period_start_date="2026-07-01T00:00:00")  # fmt: skip
    books = MonthData(**charged(part()), halo_invoices=[july, halo_invoice([billed_line()])])
    row = books.compared(tmp_path)[PART]
    assert (row["class"], row["reason_code"]) == ("timing", "part_billed_before")


# Reading -------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"PAX8_PIPELINE_DATA": str(tmp_path), "PAX8_PIPELINE_TODAY": TODAY.isoformat()})


def needed(warehouse: Warehouse, most: int = 200, today: date = TODAY) -> list[str]:
    with warehouse.connect() as connection:
        return histories_needed(connection, MONTH, today, most)


def test_only_what_history_could_explain_is_asked_for(tmp_path: Path) -> None:
    assert needed(MonthData().month(tmp_path / "agrees")) == []
    differs = MonthData(**GREW).month(tmp_path / "differs")
    assert (needed(differs), needed(differs, most=0)) == ([SUB], [])


def test_a_month_is_compared_again_with_what_was_read_and_the_history_is_not_read_twice(
    tmp_path: Path, settings: Settings
) -> None:
    warehouse = MonthData(**GREW).load(tmp_path)
    pax8 = Pax8InMemory(histories={SUB: [snapshot(14), snapshot(19, "2026-08-09T10:00:00.000Z")]})

    def compare() -> HistoriesRead:
        return compare_month(warehouse, settings, MONTH, lambda ids: read_histories(warehouse, pax8, ids, TODAY, "run"))

    assert compare() == HistoriesRead(1, 1)
    assert rows_of(warehouse)[SEATS]["class"] == "timing"
    assert compare() == HistoriesRead()
    assert pax8.asked("history") == [SUB]


def test_a_history_that_is_not_what_pax8_lists_is_read_again_on_another_day_only(tmp_path: Path) -> None:
    warehouse = MonthData(**GREW, histories={SUB: [snapshot(14)]}).month(tmp_path)
    assert (needed(warehouse), needed(warehouse, today=date(2026, 8, 21))) == ([], [SUB])


@pytest.mark.parametrize("kind", [NotFound, VendorError])
def test_a_pax8_without_histories_is_asked_a_few_times_and_the_rows_stay(
    kind: type[VendorError], tmp_path: Path, settings: Settings
) -> None:
    warehouse = MonthData(**GREW).month(tmp_path)
    pax8 = Pax8InMemory(faults={"history": kind("Pax8 GET /history: 404", vendor="Pax8")})
    found = read_histories(warehouse, pax8, [SUB, *(f"other-{n}" for n in range(30))], TODAY, "run")
    assert found == HistoriesRead(31, 0, "Pax8 GET /history: 404")
    assert len(pax8.asked("history")) == 4
    assert needed(warehouse) == [SUB], "it may be asked for again"
    assert rows_of(warehouse)[SEATS]["history"] == "not_read"


def test_a_snapshot_is_stored_as_it_was_sent(tmp_path: Path) -> None:
    warehouse = MonthData(**GREW).load(tmp_path)
    snapshots.store(warehouse, [history([snapshot(14), snapshot(19)])], "run")
    with warehouse.connect() as connection:
        rows = connection.execute("SELECT object_id, scope FROM newest.pax8_subscription_history ORDER BY 1").fetchall()
    assert rows == [("#0000000", SUB), ("#0000001", SUB)]
