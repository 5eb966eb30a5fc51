"""What is planned for a client whose usage a standing licence carries: set once, proven on its invoice, back to 0."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.ledger import Ledger
from pax8_pipeline.billing.model import Entry, State
from pax8_pipeline.billing.plan import all_changes, latest_plan_id
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.warehouse.books import SUB, invoice, licence, line
from pax8_pipeline_tests.warehouse.usage_books import (
    KEY,
    OTHER,
    UsageBooks,
    arrears,
    policy,
    usage_plan,
)

METERED, LINE, DUE = 4200, 24999, "2026-08-25T00:00:00"
RESET = f"{KEY} reset"
Rows = dict[str, dict[str, Any]]


def usage_licence(**changes: Any) -> dict[str, Any]:
    base = {"id": METERED, "name": "Metered usage", "count": 1, "price": Decimal(12), "purchase_price": 0, "snowid": ""}
    return licence(**{**base, **changes})


def usage_line(**changes: Any) -> dict[str, Any]:
    link = {"id": 902, "licence_id": METERED, "qty_free": 0, "minimum_qty": 0, "kind": 4, "pro_rata": 0,
            "use_linked_subscription_price": True, "use_linked_subscription_cost": True}  # fmt: skip
    link |= changes.pop("link", {})
    return line(**{"id": LINE, "item_shortdescription": "Metered usage", "quantity_subscriptions": [link], **changes})


def books(**changes: Any) -> UsageBooks:
    """Usage books whose client 231 has a usage licence with 12.00 on it, followed by one line due on the 25th."""
    made = UsageBooks(
        licences=[licence(), usage_licence()],
        recurring=[invoice([line(), usage_line()], nextcreationdate=DUE)],
    )
    return replace(made, **changes)


def rules(**usage: Any) -> Policy:
    return policy(**{"clients": {231: {"target": "licence", "licence_id": METERED}}, **usage})


def first(made: UsageBooks, folder: Path, **usage: Any) -> Rows:
    return usage_plan(made.load(folder, policy=rules(**usage)), rules(**usage))


def generated(number: int, net: Any, day: str = "2026-08-20", **changes: Any) -> dict[str, Any]:
    """An invoice that Halo made from the recurring one."""
    bill = {
        "id": 26000 + number,
        "recurring_invoice_id": -94,
        "recurring_invoice_line_id": LINE,
        "qty_order": 1,
        "unit_price": net,
    }
    seats = {**bill, "id": 27000 + number, "recurring_invoice_line_id": 24967, "qty_order": 20, "unit_price": 22}
    return {"id": 51800 + number, "client_id": 231, "invoice_date": f"{day}T00:00:00", "posted": False, "voided": False,
            "recurring_invoice_id": -94, "lines": [seats, bill], **changes}  # fmt: skip


def written(warehouse: Warehouse, row_id: str, state: State = "verified") -> None:
    """What apply would leave in the ledger."""
    with warehouse.connect() as connection:
        plan_id = latest_plan_id(connection) or ""
        (change,) = [c for c in all_changes(connection, plan_id) if c.row_id == row_id]
    Ledger(warehouse, "run-1").record(plan_id, [Entry(change, state)])


def holding(price: Any, due: str, *invoices: dict[str, Any], **changes: Any) -> UsageBooks:
    """The books of a later day: the licence's price, the next due date, and what Halo has invoiced since."""
    return books(
        licences=[licence(), usage_licence(price=price, purchase_price=Decimal("19.48") if price else 0)],
        recurring=[invoice([line(), usage_line()], nextcreationdate=f"{due}T00:00:00")],
        halo_invoices=list(invoices),
        **changes,
    )


def then(folder: Path, later: UsageBooks, state: State = "verified", **usage: Any) -> tuple[Warehouse, Rows]:
    """Set July, then plan on the later books. All happens on one calendar day, so what is set counts from the day before."""
    warehouse = books().load(folder, policy=rules(**usage))
    usage_plan(warehouse, rules(**usage))
    written(warehouse, KEY, state)
    with warehouse.connect() as connection:
        connection.execute("UPDATE billing.plans SET today = today - 8")
    later.again(warehouse, rules(**usage), "run-2")
    return warehouse, usage_plan(warehouse, rules(**usage), "run-2")


