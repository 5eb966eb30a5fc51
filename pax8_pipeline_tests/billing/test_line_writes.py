"""A write of a line never changes more than that line: refusals, the whole invoice as a fallback, others at work."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.billing.actions.differences import all_but_one_member
from pax8_pipeline.billing.applying.apply import Applier, ApplyResult
from pax8_pipeline_tests.support.billing import (
    TODAY,
    FakeHalo,
    FakePax8,
    MemoryLedger,
    change,
    computed_line,
    licence,
    manual_line,
    plan,
)

Edit = Callable[[FakeHalo], None]


def halo(*faults: str, **header: Any) -> FakeHalo:
    lines = [computed_line(1, 11), manual_line(2), manual_line(3, 9)]
    first = {"id": -94, "client_id": 231, "reference": "Monthly", "disabled": False, "change_seq": 7, "lines": lines}
    other = {"id": -95, "client_id": 231, "change_seq": 1, "lines": [manual_line(9, ihid=-95)]}
    shown = {k: v for k, v in {**first, **header}.items() if v is not None}
    return FakeHalo({-94: shown, -95: other}, {11: licence(11)}, list(faults))


def change_of(line: int, after: int = 8, invoice: int = -94) -> Any:
    made = change("set_line_quantity", after, line=line, licence=None)
    return type(made)(**{**made.__dict__, "recurring_invoice_id": invoice})


def apply(target: FakeHalo, *changes: Any, ledger: MemoryLedger | None = None, fallback: Any = "off") -> ApplyResult:
    used = ledger or MemoryLedger()
    return Applier(target, FakePax8(), used, TODAY, line_fallback=fallback).apply(plan(), changes or [change_of(2)])


def kinds(target: FakeHalo) -> list[str]:
    return [kind for kind, _ in target.applied]


def save(target: FakeHalo, edit: Edit) -> None:
    """Somebody else saves the recurring invoice."""
    edit(target)
    target.headers[-94]["change_seq"] += 1


def add_a_line(target: FakeHalo) -> None:
    target.headers[-94]["lines"].append(manual_line(4, 2))


def drop_a_line(target: FakeHalo) -> None:
    target.headers[-94]["lines"].pop()


def raise_a_price(target: FakeHalo) -> None:
    target.headers[-94]["lines"][2]["unit_price"] = Decimal(99)


def change_the_text(target: FakeHalo) -> None:
    target.headers[-94]["lines"][2]["item_longdescription"] = "typed by a person"


def change_the_reference(target: FakeHalo) -> None:
    target.headers[-94]["reference"] = "Other"


def change_nothing(target: FakeHalo) -> None:
    """Saved as it was."""


@pytest.mark.parametrize("fallback", ["off", "whole_invoice"])
def test_a_refusal_of_unknown_reason_ends_that_write_with_halos_words(fallback: str) -> None:
    """Once, the refusal "this period is locked" was followed by a write of the whole invoice."""
    target, ledger = halo("locked"), MemoryLedger()
    before = copy.deepcopy(target.headers)
    outcome = apply(target, ledger=ledger, fallback=fallback)
    assert (target.headers, target.attempts) == (before, 1)
    assert outcome.states == {"failed": 1}
    assert "this period is locked" in outcome.problems[-1]


def test_a_halo_without_the_call_is_not_given_the_whole_invoice_unless_policy_says_so() -> None:
    target = halo("no_updatelines")
    outcome = apply(target)
    assert (kinds(target), outcome.states) == ([], {"failed": 1})
    assert "halo.line_fallback" in outcome.problems[-1]


def test_with_the_policy_every_line_goes_back_as_it_is_and_the_missing_call_is_found_once() -> None:
    target = halo("no_updatelines")
    outcome = apply(target, change_of(2), change_of(3, 4, -94), change_of(9, 7, -95), fallback="whole_invoice")
    assert outcome.states == {"drifted": 1, "verified": 2}  # line 3 was 9 where the plan saw 5
    assert kinds(target) == ["lines", "lines"]
    assert target.attempts == 3
    body = target.applied[0][1]
    assert ([line["id"] for line in body["lines"]], body["change_seq"]) == ([1, 2, 3], 7)


def test_two_lines_of_one_invoice_go_one_after_the_other() -> None:
    target = halo("no_updatelines")
    target.headers[-94]["lines"][2]["qty_order"] = Decimal(5)
    outcome = apply(target, change_of(2), change_of(3), fallback="whole_invoice")
    assert outcome.states == {"verified": 2}
    assert [line["qty_order"] for line in target.headers[-94]["lines"]] == [Decimal("1.0"), 8, 8]
    assert target.headers[-94]["change_seq"] == 9


def test_without_change_seq_the_whole_invoice_is_not_sent() -> None:
    target = halo("no_updatelines", change_seq=None)
    outcome = apply(target, fallback="whole_invoice")
    assert (kinds(target), outcome.states) == ([], {"failed": 1})
    assert "change_seq" in outcome.problems[-1]


@pytest.mark.parametrize("edit", [add_a_line, drop_a_line, raise_a_price, change_the_text, change_the_reference])
def test_an_invoice_that_moved_before_the_fallback_is_left_alone(edit: Edit) -> None:
    """Somebody saves it after our reading and before Halo's refusal."""
    target, ledger = halo(), MemoryLedger()

    def refuse(line: dict[str, Any]) -> None:
        save(target, edit)
        target.faults = ["no_updatelines"]
        FakeHalo.update_line(target, line)

    target.update_line = refuse  # type: ignore[method-assign]
    outcome = apply(target, ledger=ledger, fallback="whole_invoice")
    assert (kinds(target), outcome.states) == ([], {"drifted": 1})
    assert "it changed since it was read" in outcome.problems[-1]


