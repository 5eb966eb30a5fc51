"""What every action promises, checked for each one in the registry.

A new action needs a case here: what it writes to, and a planned change. All tests below then run for it. An action
without a case fails `test_every_action_has_a_case`.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline import billing
from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.actions.action import Action, DocumentAction, TargetAction
from pax8_pipeline.billing.actions.create_invoice import CreateInvoice
from pax8_pipeline.billing.actions.end_line import EndLine
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation
from pax8_pipeline.billing.actions.target import Target
from pax8_pipeline.billing.applying.apply import Applier, ApplyResult
from pax8_pipeline.billing.ledger.recovery import Reading, StartedInvoice, decide
from pax8_pipeline.billing.model import Change
from pax8_pipeline.errors import PipelineError
from pax8_pipeline_tests.support.billing import (
    TODAY,
    FakeHalo,
    FakePax8,
    MemoryLedger,
    as_halo_keeps,
    change,
    computed_line,
    licence,
    manual_line,
    new_client,
    new_licence,
    new_line,
    plan,
    usage_invoice,
)

INVOICE, LINE, LICENCE = -94, 1, 11
WAIT = timedelta(hours=6)
Edit = Callable[[FakeHalo], None]


@dataclass(frozen=True)
class Case:
    """One planned change and the Halo that the plan saw. `third`: somebody set the planned member to another value.
    `drift`: what else keeps this very action from being written."""

    change: Change
    lines: tuple[dict[str, Any], ...]
    licences: tuple[dict[str, Any], ...] = ()
    third: Edit | None = None
    drift: Edit | None = None

    def halo(self, *faults: str) -> FakeHalo:
        """A Halo as the plan saw it, with a line and a licence that no action is about."""
        lines = [*copy.deepcopy(self.lines), manual_line(9, 3)]
        header = {"id": INVOICE, "client_id": 231, "disabled": False, "change_seq": 7, "lines": lines}
        licences = {row["id"]: copy.deepcopy(row) for row in (*self.licences, licence(99))}
        return FakeHalo({INVOICE: header}, licences, list(faults))


OFF: dict[str, Any] = {"is_active": False, "status": "Cancelled", "end_date": "2026-08-19T00:00:00"}
BACK: dict[str, Any] = {"is_active": True, "status": "Active", "end_date": "1900-01-01T00:00:00"}


def planned(action: str, after: int | None, *, licence: int | None = LICENCE, **expect: Any) -> Change:
    """A change with the JSON that the planner stores."""
    return change(action, after, line=LINE, licence=licence, **{"licence_requested": None, **expect})


def undoing(action: str, *, restore: Mapping[str, Any], **expect: Any) -> Change:
    """A change with the JSON that an undo stores."""
    made = planned(action, 5, licence_active=False, **expect)
    texts = {"status": OFF["status"], "end_date": OFF["end_date"]}
    stored = {**made.expect, "licence_texts": texts, "restore": dict(restore)}
    return replace(made, expect={name: value for name, value in stored.items() if name != "end_date"})


def shared_line() -> dict[str, Any]:
    """A line that follows two licences."""
    links = [{"id": 1, "licence_id": LICENCE}, {"id": 2, "licence_id": 12}]
    return computed_line(LINE, LICENCE, quantity_subscriptions=links)


CASES: dict[str, Case] = {
    "set_licence_count": Case(
        planned("set_licence_count", 8),
        (computed_line(LINE, LICENCE),),
        (licence(LICENCE),),
        third=lambda halo: halo.licence_rows[LICENCE].update(count=7),
    ),
    "set_line_quantity": Case(
        planned("set_line_quantity", 8, licence=None),
        (manual_line(LINE),),
        third=lambda halo: line_of(halo).update(qty_order=7),
        drift=lambda halo: line_of(halo).update(recurring_invoice_quantity_type=4),
    ),
    "set_line_price": Case(
        replace(
            planned("set_line_price", 8, licence=None, line_price="22.10"), before="22.10", quantity_after=Decimal(5)
        ),
        (manual_line(LINE),),
        third=lambda halo: line_of(halo).update(unit_price=7),
    ),
    "add_pro_rata_entry": Case(
        planned("add_pro_rata_entry", 8, licence=None, entry_date="2026-08-20"),
        (manual_line(LINE, prorata_data=[{"id": 7, "quantity": 1, "isinvoiced": True}]),),
        third=lambda halo: line_of(halo).update(qty_order=7),
        drift=lambda halo: line_of(halo)["prorata_data"].append({"id": 8, "quantity": 2, "isinvoiced": False}),
    ),
    "end_line": Case(planned("end_line", None), (computed_line(LINE, LICENCE),), (licence(LICENCE),)),
    "end_licence": Case(
        planned("end_licence", 0, licences_on_line=2), (shared_line(),), (licence(LICENCE), licence(12))
    ),
    "reopen_line": Case(
        undoing("reopen_line", restore=BACK, line_inactive=True),
        (computed_line(LINE, LICENCE, isinactive=True),),
        (licence(LICENCE, **OFF),),
    ),
    "reopen_licence": Case(
        undoing("reopen_licence", restore={**BACK, "count": 5}, licence_count=0, licences_on_line=2),
        (shared_line(),),
        (licence(LICENCE, count=0, **OFF), licence(12)),
    ),
    "withdraw_licence": Case(
        replace(
            planned("withdraw_licence", 0, line_inactive=None, licences_on_line=None, end_date=None),
            recurring_invoice_id=None,
            line_id=None,
        ),
        (computed_line(LINE, 12),),
        (licence(LICENCE),),
    ),
    "withdraw_line": Case(
        planned("withdraw_line", 0, licence=None, line_quantity=None, end_date=None),
        (computed_line(LINE, LICENCE),),
    ),
}
DOCUMENTS: dict[str, Change] = {"create_invoice": usage_invoice()}
# pax8_pipeline_tests/billing/test_creations.py has what each of them promises.
CREATIONS: dict[str, Change] = {change.action: change for change in (new_licence(), new_line(), new_client())}

# For each member that a plan expects: an edit after which it is no longer so.
EDITS: dict[str, Edit] = {
    "licence_count": lambda halo: halo.licence_rows[LICENCE].update(count=6),
    "licence_active": lambda halo: flip(halo.licence_rows[LICENCE], "is_active"),
    "licence_requested": lambda halo: halo.licence_rows[LICENCE].update(requested_quantity=9),
    "line_quantity": lambda halo: line_of(halo).update(qty_order=Decimal(6)),
    "line_price": lambda halo: line_of(halo).update(unit_price=Decimal(6)),
    "line_inactive": lambda halo: flip(line_of(halo), "isinactive"),
    "licences_on_line": lambda halo: line_of(halo)["quantity_subscriptions"].append({"id": 5, "licence_id": 77}),
    "licence_texts": lambda halo: halo.licence_rows[LICENCE].update(status="On hold, ask Ada"),
}
# What a plan stores for the write itself: no state of the target.
NOT_SEEN = ("end_date", "entry_date", "restore")

every_target = pytest.mark.parametrize("name", CASES)
every_document = pytest.mark.parametrize("name", DOCUMENTS)


def line_of(halo: FakeHalo) -> dict[str, Any]:
    found: dict[str, Any] = halo.headers[INVOICE]["lines"][0]
    return found


def flip(row: dict[str, Any], name: str) -> None:
    row[name] = not row[name]


def take_away(halo: FakeHalo, made: Change) -> None:
    """Remove the line of a change, or the licence of one that has no line."""
    if made.line_id is None:
        del halo.licence_rows[LICENCE]
    else:
        halo.headers[INVOICE]["lines"].pop(0)


def action_of(made: Change) -> TargetAction:
    found = registry.action_of(made)
    assert isinstance(found, TargetAction)
    return found


def document_of(made: Change) -> CreateInvoice:
    found = registry.action_of(made)
    assert isinstance(found, CreateInvoice)
    return found


def target_of(halo: FakeHalo, made: Change) -> Target:
    return Target.of(made, halo.headers[INVOICE], halo.licence_rows.get(made.licence_id or 0))


def apply(halo: FakeHalo, made: Change, ledger: MemoryLedger | None = None) -> ApplyResult:
    return Applier(halo, FakePax8(), ledger or MemoryLedger(), TODAY).apply(plan(), [made])


def applied(name: str) -> FakeHalo:
    """The Halo of a case after its change."""
    halo = CASES[name].halo()
    assert apply(halo, CASES[name].change).states == {"verified": 1}
    return halo


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """Members that differ, but for what Halo computes and what is never sent."""
    ignored = {"net_amount", "isActive"}
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} - ignored


# The registry --------------------------------------------------------------------------------------------


def without_case(actions: Mapping[str, type[Action]]) -> list[str]:
    """Return the actions that no table of this file has in the way that their family asks for."""
    found = []
    for name, kind in actions.items():
        documents_or_new = DOCUMENTS if issubclass(kind, DocumentAction) else CREATIONS
        table: Mapping[str, object] = CASES if issubclass(kind, TargetAction) else documents_or_new
        if name not in table:
            found.append(name)
    return found


def test_every_action_has_a_case() -> None:
    assert without_case(registry.all_actions()) == []
    assert {*CASES, *DOCUMENTS, *CREATIONS} == set(registry.all_actions())


def test_an_action_without_a_case_is_found() -> None:
    assert without_case({**registry.all_actions(), "forgotten": EndLine}) == ["forgotten"]
    assert without_case({"end_line": CreateInvoice, "create_invoice": EndLine}) == ["end_line", "create_invoice"]


def test_an_action_is_named_like_its_module_and_says_what_it_does() -> None:
    for name, kind in registry.all_actions().items():
        assert kind.__module__.rpartition(".")[2] == name == kind.name
        assert kind.label
        assert (kind.__doc__ or "").strip()


def test_every_action_is_taken_back_by_another_by_hand_or_takes_one_back_itself() -> None:
    inverses = {kind.inverse for kind in registry.all_actions().values() if kind.inverse}
    assert inverses <= set(registry.all_actions())
    for name in registry.all_actions():
        made = {**DOCUMENTS, **CREATIONS, **{n: case.change for n, case in CASES.items()}}[name]
        action = registry.action_of(made)
        by_hand = action.undo_by_hand("read back as planned: invoice 51877")
        assert [action.inverse is not None, by_hand is not None, name in inverses].count(True) >= 1
        assert not (action.inverse and by_hand)


def test_no_code_but_the_actions_asks_for_one_by_its_name() -> None:
    names = "|".join(registry.all_actions())
    rooms = Path(billing.__file__).parent.parent
    found = []
    for path in rooms.rglob("*.py"):
        inside = path.relative_to(rooms).as_posix()
        if not inside.startswith(("billing/actions/", "sandbox/")) and re.search(
            rf"""["']({names})["']""", path.read_text(encoding="utf-8")
        ):
            found.append(inside)
    assert found == []


