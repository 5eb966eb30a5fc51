"""Seats at the end of a month: Pax8's list, its invoice, Halo's line and the invoice that was made from it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline_tests.support.month_data import (
    COVERS,
    MONTH,
    SEATS,
    MonthData,
    billed_line,
    halo_invoice,
    part,
    rows_of,
    seats,
    table_of,
)
from pax8_pipeline_tests.support.usage_data import pax8_invoice
from pax8_pipeline_tests.support.vendor_data import (
    COMPANY,
    SUB,
    company,
    invoice,
    licence,
    line,
    manual_line,
    subscription,
)

TWIN = "c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a03"
OTHER_PRODUCT = "8e0d1c55-77a3-4d0e-9d2f-0c4b6a1e7f91"


def listed(quantity: int, **changes: Any) -> list[dict[str, Any]]:
    return [subscription(quantity=quantity, **changes)]


def billed(quantity: int, **changes: Any) -> dict[str, Any]:
    """Halo's licence, line and invoice, all with one quantity."""
    return {
        "licences": [licence(count=quantity)],
        "halo_invoices": [halo_invoice([billed_line(qty_order=quantity, **changes)])],
    }


def no_bill_yet(quantity: int) -> dict[str, Any]:
    return {"licences": [licence(count=quantity)], "halo_invoices": []}