@pytest.mark.parametrize("edit", [add_a_line, raise_a_price, change_the_text, change_nothing])
def test_an_edit_that_the_fallback_overwrote_stops_the_run(edit: Edit) -> None:
    """Saved between the last reading and our write, so the whole invoice took it back: the numbers of savings tell."""
    target, ledger = halo("no_updatelines"), MemoryLedger()
    target.before_write = lambda at, kind: save(at, edit)
    outcome = apply(target, change_of(2), change_of(9, 7, -95), ledger=ledger, fallback="whole_invoice")
    assert outcome.states == {"failed": 1, "skipped": 1}
    assert any("change_seq went from 7 to 9" in problem for problem in outcome.problems)
    assert ledger.states()["sub-2-None"] == ["claimed", "failed"]


@pytest.mark.parametrize("edit", [add_a_line, drop_a_line, raise_a_price, change_the_text, change_the_reference])
def test_whatever_differs_after_the_fallback_stops_the_run(edit: Edit) -> None:
    target = halo("no_updatelines")
    target.side_effect = edit
    outcome = apply(target, change_of(2), change_of(9, 7, -95), fallback="whole_invoice")
    assert outcome.states == {"failed": 1, "skipped": 1}


@pytest.mark.parametrize(("fault", "state"), [("lost", "verified"), ("not_applied", "failed")])
def test_a_lost_answer_to_the_fallback_is_settled_by_reading(fault: str, state: str) -> None:
    target, ledger = halo("no_updatelines", fault), MemoryLedger()
    outcome = apply(target, ledger=ledger, fallback="whole_invoice")
    assert (outcome.states, target.attempts) == ({state: 1}, 2)
    assert ledger.states()["sub-2-None"] == ["claimed", "unknown", state]


# Without the fallback -------------------------------------------------------------------------------------------------


def test_a_line_that_somebody_added_meanwhile_is_reported_and_our_write_is_good() -> None:
    target, ledger = halo(), MemoryLedger()
    target.side_effect = add_a_line
    outcome = apply(target, change_of(2), change_of(9, 7, -95), ledger=ledger)
    assert outcome.states == {"verified": 2}
    assert "recurring invoice -94: line 4 is new" in outcome.problems
    (detail,) = [e.detail for _, e in ledger.entries if (e.change.line_id, e.state) == (2, "verified")]
    assert "meanwhile line 4 is new" in detail


@pytest.mark.parametrize("edit", [drop_a_line, raise_a_price, change_the_reference])
def test_a_lost_line_and_a_changed_header_stop_everything(edit: Edit) -> None:
    target = halo()
    target.side_effect = edit
    outcome = apply(target, change_of(2), change_of(9, 7, -95))
    assert outcome.states == {"verified": 1, "skipped": 1}
    assert any("nobody planned" in problem for problem in outcome.problems)