def test_an_action_that_nobody_knows_is_refused_before_the_first_write() -> None:
    halo = CASES["set_licence_count"].halo()
    with pytest.raises(PipelineError, match="does not write"):
        apply(halo, replace(CASES["set_licence_count"].change, action="set_price"))
    assert halo.attempts == 0


# What is expected ----------------------------------------------------------------------------------------


@every_target
def test_the_expectation_is_the_json_of_the_plan_again(name: str) -> None:
    made = CASES[name].change
    assert action_of(made).expected.to_json() == made.expect


@every_target
def test_an_expectation_that_cannot_be_read_is_named_and_not_written(name: str) -> None:
    made = CASES[name].change
    for member in (*made.expect, "something_new"):
        bad = replace(made, expect={**made.expect, member: [1]})
        with pytest.raises(BadExpectation, match=member):
            registry.action_of(bad)
        halo = CASES[name].halo()
        result = apply(halo, bad)
        assert (halo.attempts, result.states) == (0, {"failed": 1})


@every_target
def test_every_expected_member_that_changed_is_drift_and_nothing_is_sent(name: str) -> None:
    made = CASES[name].change
    seen = [m for m, value in made.expect.items() if m not in NOT_SEEN and value is not None]
    if made.licence_id is not None:
        seen.append("licence_requested")  # expected to be none
    assert seen
    own = {"of its own": CASES[name].drift}
    edits = {**{member: EDITS[member] for member in seen}, **{k: edit for k, edit in own.items() if edit}}
    for member, edit in edits.items():
        halo = CASES[name].halo()
        assert action_of(made).drift(target_of(halo, made)) == []
        edit(halo)
        assert action_of(made).drift(target_of(halo, made)) != [], member
        assert apply(halo, made).states == {"drifted": 1}, member
        assert (halo.attempts, halo.applied) == (0, []), member


