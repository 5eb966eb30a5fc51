"""Usage and single items at the end of a month, and what earlier reads of Pax8's list show."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline_tests.support.month_data import (
    MONTH,
    SEATS,
    MonthData,
    billed_line,
    halo_invoice,
    part,
    rows_of,
    seats,
)
from pax8_pipeline_tests.support.usage_data import KEY, METER, arrears, pax8_invoice, policy
from pax8_pipeline_tests.support.vendor_data import COMPANY, SUB, TODAY, licence, subscription

USAGE = f"usage:{COMPANY}:USD:2026-07"
ITEM = "8e0d1c55-77a3-4d0e-9d2f-0c4b6a1e7f90"


def usage_invoice(*amounts: str, **changes: Any) -> dict[str, Any]:
    lines = [{"id": 95000 + n, "_itemid": 120, "qty_order": 1, "unit_price": Decimal(a)} for n, a in enumerate(amounts)]
    base = {"id": 71000, "client_id": 231, "invoice_date": "2026-08-06T00:00:00", "reference": KEY, "posted": False,
            "voided": False}  # fmt: skip
    return {**base, "lines": lines, **changes}


def with_usage(*halo: dict[str, Any], item: dict[str, Any] | None = None) -> MonthData:
    meter = subscription(id=METER, price=0, quantity=1, productName="Backup")
    return MonthData(
        subscriptions=[subscription(), meter], items=[[seats(), item or arrears()]],
        halo_invoices=[halo_invoice([billed_line()]), *halo],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("halo", "wanted"),
    [
        ([usage_invoice("25.64")], ("equal", "0", "draft")),
        ([usage_invoice("25.64", posted=True)], ("equal", "0", "posted")),
        ([usage_invoice("20")], ("under_billed", "-5.64", "draft")),
        ([usage_invoice("30")], ("over_billed", "4.36", "draft")),
        ([usage_invoice("20"), usage_invoice("5.64", id=71001, reference=f"{KEY}-adj1")], ("equal", "0", "draft")),
        ([usage_invoice("25.64", voided=True)], ("unbilled", "-25.64", "no_invoice_yet")),
        ([], ("unbilled", "-25.64", "no_invoice_yet")),
    ],
)
def test_usage_is_compared_with_the_invoices_of_its_key(
    halo: list[dict[str, Any]], wanted: tuple[str, str, str], tmp_path: Path
) -> None:
    row = with_usage(*halo).compared(tmp_path)[USAGE]
    assert (row["class"], str(row["difference"].normalize().quantize(Decimal("1.00")).normalize()), row["reached_bill"]) == (
        wanted[0], str(Decimal(wanted[1]).normalize()), wanted[2],
    )  # fmt: skip


def test_usage_that_a_person_may_have_billed_is_not_checked(tmp_path: Path) -> None:
    row = with_usage().compared(tmp_path, usage={"default_halo_item_id": 120})[USAGE]
    assert (row["class"], row["reason_code"]) == ("not_checked", "usage_by_hand")


def test_usage_without_a_company_is_unbilled_with_its_money(tmp_path: Path) -> None:
    rows = with_usage(item=arrears(companyId=None, companyName=None)).compared(tmp_path)
    found = [row for row in rows.values() if row["reason_code"] == "usage_without_company"]
    assert [(row["class"], row["difference"]) for row in found] == [("unbilled", Decimal("-25.64"))]


def once(**changes: Any) -> dict[str, Any]:
    return seats(9, **{"type": "one-time", "term": "One-Time", "subscriptionId": None, "quantity": 1, "price": 99,
                       "cost": 80, **changes})  # fmt: skip


def test_a_charge_that_comes_once_is_found_by_client_item_and_amount(tmp_path: Path) -> None:
    line = {"id": 96000, "_itemid": 88, "qty_order": 1, "unit_price": 99}
    paid = {
        "id": 72000,
        "client_id": 231,
        "invoice_date": "2026-08-10",
        "posted": True,
        "voided": False,
        "lines": [line],
    }
    mapped: dict[str, Any] = {"items": [[seats(), once()]], "item_map": [(ITEM, 88)]}
    found = {
        "billed": MonthData(**mapped, halo_invoices=[halo_invoice([billed_line()]), paid]),
        "not billed": MonthData(**mapped),
        "one of two": MonthData(
            items=[[seats(), once(), once(id="second")]], item_map=[(ITEM, 88)],
            halo_invoices=[halo_invoice([billed_line()]), paid],
        ),
        "no item": MonthData(items=[[seats(), once()]]),
        "no money": MonthData(items=[[seats(), once(price=0, cost=0)]]),
    }  # fmt: skip
    classes = {
        name: sorted(r["class"] for r in books.compared(tmp_path / name).values() if r["kind"] == "one_time")
        for name, books in found.items()
    }
    assert classes == {
        "billed": ["equal"], "not billed": ["unbilled"], "one of two": ["equal", "unbilled"],
        "no item": ["not_checked"], "no money": ["equal"],
    }  # fmt: skip


def test_what_is_between_pax8_and_the_partner_is_no_difference(tmp_path: Path) -> None:
    items = [
        seats(), seats(2, type="payment-credit", companyId=None, subscriptionId=None, price=-25, quantity=1),
        seats(3, type="rebate", subscriptionId=None, price=-9, quantity=1),
        seats(4, type="service-charge", companyId=None, subscriptionId=None, price=75, quantity=1),
        seats(5, type="service-credit", subscriptionId=None, price=-5, quantity=1),
    ]  # fmt: skip
    rows = MonthData(items=[items]).compared(tmp_path)
    assert {row["kind"]: row["class"] for row in rows.values()} == {
        "seats": "equal", "payment": "equal", "rebate": "equal", "fee": "equal", "credit": "not_checked",
    }  # fmt: skip


def history(folder: Path, books: MonthData, *days: tuple[datetime, int]) -> dict[str, Any]:
    """Store earlier reads of Pax8's list, each with the seats of that day, then compare."""
    warehouse = books.load(folder, policy=policy())
    for number, (moment, quantity) in enumerate(days):
        rows = snapshots.raw_objects("/subscriptions", [subscription(quantity=quantity)])
        snapshots.store(warehouse, [snapshots.Read("pax8.subscriptions", rows)], f"day-{number}", now=moment)
    build.build_month(warehouse, MONTH, build.variables(TODAY, policy()))
    return rows_of(warehouse)[SEATS]