def test_a_closed_month_sets_the_licence_to_its_amount_and_adds_nothing_to_what_it_held(tmp_path: Path) -> None:
    items = [[arrears(), arrears(2, total=Decimal("4.36"), productName="Restore", productId=OTHER)]]
    row = first(books(items=items), tmp_path)[KEY]
    assert (row["class"], row["action"], row["verdict"], row["reason"]) == (
        "safe",
        "set_usage_licence",
        "usage_bill",
        "usage_bill",
    )
    assert (row["recurring_invoice_id"], row["line_id"], row["licence_id"]) == (-94, LINE, METERED)
    assert (row["before"], row["after"].split(" (")[0]) == ("price 12.00", "30.00 USD")
    assert (row["money_per_month"], row["delta"]) == (Decimal(30), 0)
    expect = json.loads(row["expect"])
    assert {k: expect[k] for k in ("price", "unit_cost", "licence_price", "licence_count", "next_creation_date")} == {
        "price": "30.00",
        "unit_cost": "38.96",
        "licence_price": "12",
        "licence_count": 1,
        "next_creation_date": "2026-08-25",
    }
    (only,) = expect["usage"]["lines"]
    assert (only["ref"], only["amount"], len(only["charges"])) == ("* * 2026-07", "30.00", 2)
    assert "due on 2026-08-25 bills it" in row["sentence"]


def test_no_invoice_of_its_own_is_planned_beside_the_licence(tmp_path: Path) -> None:
    rows = first(books(), tmp_path)
    assert [r["action"] for r in rows.values() if r["action"] != "none"] == ["set_usage_licence"]


NO_PRICE, NO_COST = {"use_linked_subscription_price": False}, {"use_linked_subscription_cost": False}
TWO = [{"id": 1, "licence_id": METERED}, {"id": 2, "licence_id": 4127}]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"licences": [licence()]}, "does not exist"),
        ({"licences": [licence(), usage_licence(is_active=False)]}, "is inactive"),
        ({"licences": [licence(), usage_licence(deleted=True)]}, "is inactive"),
        ({"licences": [licence(), usage_licence(client_id=232)]}, "belongs to another Halo client"),
        ({"lines": []}, "no live line"),
        ({"lines": [usage_line(isinactive=True)]}, "no live line"),
        ({"lines": [usage_line(onetimecharge=True)]}, "no live line"),
        ({"lines": [usage_line(), usage_line(id=25000)]}, "2 live lines follow"),
        ({"lines": [usage_line(quantity_subscriptions=TWO)]}, "follows 2 licences"),
        ({"lines": [usage_line(link=NO_PRICE)]}, "does not take price and cost"),
        ({"lines": [usage_line(link=NO_COST)]}, "does not take price and cost"),
        ({"lines": [usage_line(link={"qty_free": 1})]}, "free units"),
        ({"lines": [usage_line(link={"minimum_qty": 5})]}, "minimum quantity"),
        ({"lines": [usage_line(prorata_data=[{"isinvoiced": False}])]}, "part-period entry waits"),
        ({"header": {"disabled": True}}, "is disabled"),
        ({"header": {"client_id": 232}}, "another client's"),
        ({"header": {"period": 4}}, "not a monthly one"),
        (
            {"licences": [licence(), usage_licence(count=3)], "lines": [usage_line(link={"pro_rata": 1})]},
            "set it to 1 in Halo",
        ),
        ({"licences": [usage_licence(snowid=SUB)]}, "counts the seats of a Pax8 subscription"),
    ],
)
def test_a_licence_that_would_not_be_billed_once_at_its_price_is_refused(
    tmp_path: Path, changes: dict[str, Any], detail: str
) -> None:
    header = changes.pop("header", {})
    lines = changes.pop("lines", [usage_line()])
    recurring = [invoice([line(), *lines], **{"nextcreationdate": DUE, **header})]
    row = first(books(recurring=recurring, **changes), tmp_path)[KEY]
    assert (row["class"], row["verdict"], row["action"]) == ("blocked", "usage_licence_missing", "none")
    assert detail in row["sentence"]
    assert row["unbilled_per_month"] == Decimal("25.64")