@every_target
def test_a_target_that_is_gone_is_drift_and_nothing_is_sent(name: str) -> None:
    made = CASES[name].change
    halo = CASES[name].halo()
    take_away(halo, made)
    assert apply(halo, made).states == {"drifted": 1}
    assert halo.attempts == 0
    gone = applied(name)
    take_away(gone, made)
    assert action_of(made).drift(target_of(gone, made))
    assert not action_of(made).reached(target_of(gone, made))


# What is written -----------------------------------------------------------------------------------------


@every_target
def test_the_target_is_reached_after_the_write_and_not_before(name: str) -> None:
    made = CASES[name].change
    assert not action_of(made).reached(target_of(CASES[name].halo(), made))
    assert action_of(made).reached(target_of(applied(name), made))


@every_target
def test_only_the_declared_members_of_the_target_change(name: str) -> None:
    made, action = CASES[name].change, action_of(CASES[name].change)
    before, after = CASES[name].halo(), applied(name)
    changed_licence: set[str] = set()
    for licence_id, row in before.licence_rows.items():
        members = differing(row, after.licence_rows[licence_id])
        changed_licence |= members
        assert not members or licence_id == made.licence_id
    assert changed_licence <= action.licence_may_change
    changed_line = differing(line_of(before), line_of(after))
    assert changed_line <= action.line_may_change
    assert changed_licence | changed_line
    assert before.headers[INVOICE]["lines"][1:] == after.headers[INVOICE]["lines"][1:]


