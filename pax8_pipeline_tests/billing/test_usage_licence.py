"""Writing the price of a usage licence: set whole, once, proven by reading, and nothing else moved."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.billing.apply import Applier
from pax8_pipeline.billing.model import Change
from pax8_pipeline.billing.usage_licence import inverse
from pax8_pipeline.errors import PipelineError
from pax8_pipeline_tests.billing.fake import (
    TODAY,
    Crash,
    FakeHalo,
    FakePax8,
    MemoryLedger,
    change,
    computed_line,
    licence,
    manual_line,
    plan,
)

KEY = "PAX8-USAGE 2026-07 5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11"
SENT = {"id": 11, "client_id": 231, "count": 1, "price": Decimal("143.27"), "purchase_price": Decimal("124.58")}
LINKED = {"use_linked_subscription_price": True, "use_linked_subscription_cost": True}


def usage(price: str = "143.27", *, key: str = KEY, **expect: Any) -> Change:
    """July on licence 11, which held 12.00 when it was planned."""
    seen = {
        "licence_count": 1, "licence_active": True, "licence_price": "12", "licence_cost": "9.5", "line_inactive": False,
        "licences_on_line": 1, "next_creation_date": "2026-08-25", "price": price, "unit_cost": "124.58",
        "usage": {"key": key, "month": "2026-07", "lines": [{"ref": "* * 2026-07", "amount": price, "cost": "124.58", "charges": []}]},
    }  # fmt: skip
    base = change("set_usage_licence", None)
    return replace(
        base,
        row_id=key,
        before="price 12.00",
        after=f"{price} USD",
        money_per_month=Decimal(price),
        expect={**seen, **expect},
    )


def tenant(*faults: str, **changes: Any) -> FakeHalo:
    """Licence 11 at 12.00, followed by line 1 in price and cost; line 2 beside it; the invoice is due on the 25th."""
    link = {"id": 10, "licence_id": 11, "qty_free": 0, "minimum_qty": 0, **LINKED}
    followed = computed_line(1, 11, quantity_subscriptions=[link], unit_price=Decimal("12.0"), unit_cost=Decimal("9.5"))
    header = {"id": -94, "client_id": 231, "disabled": False, "nextcreationdate": "2026-08-25T00:00:00",
              "lines": [followed, manual_line(2), computed_line(3, 12)]}  # fmt: skip
    row = licence(11, count=1, price=Decimal("12.0"), purchase_price=Decimal("9.5"))
    return FakeHalo({-94: header}, {11: {**row, **changes}, 12: licence(12)}, list(faults))


def applier(target: FakeHalo, ledger: MemoryLedger, **kwargs: Any) -> Applier:
    return Applier(target, FakePax8(), ledger, TODAY, **kwargs)


def applied(target: FakeHalo, *changes: Change) -> tuple[MemoryLedger, Any]:
    ledger = MemoryLedger()
    return ledger, applier(target, ledger).apply(plan(), list(changes) or [usage()])


def echo(target: FakeHalo) -> None:
    """Halo shows the licence's money on the line that follows it."""
    row = target.licence_rows[11]
    target.headers[-94]["lines"][0].update(
        unit_price=row["price"], unit_cost=row["purchase_price"], qty_order=Decimal("1.0")
    )


def test_price_and_cost_are_set_with_count_one_in_one_small_write() -> None:
    target = tenant()
    ledger, outcome = applied(target)
    assert target.applied == [("licence", SENT)]
    assert outcome.states == {"verified": 1}
    assert ledger.states() == {KEY: ["claimed", "sent", "verified"]}


def test_the_claim_keeps_what_an_undo_has_to_know() -> None:
    ledger, _ = applied(tenant())
    (claimed,) = [e for _, e in ledger.entries if e.state == "claimed"]
    before = json.loads(claimed.before_state or "{}")["licence"]
    assert [Decimal(before[name]) for name in ("count", "price", "purchase_price")] == [1, 12, Decimal("9.5")]