# What the books are, the class and reason of the seats, and the money by which the bill differs.
CASES: dict[str, tuple[dict[str, Any], str, str, str | None]] = {
    "all four agree": ({}, "equal", "agree", "0"),
    "no invoice yet, and the line agrees": (no_bill_yet(20), "equal", "agree", "0"),
    "Pax8 invoices more than it lists and Halo bills": (
        {"subscriptions": listed(14), "items": [[seats(quantity=19)]], **billed(14)},
        "under_billed", "invoice_against_list", "-110",
    ),
    "Pax8 invoices less than it lists and Halo bills": (
        {"subscriptions": listed(19), "items": [[seats(quantity=14)]], **billed(19)},
        "over_billed", "invoice_against_list", "110",
    ),
    "Halo bills fewer": (billed(18), "under_billed", "quantity", "-44"),
    "Halo bills more": (billed(23), "over_billed", "quantity", "66"),
    "the line is right and its invoice is not": (
        {"halo_invoices": [halo_invoice([billed_line(qty_order=12)])]}, "under_billed", "invoice_differs", "-176",
    ),
    "a later invoice corrects the first one": (
        {"halo_invoices": [halo_invoice([billed_line(qty_order=12)]),
                           halo_invoice([billed_line(id=90002, qty_order=8)], id=70002)]},
        "equal", "corrected", "0",
    ),
    "Halo billed the month twice": (
        {"halo_invoices": [halo_invoice([billed_line()]), halo_invoice([billed_line(id=90002)], id=70002)]},
        "over_billed", "invoice_differs", "440",
    ),
    "a voided Halo invoice does not count": (
        {"halo_invoices": [halo_invoice([billed_line(qty_order=50)], voided=True),
                           halo_invoice([billed_line(id=90002)], id=70002)]},
        "equal", "agree", "0",
    ),
    "the only Halo invoice was voided": (
        {"halo_invoices": [halo_invoice([billed_line()], voided=True)]}, "unbilled", "voided", "-440",
    ),
    "Halo's invoice lacks the line": (
        {"halo_invoices": [halo_invoice([billed_line(recurring_invoice_line_id=5)])]},
        "unbilled", "not_on_invoice", "-440",
    ),
    "the line is off": (
        {"recurring": [invoice([line(isinactive=True)])], "halo_invoices": []}, "unbilled", "line_off", "-440",
    ),
    "no line in Halo": (
        {"licences": [], "recurring": [], "halo_invoices": []}, "unbilled", "no_line", "-440",
    ),
    "no client": (
        {"client_map": [], "licences": [], "recurring": [], "halo_invoices": []}, "unbilled", "no_client", "-440",
    ),
    "two lines follow one licence": (
        {"recurring": [invoice([line(), line(id=24968)])],
         "halo_invoices": [halo_invoice([billed_line(), billed_line(id=90002, recurring_invoice_line_id=24968)])]},
        "over_billed", "several_lines", "440",
    ),
    "Pax8 lists it, invoices none, Halo bills": ({"items": [[seats(subscriptionId=TWIN)]]}, "over_billed",
                                                 "not_invoiced", "440"),
    "ended, and Halo goes on": (
        {"subscriptions": listed(20, status="Cancelled", endDate="2026-07-20"), "items": [[]], "invoices": [pax8_invoice()]},
        "not_checked", "items_unread", None,
    ),
    "a trial that Halo bills": (
        {"subscriptions": listed(20, status="Trial", billingTerm="Trial"),
         "items": [[seats(term="Trial", price=0, cost=0)]]},
        "over_billed", "trial", "440",
    ),
    "a trial that nobody bills": (
        {"subscriptions": listed(20, status="Trial", billingTerm="Trial"), "licences": [], "recurring": [],
         "halo_invoices": [], "items": [[seats(term="Trial", price=0, cost=0)]]},
        "equal", "trial", "0",
    ),
    "Pax8 bills the company itself, and Halo too": (
        {"companies": [company(billOnBehalfOfEnabled=True)]}, "over_billed", "by_pax8", "440",
    ),
    "a credit on the same invoice takes the surplus back": (
        {"items": [[seats(quantity=25), seats(2, type="service-credit", quantity=-5)]]}, "equal", "agree", "0",
    ),
    "the same seats twice on the invoice": (
        {"items": [[seats(), seats(2)]]}, "under_billed", "invoiced_twice", "-440",
    ),
    "two items add up": ({"items": [[seats(quantity=12), seats(2, quantity=8)]]}, "equal", "agree", "0"),
    "a second invoice of the month repeats it": (
        {"invoices": [pax8_invoice(), pax8_invoice(2)], "items": [[seats()], [seats(2)]]},
        "under_billed", "invoiced_twice", "-440",
    ),
    "a credited invoice and its replacement count once": (
        {"invoices": [pax8_invoice(status="Credited"), pax8_invoice(2)], "items": [[seats(quantity=25)], [seats(2)]]},
        "equal", "agree", "0",
    ),
    "a credited invoice without a replacement": (
        {"invoices": [pax8_invoice(status="Credited")]}, "not_checked", "invoice_not_replaced", None,
    ),
    "Halo's price is another": (
        {"recurring": [invoice([line(unit_price=24)])], "halo_invoices": [halo_invoice([billed_line(unit_price=24)])]},
        "price_drift", "price", "40",
    ),
    "Halo's cost is another": (
        {"halo_invoices": [halo_invoice([billed_line(unit_cost=15)])]}, "price_drift", "cost", "0",
    ),
    "half a cent of rounding is no drift": (
        {"items": [[seats(price=Decimal("22.004"))]]}, "equal", "agree", "0",
    ),
    "free units of the line": (
        {"recurring": [invoice([line(quantity_subscriptions=[{"licence_id": 4127, "qty_free": 2, "minimum_qty": 0}])])],
         "halo_invoices": [halo_invoice([billed_line(qty_order=18)])]},
        "equal", "line_rules", "0",
    ),
    "a minimum quantity": (
        {"subscriptions": listed(3), "licences": [licence(count=3)], "items": [[seats(quantity=3)]],
         "recurring": [invoice([line(quantity_subscriptions=[{"licence_id": 4127, "qty_free": 0, "minimum_qty": 5}])])],
         "halo_invoices": [halo_invoice([billed_line(qty_order=5)])]},
        "equal", "line_rules", "0",
    ),
    "another currency": (
        {"items": [[seats(currencyCode="EUR")]]}, "not_checked", "other_currency", None,
    ),
    "two currencies on the invoices": (
        {"items": [[seats(quantity=10), seats(2, quantity=10, currencyCode="EUR")]]}, "not_checked", "two_currencies", None,
    ),
    "a quantity that something else computes": (
        {"recurring": [invoice([line(recurring_invoice_quantity_type=2)])], "halo_invoices": [],
         "subscription_map": [(SUB, -94, 24967, None)]},
        "not_checked", "line_unreadable", None,
    ),
    "a period that nobody knows": (
        {"recurring": [invoice([line()], period=8)]}, "not_checked", "period_unknown", None,
    ),
    "no invoice in the month, and nobody knows the period": (
        {"recurring": [invoice([line()], period=8, nextcreationdate="2028-07-01T00:00:00")],
         "halo_invoices": [halo_invoice([billed_line()], invoice_date="2026-07-01T00:00:00",
                                        period_start_date="2026-07-01T00:00:00")]},
        "not_checked", "period_unknown", None,
    ),
    "Pax8's list was cut": ({"unread_tables": ("pax8.subscriptions",)}, "", "", None),
    "Halo's recurring invoices were cut": (
        {"unread_tables": ("halo.recurring_invoices",)}, "not_checked", "halo_lists_unread", None,
    ),
    "Halo's invoices were cut": (
        {"unread_tables": ("halo.invoices",)}, "not_checked", "halo_invoices_unread", None,
    ),
    "Pax8's items were cut": ({"unread": {0}}, "not_checked", "items_unread", None),
    "no Pax8 invoice": ({"invoices": [], "items": []}, "not_checked", "no_pax8_invoice", None),
    "bought after the invoice, billed by Halo": (
        {"subscriptions": listed(20, startDate="2026-08-10", billingStart="2026-08-10"), "items": [[seats(subscriptionId=TWIN)]]},
        "timing", "not_started", "440",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_class_of_seats(case: str, tmp_path: Path) -> None:
    changes, wanted, reason, money = CASES[case]
    rows = MonthData(**changes).compared(tmp_path)
    if not wanted:  # nothing is known of any subscription
        assert all(row["class"] == "not_checked" for row in rows.values())
        return
    row = rows[SEATS]
    assert (row["class"], row["reason_code"]) == (wanted, reason)
    assert row["difference"] == (None if money is None else Decimal(money))
    assert row["reason"]
    assert bool(row["next_step"]) == (wanted not in ("equal", "timing"))


def test_an_ended_subscription_that_halo_bills_is_an_orphan(tmp_path: Path) -> None:
    ended = subscription(status="Cancelled", endDate="2026-07-20T00:00:00Z")
    books = MonthData(subscriptions=[ended, subscription(id=TWIN)], items=[[seats(subscriptionId=TWIN)]])
    row = books.compared(tmp_path)[SEATS]
    assert (row["class"], row["difference"], row["reached_bill"]) == ("orphaned", Decimal(440), "posted")


def test_a_licence_of_no_subscription_is_an_orphan(tmp_path: Path) -> None:
    stranger = licence(id=4128, snowid="aaaaaaaa-0000-4000-8000-000000000001", count=4)
    link = {"id": 902, "licence_id": 4128, "qty_free": 0, "minimum_qty": 0}
    books = MonthData(
        licences=[licence(), stranger], recurring=[invoice([line(), line(id=24968, quantity_subscriptions=[link])])]
    )
    rows = [row for row in books.compared(tmp_path).values() if row["class"] == "orphaned"]
    assert [(row["halo_billed"], row["difference"]) for row in rows] == [(Decimal(4), Decimal(88))]


def test_whether_a_difference_reached_the_bill(tmp_path: Path) -> None:
    states = {}
    for name, invoices in {
        "none": [],
        "draft": [halo_invoice([billed_line(qty_order=12)], posted=False)],
        "posted": [halo_invoice([billed_line(qty_order=12)], invoicenumber="INV-7")],
    }.items():
        row = MonthData(licences=[licence(count=12)], halo_invoices=invoices).compared(tmp_path / name)[SEATS]
        states[name] = (row["class"], row["reached_bill"], row["halo_invoices"], row["halo_invoice_date"] is not None)
    assert states == {
        "none": ("under_billed", "no_invoice_yet", [], False),
        "draft": ("under_billed", "draft", ["70001"], True),
        "posted": ("under_billed", "posted", ["INV-7"], True),
    }


def twins(first: int, second: int, **changes: Any) -> dict[str, Any]:
    """Two subscriptions of one product, each with a licence, on one line that follows both."""
    links = [{"licence_id": n, "qty_free": 0, "minimum_qty": 0} for n in (4127, 4128)]
    return {
        "subscriptions": [subscription(quantity=first), subscription(id=TWIN, quantity=second)],
        "licences": [licence(count=first), licence(id=4128, snowid=TWIN, count=second)],
        "recurring": [invoice([line(quantity_subscriptions=links)])],
        "items": [[seats(quantity=first), seats(2, subscriptionId=TWIN, quantity=second)]],
        "halo_invoices": [halo_invoice([billed_line(qty_order=first + second)])],
        **changes,
    }


def test_several_subscriptions_of_one_product_on_one_line_are_no_error(tmp_path: Path) -> None:
    rows = MonthData(**twins(20, 7)).compared(tmp_path)
    assert {row["class"] for row in rows.values()} == {"equal"}
    assert {row["halo_billed"] for row in rows.values()} == {Decimal(20), Decimal(7)}


def test_what_a_shared_line_bills_too_little_is_shown_once_at_the_licence_that_differs(tmp_path: Path) -> None:
    changed = twins(20, 7)
    changed["licences"] = [licence(count=20), licence(id=4128, snowid=TWIN, count=5)]
    changed["halo_invoices"] = [halo_invoice([billed_line(qty_order=25)])]
    rows = MonthData(**changed).compared(tmp_path)
    found = {row["subscription_id"]: (row["class"], row["difference"]) for row in rows.values()}
    assert found == {SUB: ("equal", Decimal(0)), TWIN: ("under_billed", Decimal(-44))}


def test_two_subscriptions_of_one_product_on_a_manual_line_add_up(tmp_path: Path) -> None:
    both = [(SUB, -94, 24967, None), (TWIN, -94, 24967, None)]
    changed = twins(20, 7, licences=[], subscription_map=both, recurring=[invoice([manual_line(qty_order=27)])])
    assert {row["class"] for row in MonthData(**changed).compared(tmp_path).values()} == {"equal"}


def bundle(second: int) -> MonthData:
    """One manual line of 20 for two products."""
    both = [(SUB, -94, 24967, None), (TWIN, -94, 24967, None)]
    changed = twins(20, second, licences=[], subscription_map=both, recurring=[invoice([manual_line(qty_order=20)])])
    changed["subscriptions"][1]["productId"] = OTHER_PRODUCT
    changed["items"][0][1]["productId"] = OTHER_PRODUCT
    changed["halo_invoices"] = [halo_invoice([billed_line(unit_price=50)])]
    return MonthData(**changed)


def test_a_bundle_bills_each_of_its_products_as_often_as_itself(tmp_path: Path) -> None:
    rows = bundle(20).compared(tmp_path)
    assert {(row["class"], row["reason_code"]) for row in rows.values()} == {("equal", "bundle")}
    assert sum(row["halo_money"] for row in rows.values()) == Decimal(1000)  # the line is counted once


def test_a_product_of_a_bundle_with_more_seats_than_the_bundle_is_found(tmp_path: Path) -> None:
    found = {row["subscription_id"]: row["class"] for row in bundle(23).compared(tmp_path).values()}
    assert found == {SUB: "equal", TWIN: "under_billed"}


def annual(**changes: Any) -> dict[str, Any]:
    """A subscription of a year at 264 that began in February; Halo bills a twelfth each month."""
    return {"subscriptions": [subscription(billingTerm="Annual", price=264, partnerCost=204)],
            "items": [[seats(subscriptionId=TWIN, quantity=1)]], **changes}  # fmt: skip


def test_an_annual_term_is_normally_on_no_invoice_and_its_price_is_divided_by_twelve(tmp_path: Path) -> None:
    row = MonthData(**annual()).compared(tmp_path)[SEATS]
    assert (row["class"], row["reason_code"], row["pax8_invoiced"]) == ("equal", "long_term", None)
    assert row["margin"] == Decimal(100)  # 20 seats at 22 less 17, and no money of eleven other months


def test_an_annual_term_in_its_month_is_compared_by_the_month(tmp_path: Path) -> None:
    items = [[seats(term="Annual", price=264, cost=204)]]
    row = MonthData(**annual(items=items)).compared(tmp_path)[SEATS]
    assert (row["class"], row["difference"], row["margin"]) == ("equal", Decimal(0), Decimal(100))
    assert row["pax8_cost"] == Decimal(4080)


def test_a_yearly_halo_invoice_covers_the_months_after_it(tmp_path: Path) -> None:
    yearly = {
        "recurring": [invoice([line(unit_price=264, unit_cost=204)], period=3)],
        "halo_invoices": [
            halo_invoice(
                [billed_line(unit_price=264, unit_cost=204)], invoice_date="2026-07-01", period_start_date="2026-07-01"
            )
        ],
    }
    row = MonthData(**annual(**yearly)).compared(tmp_path)[SEATS]
    assert (row["class"], row["halo_invoices"], row["halo_money"]) == ("equal", ["70001"], Decimal(440))


def test_an_amount_divided_by_the_wrong_months_is_a_price_drift(tmp_path: Path) -> None:
    full_year = {"recurring": [invoice([line(unit_price=264, unit_cost=204)])], "halo_invoices": []}
    row = MonthData(**annual(**full_year)).compared(tmp_path)[SEATS]
    assert (row["class"], row["difference"]) == ("price_drift", Decimal(20 * (264 - 22)))


def test_a_month_that_was_not_read_is_never_clean(tmp_path: Path) -> None:
    warehouse = MonthData(invoices=[], items=[]).month(tmp_path)
    (month,) = table_of(warehouse, "months")
    assert (month["ties"], month["rows_compared"]) == (False, 0)
    assert month["rows_not_checked"] == 1


def test_without_any_halo_invoice_nothing_is_under_billed(tmp_path: Path) -> None:
    assert {row["class"] for row in MonthData(halo_invoices=[]).compared(tmp_path / "read").values()} == {"equal"}
    outside = MonthData(halo_invoices=[], covers=None, unread_tables=("halo.invoices",)).compared(tmp_path / "unread")
    assert {row["class"] for row in outside.values()} == {"not_checked"}


LATER = (date(2026, 9, 1), date(2026, 12, 20))


def test_a_month_whose_invoices_only_an_older_read_had_is_not_under_billed(tmp_path: Path) -> None:
    MonthData().load(tmp_path)
    rows = MonthData(halo_invoices=[], covers=LATER).compared(tmp_path)
    assert {(row["class"], row["reason_code"]) for row in rows.values()} == {
        ("not_checked", "halo_invoices_not_covered")
    }
    assert "month.bill_days" in rows[SEATS]["next_step"]


def test_a_month_of_which_only_usage_invoices_are_stored_is_not_under_billed(tmp_path: Path) -> None:
    since = date(2026, 2, 27)
    rows = MonthData(halo_invoices=[], covers=(since, COVERS[1]), whole_from=LATER[0]).compared(tmp_path / "part")
    assert {row["class"] for row in rows.values()} == {"not_checked"}
    rows = MonthData(covers=(since, COVERS[1]), whole_from=since).compared(tmp_path / "whole")
    assert {row["class"] for row in rows.values()} == {"equal"}


def test_prices_are_compared_only_where_the_policy_says_so(tmp_path: Path) -> None:
    other = halo_invoice([billed_line(unit_price=30, unit_cost=15)])
    rules: dict[str, Any] = {"month": {"compare_price": False, "compare_cost": False}}
    row = MonthData(halo_invoices=[other]).compared(tmp_path, **rules)[SEATS]
    assert (row["class"], row["margin"]) == ("equal", Decimal(20 * 13))


def test_a_month_is_compared_again_by_itself(tmp_path: Path) -> None:
    books = MonthData()
    warehouse = books.month(tmp_path)
    assert len(rows_of(books.month(tmp_path, "2026-07"), "2026-07")) >= 1
    assert len(rows_of(warehouse, MONTH)) == 1


def test_part_periods(tmp_path: Path) -> None:
    """Pax8 charges 30 for a part of July: 3 seats at 10."""
    parts: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
        "billed": ([part()], [billed_line(id=90002, qty_order=3, unit_price=10)]),
        "billed from another day": ([part()], [billed_line(id=90002, qty_order=3, unit_price=9)]),
        "not billed": ([part()], []),
        "credit kept": ([part(quantity=-3)], []),
        "Halo only": ([], [billed_line(id=90002, qty_order=3, unit_price=10)]),
        "too little": ([part()], [billed_line(id=90002, qty_order=2, unit_price=10)]),
    }
    found = {}
    for name, (items, lines) in parts.items():
        books = MonthData(items=[[seats(), *items]], halo_invoices=[halo_invoice([billed_line(), *lines])])
        rows = books.compared(tmp_path / name)
        row = rows[f"pro_rata:{SUB}"]
        found[name] = (row["class"], row["difference"])
        assert rows[SEATS]["class"] == "equal", name
    assert found == {
        "billed": ("equal", Decimal(0)),
        "billed from another day": ("timing", Decimal(-3)),
        "not billed": ("unbilled", Decimal(-30)),
        "credit kept": ("over_billed", Decimal(30)),
        "Halo only": ("over_billed", Decimal(30)),
        "too little": ("under_billed", Decimal(-10)),
    }


def test_every_item_stands_in_one_row_and_the_sums_tie_by_client_and_currency(tmp_path: Path) -> None:
    items = [
        seats(), part(), seats(3, type="rebate", quantity=1, price=-5, cost=-4), seats(4, type="one-time", term="One-Time"),
        seats(5, currencyCode="EUR", subscriptionId=TWIN), seats(6, companyId=None, subscriptionId=None),
        seats(7, type="mystery", term="Monthly"), seats(8, type="payment-credit", companyId=None, price=-100, quantity=1),
    ]  # fmt: skip
    warehouse = MonthData(items=[items]).month(tmp_path)
    named = [item for row in rows_of(warehouse).values() for item in row["pax8_items"]]
    assert sorted(named) == sorted(f"{pax8_invoice()['id']}/{item['id']}" for item in items)
    sums = {(row["client_id"], row["currency"]): row for row in table_of(warehouse, "sums")}
    assert set(sums) == {(231, "USD"), (231, "EUR"), (0, "USD")}
    assert all(row["ties"] for row in sums.values())
    assert sums[231, "USD"]["unexplained_total"] == Decimal(440)
    assert sums[231, "USD"]["invoiced_total"] == Decimal(440 + 30 - 5 + 440 + 440)


def test_an_amount_that_cannot_be_read_breaks_the_tie(tmp_path: Path) -> None:
    warehouse = MonthData(items=[[seats(), seats(2, total="much")]]).month(tmp_path)
    assert [row["ties"] for row in table_of(warehouse, "months")] == [False]
    assert COMPANY in {row["company_id"] for row in rows_of(warehouse).values()}