@every_target
def test_an_action_declares_what_it_sends_and_what_halo_may_flip_with_it(name: str) -> None:
    """A member that is declared and never sent could be changed by somebody else without a word."""
    made, action = CASES[name].change, action_of(CASES[name].change)
    calls = action.calls(target_of(CASES[name].halo(), made))
    of_licence = {member for call in calls if call.kind == "licence" for member in call.fields}
    of_line = {member for call in calls if call.kind == "line" for member in call.fields}
    assert of_licence - {"id", "client_id"} == action.licence_may_change
    assert of_line == {action.line_member} - {None}
    assert action.line_may_change - of_line <= {"isinactive"}


@every_target
def test_an_action_that_shares_calls_needs_one_call_and_ends_nothing(name: str) -> None:
    case = CASES[name]
    action = action_of(case.change)
    if action.shares_calls:
        assert (len(action.calls(target_of(case.halo(), case.change))), action.ends) == (1, False)


@every_target
def test_what_switches_off_asks_pax8_first(name: str) -> None:
    made, action = CASES[name].change, action_of(CASES[name].change)
    calls = action.calls(target_of(CASES[name].halo(), made))
    switches_off = any(c.fields.get("isinactive") is True or c.fields.get("is_active") is False for c in calls)
    assert action.ends == (switches_off and not action.takes_back)
    halo = CASES[name].halo()
    pax8 = FakePax8({made.subscription_id: {"status": "Active", "endDate": None}})
    result = Applier(halo, pax8, MemoryLedger(), TODAY).apply(plan(), [made])
    assert result.states == ({"drifted": 1} if action.ends else {"verified": 1})
    assert (halo.attempts == 0) == action.ends


