"""Invoices, their items and drafts of the emulated Pax8 (pax8.md 11, 12)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.sandbox.pax8 import invoices
from pax8_pipeline.sandbox.pax8.switches import UNASSIGNED_SHAPES, Pax8Switches
from pax8_pipeline.sandbox.pax8.usage import DANGLING_COMPANY, final_figures
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.pax8_http import Pax8Caller, serving

TODAY = date(2026, 8, 20)
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def running() -> Iterator[Pax8Caller]:
    with serving(World(2, TODAY, companies=60, usage=60, unassigned=UNASSIGNED_SHAPES)) as caller:
        yield caller


@pytest.fixture
def pax8(running: Pax8Caller) -> Pax8Caller:
    running.sandbox.pax8.switches.change(Pax8Switches().to_json())
    return running


def items(pax8: Pax8Caller, month: str = "2026-08-01") -> list[dict[str, Any]]:
    """All items of the live invoices of a month, all partners."""
    live = [row for row in pax8.all("/invoices") if row["invoiceDate"] == month]
    return [
        item
        for row in live
        if row["status"] not in ("Void", "Credited")
        for item in pax8.all(f"/invoices/{row['id']}/items")
    ]


def test_an_invoice_has_a_status_and_no_company(pax8: Pax8Caller) -> None:
    rows = pax8.all("/invoices")
    assert {row["status"] for row in rows} == {"Credited", "Paid", "Unpaid", "Void"}
    assert all("companyId" not in row for row in rows)
    pax8.sandbox.pax8.switches.change({"invoice_status": False, "invoice_company_id": True})
    rows = pax8.all("/invoices")
    assert all("status" not in row and row["companyId"] for row in rows)


def test_two_partners_have_invoices_in_their_own_currency(pax8: Pax8Caller) -> None:
    newest = [row for row in pax8.all("/invoices") if row["invoiceDate"] == "2026-08-01"]
    assert {row["partnerName"]: row["currencyCode"] for row in newest} == {
        "Example MSP LLC": "USD",
        "Example MSP UK Ltd": "GBP",
    }
    for row in newest:
        found = {item["currencyCode"] for item in pax8.all(f"/invoices/{row['id']}/items")}
        assert found == {row["currencyCode"]}


def test_a_credited_invoice_stays_readable_beside_the_one_that_replaced_it(pax8: Pax8Caller) -> None:
    months = Counter((row["invoiceDate"], row["status"]) for row in pax8.all("/invoices"))
    credited = next(row for row in pax8.all("/invoices") if row["status"] == "Credited")
    assert months[credited["invoiceDate"], "Unpaid"] == 1
    old = pax8.all(f"/invoices/{credited['id']}/items")
    replaced = next(
        row
        for row in pax8.all("/invoices")
        if row["invoiceDate"] == credited["invoiceDate"] and row["status"] == "Unpaid"
    )
    new = pax8.all(f"/invoices/{replaced['id']}/items")
    assert len(old) == len(new)
    assert sum(item["costTotal"] for item in old) != sum(item["costTotal"] for item in new)


def test_items_are_of_every_kind(pax8: Pax8Caller) -> None:
    rows = items(pax8)
    kinds = Counter(row["type"] for row in rows)
    assert kinds.keys() >= {
        "subscription",
        "prorate",
        "one-time",
        "rebate",
        "service-charge",
        "service-credit",
        "payment-credit",
    }
    assert {row["term"] for row in rows} >= {"Monthly", "Arrears", "One-Time", "One-time", "Rebate"}
    assert {"Annual", "3 Year", "2 Year"} & {row["term"] for row in rows}
    assert any(row["subscriptionId"] is None and row["type"] == "one-time" for row in rows)
    assert any(row["quantity"] < 0 for row in rows)
    assert any(row["total"] == 0 and row["subscriptionId"] for row in rows)
    assert any(row["billedByPax8"] for row in rows)
    assert any(row["description"].startswith("Jul Partial: ") for row in rows)


def test_items_sometimes_lack_an_id_and_are_whole_all_the_same(pax8: Pax8Caller) -> None:
    rows = items(pax8)
    assert {"id" in row for row in rows} == {True, False}
    ids = [row["id"] for row in rows if "id" in row]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("style", "ends"), [("inclusive", {"2026-08-31"}), ("exclusive", {"2026-09-01"}), ("mixed", None)]
)
def test_periods_end_inclusive_or_exclusive(style: str, ends: set[str] | None) -> None:
    world = World(2, TODAY, companies=30, pax8_switches=Pax8Switches(period_end=style))
    with serving(world) as caller:
        found = {
            row["endPeriod"]
            for row in items(caller)
            if row["type"] == "subscription" and row["term"] == "Monthly" and row["startPeriod"] == "2026-08-01"
        }
    assert found == (ends or {"2026-08-31", "2026-09-01"})


def test_rate_types_are_capitalised_unless_switched(pax8: Pax8Caller) -> None:
    assert {row["rateType"] for row in items(pax8)} == {"Flat"}
    pax8.sandbox.pax8.switches.change({"rate_type_case": "lower"})
    assert {row["rateType"] for row in items(pax8)} == {"flat"}


def test_seats_are_billed_in_advance_as_they_stood_on_the_first(pax8: Pax8Caller) -> None:
    store = pax8.sandbox.pax8
    seats = {
        row["subscriptionId"]: row
        for row in items(pax8)
        if row["type"] == "subscription" and row["term"] == "Monthly" and row["startPeriod"] == "2026-08-01"
    }
    wanted = {}
    for key, row in store.subscriptions.items():
        then = store.as_of(key, date(2026, 8, 1))
        alive = then["startDate"] <= "2026-08-01" and (then["endDate"] or "9") >= "2026-08-01"
        if row["billingTerm"] == "Monthly" and alive:
            wanted[key] = then["quantity"]
    assert {key: row["quantity"] for key, row in seats.items()} == wanted
    changed = [key for key in wanted if wanted[key] != store.subscriptions[key]["quantity"]]
    assert changed


def test_arrears_items_are_last_months_final_totals(pax8: Pax8Caller) -> None:
    store = pax8.sandbox.pax8
    billed: dict[tuple[str, str, str], Decimal] = {
        (row["subscriptionId"], row["details"], row["productId"]): row["costTotal"]
        for row in items(pax8)
        if row["term"] == "Arrears"
    }
    wanted = {}
    for group in store.groups.values():
        for figure in final_figures(store, group, date(2026, 7, 1)):
            if not group["isTrial"]:
                key = (group["subscriptionId"], group["resourceGroup"], figure.product["productId"])
                wanted[key] = figure.partner_total.quantize(CENT)
    assert billed == wanted
    assert all(row["startPeriod"] == "2026-07-01" for row in items(pax8) if row["term"] == "Arrears")


def test_unassigned_usage_is_billed_to_the_partner_without_the_customer(pax8: Pax8Caller) -> None:
    store = pax8.sandbox.pax8
    by_group = {row["details"]: row for row in items(pax8) if row["term"] == "Arrears"}
    for group in store.groups.values():
        if group["_assignment"] == "assigned":
            continue
        row = by_group[group["resourceGroup"]]
        owner = store.subscriptions[group["subscriptionId"]]["companyId"]
        wanted = {"item-null": None, "item-missing": "-", "item-owner": owner, "item-dangling": DANGLING_COMPANY}
        assert row.get("companyId", "-") == wanted[group["_itemShape"]]
    shapes = {group["_itemShape"] for group in store.groups.values() if group["_itemShape"]}
    assert shapes == {"item-null", "item-missing", "item-owner", "item-dangling"}


def test_an_approved_invoice_never_changes() -> None:
    world = World(2, TODAY, companies=30)
    with serving(world) as caller:
        before = sorted(map(str, items(caller)))
        company = next(iter(world.pax8.companies))
        world.pax8.change_company(company, {"billOnBehalfOfEnabled": True, "externalId": "new"})
        for key in list(world.pax8.subscriptions)[:40]:
            world.pax8.change_subscription(key, {"quantity": 99, "price": Decimal("1.11")})
        assert sorted(map(str, items(caller))) == before


def test_a_quantity_changed_in_mid_month_is_prorated_on_the_next_invoice() -> None:
    world = World(2, TODAY, companies=30)
    key = next(
        key
        for key, row in world.pax8.subscriptions.items()
        if row["billingTerm"] == "Monthly" and row["status"] == "Active" and row["price"] > 2
    )
    row = world.pax8.change_subscription(key, {"quantity": world.pax8.subscriptions[key]["quantity"] + 5})
    made = invoices.generate(world.pax8, date(2026, 9, 1))
    found = [
        item
        for invoice in made
        for item in invoices.items_of(world.pax8, invoice)
        if item["subscriptionId"] == key and item["type"] == "prorate"
    ]
    assert [item["quantity"] for item in found] == [5]
    assert found[0]["startPeriod"] == "2026-08-20"
    assert found[0]["price"] == (row["price"] * 12 / 31).quantize(CENT)


def test_a_subscription_that_ends_in_mid_month_is_credited() -> None:
    world = World(2, TODAY, companies=30)
    key = next(
        key
        for key, row in world.pax8.subscriptions.items()
        if row["billingTerm"] == "Monthly" and row["status"] == "Active" and row["price"] > 2
    )
    world.pax8.change_subscription(key, {"status": "Cancelled", "endDate": "2026-08-19"})
    made = invoices.generate(world.pax8, date(2026, 9, 1))
    found = [
        item for invoice in made for item in invoices.items_of(world.pax8, invoice) if item["subscriptionId"] == key
    ]
    assert [item["type"] for item in found] == ["prorate"]
    assert found[0]["description"].startswith("(Canceled) ")
    assert found[0]["total"] < 0


def test_a_year_is_charged_once_in_its_month() -> None:
    world = World(2, TODAY, companies=60)
    key, row = next(
        (key, row)
        for key, row in world.pax8.subscriptions.items()
        if row["billingTerm"] == "Annual"
        and row["status"] == "Active"
        and row["startDate"][8:] not in ("29", "30", "31")
    )
    start = date.fromisoformat(row["startDate"])
    charged = []
    period = date(2027, 1, 1)
    for number in range(12):
        period = date(2027, number + 1, 1)
        made = invoices.generate(world.pax8, period)
        charged += [
            item["startPeriod"]
            for invoice in made
            for item in invoices.items_of(world.pax8, invoice)
            if item["subscriptionId"] == key and item["type"] == "subscription"
        ]
    assert [text[5:] for text in charged] == [f"{start:%m-%d}"]


def test_a_second_live_invoice_and_a_void_one_can_be_ordered(pax8: Pax8Caller) -> None:
    world = World(2, TODAY, companies=30)
    second = invoices.second_invoice(world.pax8, date(2026, 8, 1), on=TODAY)
    assert len(invoices.items_of(world.pax8, second)) == 1
    void = invoices.void_invoice(world.pax8, date(2026, 8, 1), on=TODAY)
    assert (second["status"], void["status"]) == ("Unpaid", "Void")
    with serving(world) as caller:
        ids = {row["id"] for row in caller.all("/invoices", invoiceDate="2026-08-01")}
        assert {second["id"], void["id"]} <= ids


@pytest.mark.parametrize(("query", "first"), [({}, "2026-09-01"), ({"monthOffset": 0}, "2026-08-01")])
def test_drafts_have_seats_but_no_usage_and_no_ids(pax8: Pax8Caller, query: dict[str, int], first: str) -> None:
    rows = pax8.all("/invoices/draftItems", **query)
    assert rows
    assert "Arrears" not in {row["term"] for row in rows}
    assert not any("id" in row for row in rows)
    assert first in {row["startPeriod"] for row in rows}


def test_drafts_are_narrowed_to_one_company(pax8: Pax8Caller) -> None:
    company = next(iter(pax8.sandbox.pax8.companies))
    rows = pax8.all("/invoices/draftItems", companyId=company)
    assert rows
    assert {row["companyId"] for row in rows} == {company}