def test_a_licence_of_any_count_is_set_to_one_where_no_part_period_follows(tmp_path: Path) -> None:
    row = first(books(licences=[licence(), usage_licence(count=0, price=0)]), tmp_path)[KEY]
    assert (row["class"], row["before"]) == ("safe", "price 0.00, count 0")


@pytest.mark.parametrize(
    ("due", "detail"),
    [
        ("2026-08-20T00:00:00", "is due on 2026-08-20"),
        ("2026-08-01T00:00:00", "is due on 2026-08-01"),
        ("2026-09-01T00:00:00", "the invoice of August 2026 is made, the next is due on 2026-09-01"),
        ("1900-01-01T00:00:00", "does not say when"),
    ],
)
def test_a_month_whose_invoice_is_made_or_due_too_soon_is_refused(tmp_path: Path, due: str, detail: str) -> None:
    recurring = [invoice([line(), usage_line()], nextcreationdate=due)]
    row = first(books(recurring=recurring), tmp_path)[KEY]
    assert (row["class"], row["verdict"], row["unbilled_per_month"]) == (
        "blocked",
        "usage_licence_late",
        Decimal("25.64"),
    )
    assert detail in row["sentence"]
    assert "target: invoice" in row["sentence"]


def test_one_licence_is_not_shared_by_the_amounts_of_two_companies(tmp_path: Path) -> None:
    two = [
        arrears(),
        arrears(2, companyId=OTHER, companyName="Other Bakery", details="Other Bakery", subscriptionId=SUB),
    ]
    shared = books(items=[two], client_map=[(OTHER, 231), (KEY.split()[-1], 231)])
    rows = [r for r in first(shared, tmp_path).values() if r["target"] == f"licence {METERED}"]
    assert [(r["class"], r["verdict"]) for r in rows] == [("blocked", "usage_licence_shared")] * 2


def test_usage_that_is_held_is_held_on_the_licence_too(tmp_path: Path) -> None:
    row = first(books(), tmp_path, first_month=None)[KEY]
    assert (row["class"], row["reason"]) == ("blocked", "usage_held")


def test_a_client_that_waits_for_approval_waits_here_too(tmp_path: Path) -> None:
    row = first(books(), tmp_path, trust={"default": "approve"})[KEY]
    assert (row["class"], row["reason"], row["action"]) == ("needs_approval", "trust_approve", "set_usage_licence")


def test_what_is_set_and_not_due_yet_is_shown_and_left(tmp_path: Path) -> None:
    _, rows = then(tmp_path, holding(Decimal("25.64"), "2026-08-25"))
    assert (rows[KEY]["class"], rows[KEY]["verdict"]) == ("no_op", "usage_set")
    assert "due on 2026-08-25" in rows[KEY]["sentence"]
    assert {r["action"] for r in rows.values()} == {"none"}


def test_an_amount_that_one_invoice_billed_is_proven_and_the_licence_goes_back_to_zero(tmp_path: Path) -> None:
    _, rows = then(tmp_path, holding(Decimal("25.64"), "2026-09-25", generated(1, Decimal("25.64"))))
    assert (rows[KEY]["class"], rows[KEY]["verdict"]) == ("no_op", "usage_billed")
    assert "invoice 51801" in rows[KEY]["sentence"]
    reset = rows[RESET]
    assert (reset["class"], reset["action"], reset["verdict"], reset["money_per_month"]) == (
        "safe",
        "set_usage_licence",
        "usage_reset",
        0,
    )
    assert (reset["before"], reset["after"]) == ("price 25.64", "price 0.00")
    assert json.loads(reset["expect"])["usage"]["lines"] == []