@every_target
@pytest.mark.parametrize(
    "member", ["name", "price", "status", "end_date", "is_active", "count", "unit_price", "isinactive"]
)
def test_another_member_that_changed_with_the_write_stops_the_apply(name: str, member: str) -> None:
    made, action = CASES[name].change, action_of(CASES[name].change)
    of_line = member in ("unit_price", "isinactive")
    if member in (action.line_may_change if of_line else action.licence_may_change):
        return
    if (made.licence_id is None and not of_line) or (made.line_id is None and of_line):
        return
    halo = CASES[name].halo()

    def change_too(at: FakeHalo) -> None:
        row = line_of(at) if of_line else at.licence_rows[LICENCE]
        row[member] = not row[member] if isinstance(row[member], bool) else "77"

    halo.side_effect = change_too
    result = apply(halo, made)
    assert any("nobody planned" in problem for problem in result.problems)


@every_target
def test_every_call_is_sent_once_and_only_after_the_claim(name: str) -> None:
    made, halo, ledger = CASES[name].change, CASES[name].halo(), MemoryLedger()
    calls = action_of(made).calls(target_of(halo, made))
    assert apply(halo, made, ledger).states == {"verified": 1}
    assert [kind for kind, _ in halo.applied] == [call.kind for call in calls]
    assert ledger.states()[made.row_id] == ["claimed", "sent", "verified"]
    assert ledger.entries[0][1].detail == f"about to {action_of(made).label}: {made.before} -> {made.after}"


@every_target
def test_the_second_call_needs_the_first_to_have_taken_effect(name: str) -> None:
    made = CASES[name].change
    calls = action_of(made).calls(target_of(CASES[name].halo(), made))
    if len(calls) < 2:
        return
    for faults in (("ignored",), ("ok", "ignored"), ("not_applied",), ("ok", "not_applied")):
        halo = CASES[name].halo(*faults)
        assert apply(halo, made).states == {"failed": 1}
        assert halo.attempts == len(faults)
        assert not action_of(made).reached(target_of(halo, made))
        assert action_of(made).half_done(target_of(halo, made)) == (len(faults) == 2)
    halo = CASES[name].halo()
    assert not action_of(made).half_done(target_of(halo, made))
    assert action_of(made).half_done(target_of(applied(name), made))


# What an open write came to ------------------------------------------------------------------------------


@every_target
def test_a_lost_answer_is_settled_by_what_halo_shows(name: str) -> None:
    made = CASES[name].change
    action = action_of(made)
    calls = len(action.calls(target_of(CASES[name].halo(), made)))
    lost = CASES[name].halo(*["ok"] * (calls - 1), "lost")
    assert apply(lost, made).states == {"verified": 1}
    assert lost.attempts == calls
    assert action.settle(target_of(lost, made)) == "verified"
    assert action.settle(target_of(CASES[name].halo(), made)) == "failed"
    assert action.settle(Target({"lines": []}, None, None)) == "drifted"
    assert action.describe(target_of(lost, made))


@every_target
def test_a_third_value_is_somebody_elses(name: str) -> None:
    case = CASES[name]
    if case.third is None:
        return
    halo = case.halo()
    case.third(halo)
    assert action_of(case.change).settle(target_of(halo, case.change)) == "drifted"


# The way back --------------------------------------------------------------------------------------------