def test_a_change_of_the_list_after_the_invoice_is_timing_only_when_a_read_shows_it(tmp_path: Path) -> None:
    books = MonthData(
        subscriptions=[subscription(quantity=14)], items=[[seats(quantity=19)]], licences=[licence(count=14)],
        halo_invoices=[halo_invoice([billed_line(qty_order=14)], invoice_date="2026-08-12T00:00:00")],
    )  # fmt: skip
    before, after = datetime(2026, 8, 2, 6), datetime(2026, 8, 11, 6)
    shown = history(tmp_path / "shown", books, (before, 19), (after, 14))
    assert (shown["class"], shown["reason_code"]) == ("timing", "changed_after_invoice")
    always = history(tmp_path / "always", books, (before, 14), (after, 14))
    assert (always["class"], always["reason_code"]) == ("under_billed", "invoice_against_list")


def test_a_part_on_the_next_pax8_invoice_makes_it_timing(tmp_path: Path) -> None:
    following = part(startPeriod="2026-08-10", endPeriod="2026-08-31", quantity=4)
    books = MonthData(
        subscriptions=[subscription(quantity=24)], licences=[licence(count=24)],
        invoices=[pax8_invoice(), pax8_invoice(2, invoiceDate="2026-09-01")],
        items=[[seats()], [seats(7, startPeriod="2026-09-01", quantity=24), following]],
        halo_invoices=[halo_invoice([billed_line(qty_order=24)], invoice_date="2026-08-12T00:00:00")],
    )  # fmt: skip
    row = books.compared(tmp_path)[SEATS]
    assert (row["class"], row["reason_code"]) == ("timing", "pax8_part_follows")


def test_a_change_that_is_on_neither_bill_yet_is_timing(tmp_path: Path) -> None:
    row = MonthData(subscriptions=[subscription(quantity=23)]).compared(tmp_path)[SEATS]
    assert (row["class"], row["reason_code"], row["subscription_id"]) == ("timing", "list_moved", SUB)