def test_the_line_may_show_the_new_price_at_once() -> None:
    target = tenant()
    target.side_effect = echo
    _, outcome = applied(target)
    assert (outcome.states, outcome.problems) == ({"verified": 1}, [])


@pytest.mark.parametrize(
    "effect",
    [
        lambda h: h.headers[-94]["lines"][1].update(unit_price=Decimal("143.27")),
        lambda h: h.headers[-94]["lines"][0].update(unit_price=Decimal("150.00")),
        lambda h: h.headers[-94]["lines"][0].update(isinactive=True),
        lambda h: h.headers[-94]["lines"].pop(2),
        lambda h: h.licence_rows[11].update(name="Other"),
    ],
    ids=["another line's price", "the line's price, another value", "line off", "a line gone", "the licence's name"],
)
def test_anything_else_that_moves_stops_the_apply(effect: Callable[[FakeHalo], Any]) -> None:
    target = tenant()
    target.side_effect = effect
    _, outcome = applied(target)
    assert any("nobody planned" in problem for problem in outcome.problems)


@pytest.mark.parametrize(
    "edit",
    [
        lambda h: h.licence_rows[11].update(price=Decimal("13.00")),
        lambda h: h.licence_rows[11].update(purchase_price=Decimal("13.00")),
        lambda h: h.licence_rows[11].update(count=2),
        lambda h: h.licence_rows[11].update(is_active=False),
        lambda h: h.headers[-94].update(nextcreationdate="2026-09-25T00:00:00"),
        lambda h: h.headers[-94].update(disabled=True),
        lambda h: h.headers[-94]["lines"][0].update(isinactive=True),
        lambda h: h.headers[-94]["lines"][0]["quantity_subscriptions"][0].update(use_linked_subscription_price=False),
        lambda h: h.headers[-94]["lines"][0]["quantity_subscriptions"][0].update(use_linked_subscription_cost=False),
        lambda h: h.headers[-94]["lines"][0]["quantity_subscriptions"].append({"id": 5, "licence_id": 12}),
        lambda h: h.headers[-94]["lines"].pop(0),
    ],
    ids=[
        "price",
        "cost",
        "count",
        "off",
        "invoice made",
        "disabled",
        "line off",
        "price link",
        "cost link",
        "two",
        "gone",
    ],
)
def test_a_licence_or_line_that_changed_since_the_plan_is_not_written(edit: Callable[[FakeHalo], Any]) -> None:
    target = tenant()
    edit(target)
    ledger, outcome = applied(target)
    assert (target.attempts, outcome.states) == (0, {"drifted": 1})
    assert ledger.states() == {KEY: ["drifted"]}


@pytest.mark.parametrize("price", ["-1.00", "nan", "1.23456", ""])
def test_an_amount_that_cannot_be_billed_is_never_sent(price: str) -> None:
    target = tenant()
    made = usage("1.00")
    _, outcome = applied(target, replace(made, expect={**made.expect, "price": price}))
    assert (target.attempts, outcome.states) == (0, {"drifted": 1})


@pytest.mark.parametrize(
    ("fault", "state", "price"),
    [("lost", "verified", "143.27"), ("not_applied", "failed", "12.0"), ("refused", "failed", "12.0")],
)
def test_a_write_without_an_answer_is_settled_by_reading_and_never_sent_again(
    fault: str, state: str, price: str
) -> None:
    target = tenant(fault)
    _, outcome = applied(target)
    assert (target.attempts, outcome.states) == (1, {state: 1})
    assert target.licence_rows[11]["price"] == Decimal(price)


@pytest.mark.parametrize("moment", ["before claim", "after claim", "before licence", "after send", "before read-back"])
def test_no_price_is_sent_before_its_claim_is_on_disk(moment: str) -> None:
    target, ledger = tenant(), MemoryLedger()

    def die(name: str) -> None:
        if name == moment:
            raise Crash

    with pytest.raises(Crash):
        applier(target, ledger, step=die).apply(plan(), [usage()])
    assert bool(target.applied) <= ("claimed" in ledger.states().get(KEY, []))