def inverse_of(name: str, halo: FakeHalo) -> Change:
    """The change that takes a case back, as `rollback` plans it."""
    made, action = CASES[name].change, action_of(CASES[name].change)
    before = json.loads(json.dumps(target_of(CASES[name].halo(), made).state_for_undo(), default=str))
    assert action.can_be_undone(before, target_of(halo, made))
    expect = action.undo_expectation(before, target_of(halo, made)).to_json()
    old = made.before or ""
    quantity = Decimal(old) if old.isdigit() else None
    stored = json.loads(json.dumps(expect, default=str))
    return replace(
        made, action=action.inverse or "", before=made.after, after=old, quantity_after=quantity, expect=stored
    )


@every_target
def test_the_inverse_leaves_all_as_it_was(name: str) -> None:
    if not action_of(CASES[name].change).inverse:
        return
    halo = applied(name)
    assert apply(halo, inverse_of(name, halo)).states == {"verified": 1}
    before = CASES[name].halo()
    for licence_id, row in before.licence_rows.items():
        assert differing(row, halo.licence_rows[licence_id]) == set()
    assert differing(line_of(before), line_of(halo)) == set()


@every_target
def test_what_changed_since_the_write_is_not_taken_back(name: str) -> None:
    made, action = CASES[name].change, action_of(CASES[name].change)
    if not action.inverse:
        return
    before = target_of(CASES[name].halo(), made).state_for_undo()
    edited = applied(name)
    if action.licence_may_change:
        member = "count" if "count" in action.licence_may_change else "is_active"
        edited.licence_rows[LICENCE][member] = 77 if member == "count" else True
    else:
        line_of(edited)[action.line_member or ""] = "77"
    assert not action.can_be_undone(before, target_of(edited, made))
    if action.ends:
        edited = applied(name)
        edited.licence_rows[LICENCE]["status"] = "On hold, ask Ada"
        assert not action.can_be_undone(before, target_of(edited, made))


# Documents -----------------------------------------------------------------------------------------------


@every_document
def test_a_planned_document_is_the_json_of_the_plan_again(name: str) -> None:
    made = DOCUMENTS[name]
    assert document_of(made).expected.to_json() == made.expect
    again = replace(made, expect={**made.expect, "again": ["plan-0"]})
    assert document_of(again).expected.to_json() == again.expect


@every_document
def test_a_document_that_cannot_be_read_or_may_not_be_sent_is_not_made(name: str) -> None:
    made = DOCUMENTS[name]
    for bad in ({}, {"usage": {**made.expect["usage"], "total": "0"}}, {"usage": [1]}):
        halo = FakeHalo({}, {})
        assert apply(halo, replace(made, expect=bad)).states == {"failed": 1}
        assert halo.attempts == 0


@every_document
def test_a_document_is_made_once_and_not_where_its_key_is_known(name: str) -> None:
    made, halo = DOCUMENTS[name], FakeHalo({}, {})
    assert document_of(made).find(list(halo.documents.values())) == []
    assert apply(halo, made).states == {"verified": 1}
    (document,) = halo.documents.values()
    assert document_of(made).differences(document, fresh=True) == []
    assert document_of(made).find([document]) == [document]
    assert apply(halo, made).states == {"drifted": 1}
    assert halo.attempts == 1


@every_document
def test_a_document_with_a_lost_answer_is_settled_by_reading(name: str) -> None:
    made = DOCUMENTS[name]
    halo = FakeHalo({}, {}, ["lost"])
    assert apply(halo, made).states == {"verified": 1}
    assert halo.attempts == 1
    now = datetime(2026, 8, 21, 6)
    reading = Reading(now, (date(2026, 6, 1), date(2026, 9, 30)))
    started = StartedInvoice("plan-1", made.row_id, "unknown", document_of(made).usage, None, now - timedelta(days=1))
    there = as_halo_keeps(51877, document_of(made).body(""))
    assert [one.state for one in decide([started], [there], reading, WAIT)] == ["verified"]
    assert [one.state for one in decide([started], [], reading, WAIT)] == ["unknown"]
    waited = replace(started, not_shown_at=now - timedelta(hours=7))
    assert [one.state for one in decide([waited], [], reading, WAIT)] == ["failed"]


# Earlier versions ----------------------------------------------------------------------------------------