def test_an_edit_of_the_very_line_that_our_whole_line_took_back_is_reported() -> None:
    target = halo()
    target.before_write = lambda at, kind: save(at, lambda t: t.headers[-94]["lines"][1].update(unit_price=Decimal(5)))
    outcome = apply(target)
    assert outcome.states == {"verified": 1}
    assert any("it was saved 2 times between our two readings, 1 of them ours" in p for p in outcome.problems)


def test_an_invoice_that_halo_made_meanwhile_is_no_surprise() -> None:
    target = halo(nextcreationdate="2026-08-20T00:00:00")
    target.side_effect = lambda at: at.headers[-94].update(nextcreationdate="2026-09-20T00:00:00")
    outcome = apply(target)
    assert outcome.states == {"verified": 1}
    assert any("an invoice was made of it meanwhile" in problem for problem in outcome.problems)


@pytest.mark.parametrize("kind", ["set_licence_count", "set_line_quantity"])
def test_a_write_that_is_taken_and_changes_nothing_fails_and_says_so(kind: Any) -> None:
    """A member that Halo does not know, or that something else keeps, is answered 201 (docs/vendors/halo.md#writing)."""
    target = halo("ignored")
    made = change("set_licence_count", 8) if kind == "set_licence_count" else change_of(2)
    outcome = apply(target, made)
    assert outcome.states == {"failed": 1}
    assert "took the write and changed nothing" in outcome.problems[-1]


def test_an_end_whose_line_stayed_on_does_not_switch_off_its_licence() -> None:
    """The licence alone would look ended while the line goes on billing."""
    target = halo("ignored")
    outcome = apply(target, change("end_line", None))
    assert (target.attempts, outcome.states) == (1, {"failed": 1})
    assert target.licence_rows[11]["is_active"] is True
    assert "the licence was not written" in outcome.problems[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unit_price", 1), ("isinactive", True), ("item_longdescription", "x"), ("prorata_data", [{"quantity": 1}]),
        ("customfields", [{"name": "CFa", "value": "b"}]), ("onetimecharge", True), ("qty_order", 6),
        ("quantity_licences", [{"licence_id": 5}]),
    ],
)  # fmt: skip
def test_every_member_of_every_other_line_counts(name: str, value: Any) -> None:
    before = halo().headers[-94]
    after = copy.deepcopy(before)
    after["lines"][2][name] = value
    assert all_but_one_member(before, after, 2, "qty_order")
    assert not all_but_one_member(before, after, 3, name)


def test_what_halo_writes_by_itself_is_no_difference() -> None:
    before = halo().headers[-94]
    after = copy.deepcopy(before)
    after["lines"][1].update(net_amount=Decimal(9), customfields=[], prorata_data=None)
    after["lines"][0]["quantity_subscriptions"][0].update(id=77, qty_free=Decimal("0.0"), licence_name="Suite")
    after["lines"][0]["qty_order"] = 3
    assert all_but_one_member(before, after, 2, "qty_order") == []


# Two savings at once --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", [False, True], ids=["nothing saved", "header saved"])
@pytest.mark.parametrize("kind", ["set_licence_count", "set_line_quantity", "end_line"])
def test_a_write_that_met_another_one_is_not_sent_again_and_counts_as_changed_under_us(kind: Any, half: bool) -> None:
    target, ledger = halo("contested"), MemoryLedger()
    if half:
        target.before_refusal = lambda at: at.headers[-94].update(change_seq=8)
    made = change_of(2) if kind == "set_line_quantity" else change(kind, 8)
    outcome = apply(target, made, ledger=ledger)
    assert (target.attempts, outcome.states) == (1, {"drifted": 1})
    assert "changed under us" in outcome.problems[-1]
    assert ledger.states()[made.row_id] == ["claimed", "unknown", "drifted"]


def test_a_contested_fallback_is_read_back_and_not_sent_again() -> None:
    target = halo("no_updatelines", "contested")
    target.before_refusal = lambda at: at.headers[-94].update(change_seq=8)
    outcome = apply(target, fallback="whole_invoice")
    assert (target.attempts, outcome.states) == (2, {"drifted": 1})


def test_a_write_that_fails_every_night_says_that_it_is_not_the_first_time() -> None:
    ledger = MemoryLedger()
    for night in ("plan-1", "plan-2", "plan-3"):
        target = halo("ignored")
        outcome = Applier(target, FakePax8(), ledger, TODAY).apply(plan(plan_id=night), [change_of(2)])
    assert "the same write failed in 2 earlier plans" in outcome.problems[-1]