def test_once_back_at_zero_nothing_is_left_to_do_and_later_invoices_prove_nothing_else(tmp_path: Path) -> None:
    first_invoice = generated(1, Decimal("25.64"), "2026-08-19")
    warehouse, _ = then(tmp_path, holding(Decimal("25.64"), "2026-09-25", first_invoice))
    written(warehouse, RESET)
    with warehouse.connect() as connection:
        connection.execute("UPDATE billing.plans SET today = DATE '2026-08-19' WHERE run_id = 'run-2'")
    later = holding(0, "2026-10-25", first_invoice, generated(2, Decimal("30.00")))  # the next month's amount
    later.again(warehouse, rules(), "run-3")
    rows = usage_plan(warehouse, rules(), "run-3")
    assert (rows[KEY]["verdict"], RESET in rows) == ("usage_billed", False)
    # Invoices of long ago are not read any more; the proof stands with the reset.
    holding(0, "2026-11-25").again(warehouse, rules(), "run-4")
    row = usage_plan(warehouse, rules(), "run-4")[KEY]
    assert (row["verdict"], "invoice 51801" in row["sentence"]) == ("usage_billed", True)


def test_an_amount_billed_twice_is_named_with_its_invoices_and_taken_off_the_licence(tmp_path: Path) -> None:
    twice = (generated(1, Decimal("25.64"), "2026-08-13"), generated(2, Decimal("25.64")))
    _, rows = then(tmp_path, holding(Decimal("25.64"), "2026-10-25", *twice))
    assert (rows[KEY]["class"], rows[KEY]["verdict"]) == ("blocked", "usage_billed_twice")
    assert "51801, 51802" in rows[KEY]["sentence"]
    assert rows[RESET]["class"] == "safe"


@pytest.mark.parametrize(
    ("invoices", "verdict", "unbilled", "resets"),
    [
        ((generated(1, Decimal("20.00")),), "usage_misbilled", "5.64", True),
        ((generated(1, Decimal(0)),), "usage_misbilled", "25.64", True),
        ((), "usage_misbilled", "25.64", False),
        ((generated(1, Decimal("25.64"), voided=True),), "usage_voided", "0", True),
        # Before or on the day it was set: not of this amount.
        ((generated(1, Decimal("25.64"), "2026-08-12"),), "usage_misbilled", "25.64", False),
    ],
    ids=["less", "nothing on it", "no invoice", "voided", "an older invoice"],
)
def test_an_invoice_that_does_not_prove_the_amount_is_reported_with_the_difference(
    tmp_path: Path, invoices: tuple[dict[str, Any], ...], verdict: str, unbilled: str, resets: bool
) -> None:
    _, rows = then(tmp_path, holding(Decimal("25.64"), "2026-09-25", *invoices))
    assert (rows[KEY]["class"], rows[KEY]["verdict"]) == ("blocked", verdict)
    assert rows[KEY]["unbilled_per_month"] == Decimal(unbilled)
    assert (RESET in rows) == resets


def test_a_voided_invoice_that_was_made_again_by_a_person_counts_once(tmp_path: Path) -> None:
    both = (generated(1, Decimal("25.64"), voided=True), generated(2, Decimal("25.64")))
    _, rows = then(tmp_path, holding(Decimal("25.64"), "2026-09-25", *both))
    assert rows[KEY]["verdict"] == "usage_billed"


def test_a_price_that_a_person_put_there_is_not_set_back(tmp_path: Path) -> None:
    _, rows = then(tmp_path, holding(Decimal("99.00"), "2026-09-25", generated(1, Decimal("25.64"))))
    assert (rows[KEY]["verdict"], RESET in rows) == ("usage_billed", False)


@pytest.mark.parametrize(
    ("trust", "cls", "reason"),
    [("approve", "needs_approval", "trust_approve"), ("observe", "blocked", "trust_observe")],
)
def test_the_way_back_to_zero_goes_as_far_as_the_clients_trust(
    tmp_path: Path, trust: str, cls: str, reason: str
) -> None:
    warehouse, _ = then(tmp_path, holding(Decimal("25.64"), "2026-09-25", generated(1, Decimal("25.64"))))
    row = usage_plan(warehouse, rules(trust={"default": trust}), "run-2")[RESET]
    assert (row["class"], row["reason"]) == (cls, reason)