def test_seats_on_the_same_invoice_go_along_and_both_are_proven() -> None:
    target = tenant()
    target.side_effect = echo
    seats = change("set_line_quantity", 8, line=2, licence=None)
    _, outcome = applied(target, seats, usage())
    assert (outcome.states, outcome.problems) == ({"verified": 2}, [])


def back_to_zero() -> Change:
    """The reset of an amount that an invoice has billed; the due date has moved on and does not matter."""
    zero = usage("0.00", key=f"{KEY} reset", unit_cost="0.00", licence_price="143.27", licence_cost="124.58")
    return replace(zero, expect={k: v for k, v in zero.expect.items() if k != "next_creation_date"})


def test_the_way_back_to_zero_is_the_same_write() -> None:
    target = tenant(price=Decimal("143.27"), purchase_price=Decimal("124.58"))
    _, outcome = applied(target, back_to_zero())
    assert target.applied == [("licence", {**SENT, "price": 0, "purchase_price": 0})]
    assert outcome.states == {"verified": 1}


def test_an_amount_a_person_put_there_meanwhile_is_not_zeroed() -> None:
    target = tenant(price=Decimal("150.00"), purchase_price=Decimal("124.58"))
    _, outcome = applied(target, back_to_zero())
    assert (target.attempts, outcome.states) == (0, {"drifted": 1})


ROW = {"plan_id": "plan-1", "verdict": "usage_bill"}
BEFORE = {"licence": {"count": 1, "price": "12.0", "purchase_price": "9.5"}}


def undone(target: FakeHalo, made: Change, **row: Any) -> dict[str, Any]:
    return inverse(made, {**ROW, **row}, BEFORE, target.headers[-94], target.licence_rows[11])


def test_an_undo_sets_the_earlier_price_and_takes_the_amount_out_of_the_books() -> None:
    target, made = tenant(), usage()
    applied(target, made)
    row = undone(target, made)
    expect = json.loads(row["expect"])
    assert row["class"] == "needs_approval"
    assert [line["amount"] for line in expect["usage"]["lines"]] == ["-143.27"]
    _, outcome = applied(target, replace(made, expect=expect))
    assert outcome.states == {"verified": 1}
    assert (target.licence_rows[11]["price"], target.licence_rows[11]["purchase_price"]) == (12, Decimal("9.5"))


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda h: h.licence_rows[11].update(price=Decimal(1)), "changed since"),
        (lambda h: h.licence_rows[11].update(count=2), "changed since"),
        (lambda h: h.headers[-94].update(nextcreationdate="2026-09-25T00:00:00"), "the next is due on 2026-09-25"),
        (lambda h: h.headers[-94].update(lines=[]), "changed since"),
    ],
)
def test_an_undo_is_refused_when_the_price_changed_or_is_on_an_invoice(
    edit: Callable[[FakeHalo], Any], why: str
) -> None:
    target, made = tenant(), usage()
    applied(target, made)
    edit(target)
    row = undone(target, made)
    assert row["class"] == "blocked"
    assert why in row["sentence"]


def test_a_way_back_to_zero_and_an_undo_are_never_undone() -> None:
    target = tenant(price=Decimal("143.27"), purchase_price=Decimal("124.58"))
    applied(target, back_to_zero())
    assert undone(target, back_to_zero())["class"] == "blocked"
    assert undone(target, usage(), verdict="rollback")["class"] == "blocked"


def test_a_plan_held_by_a_guardrail_writes_no_price() -> None:
    target = tenant()
    with pytest.raises(PipelineError):
        applier(target, MemoryLedger()).apply(plan(held="too much"), [usage()])
    assert target.attempts == 0