def test_a_guardrail_that_holds_usage_does_not_hold_the_way_back_to_zero(tmp_path: Path) -> None:
    limits = {"guardrails": {"usage_run": {"new_charges": 0}, "usage_client": {"new_charges": 0}}}
    warehouse, _ = then(tmp_path, holding(Decimal("25.64"), "2026-09-25", generated(1, Decimal("25.64"))))
    assert usage_plan(warehouse, rules(**limits), "run-2")[RESET]["class"] == "safe"


def two_months(price: Any, *invoices: dict[str, Any]) -> UsageBooks:
    """The client's first company was set before; its second, matched since, is due now on the same licence."""
    second = arrears(2, companyId=OTHER, companyName="Other Bakery", details="Other Bakery")
    later = holding(price, "2026-08-25", *invoices)
    return replace(later, items=[[arrears(), second]], client_map=[(KEY.split()[-1], 231), (OTHER, 231)])


def test_an_amount_that_no_invoice_billed_yet_is_not_overwritten_by_another(tmp_path: Path) -> None:
    _, rows = then(tmp_path, two_months(Decimal("25.64")))
    row = rows[f"PAX8-USAGE 2026-07 {OTHER}"]
    assert (row["class"], row["verdict"]) == ("blocked", "usage_licence_pending")
    assert "25.64 of July 2026 stands on it" in row["sentence"]


def test_an_amount_that_is_billed_goes_back_to_zero_before_the_next_is_set(tmp_path: Path) -> None:
    _, rows = then(tmp_path, two_months(Decimal("25.64"), generated(1, Decimal("25.64"))))
    row = rows[f"PAX8-USAGE 2026-07 {OTHER}"]
    assert (row["class"], row["verdict"], rows[RESET]["class"]) == ("blocked", "usage_licence_pending", "safe")
    assert "goes back to 0 first" in row["sentence"]


def test_a_correction_of_a_set_month_is_an_invoice_of_its_own_that_waits(tmp_path: Path) -> None:
    more = holding(Decimal("25.64"), "2026-08-25", items=[[arrears(), arrears(2, total=Decimal("4.36"))]])
    _, rows = then(tmp_path, more)
    row = rows[f"{KEY}-adj1"]
    assert (row["class"], row["action"], row["verdict"]) == ("needs_approval", "create_invoice", "usage_adjustment")
    (only,) = json.loads(row["expect"])["usage"]["lines"]
    assert (only["ref"], only["amount"]) == ("* * 2026-07", "4.36")
    assert rows[KEY]["verdict"] == "usage_set"


@pytest.mark.parametrize("state", ["claimed", "unknown"])
def test_a_write_whose_end_is_not_known_is_not_planned_again(tmp_path: Path, state: State) -> None:
    _, rows = then(tmp_path, holding(Decimal(12), "2026-08-25"), state)
    assert {r["action"] for r in rows.values()} == {"none"}
    assert rows[f"{KEY}-adj1"]["verdict"] == "usage_unsettled"


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        ({"price": Decimal("25.64"), "purchase_price": Decimal("19.48")}, "verified"),
        ({"price": Decimal("25.6400000001"), "purchase_price": Decimal("19.48")}, "verified"),
        ({"price": Decimal("25.64"), "purchase_price": Decimal("19.48"), "count": 2}, "drifted"),
        ({"price": Decimal(12)}, "failed"),
        ({"price": Decimal(13)}, "drifted"),
    ],
)
def test_a_half_done_write_is_settled_by_the_licence_as_it_was_read(
    tmp_path: Path, seen: dict[str, Any], state: str
) -> None:
    warehouse, _ = then(tmp_path, books(licences=[licence(), usage_licence(**seen)]), "claimed")
    assert [(r["row_id"], r["state"]) for r in Ledger(warehouse, "run-2").settle()] == [(KEY, state)]


def test_what_is_shown_of_a_month_does_not_depend_on_the_licence_being_there_still(tmp_path: Path) -> None:
    gone = holding(Decimal("25.64"), "2026-09-25", generated(1, Decimal("25.64")))
    gone.licences, gone.recurring = [licence()], [invoice([line()], nextcreationdate=DUE)]
    _, rows = then(tmp_path, gone)
    assert (rows[KEY]["verdict"], RESET in rows) == ("usage_billed", False)
