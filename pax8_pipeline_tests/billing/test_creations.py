"""Making clients, licences and lines: once, read back, nothing else touched, and settled by reading when nobody answers."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.actions.creation import CreationAction, HaloReading
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation
from pax8_pipeline.billing.applying.apply import Applier, ApplyResult
from pax8_pipeline.billing.ledger.creation_recovery import decide
from pax8_pipeline.billing.model import Change
from pax8_pipeline_tests.support.billing import (
    COMPANY,
    SUBSCRIPTION,
    TODAY,
    FakeHalo,
    FakePax8,
    MemoryLedger,
    computed_line,
    licence,
    manual_line,
    new_client,
    new_licence,
    new_line,
    plan,
)

MADE = {"licence": new_licence(), "line": new_line(), "client": new_client()}
NOW = datetime(2026, 8, 21, 6)
every = pytest.mark.parametrize("thing", MADE)


def halo(*faults: str, thing: str = "") -> FakeHalo:
    """A Halo with a recurring invoice of two lines, another client's licence, and for a line its licence."""
    lines = [manual_line(1), computed_line(2, 11)]
    header = {"id": -94, "client_id": 231, "disabled": False, "change_seq": 7, "lines": lines}
    licences = {11: licence(11), 12: licence(12, snowid=SUBSCRIPTION, client_id=999)}
    if thing == "line":
        licences[4127] = licence(4127, snowid=SUBSCRIPTION.upper())
    return FakeHalo({-94: header}, licences, list(faults), client_rows={7: {"id": 7, "name": "Other Ltd"}})


def action_of(change: Change) -> CreationAction:
    found = registry.action_of(change)
    assert isinstance(found, CreationAction)
    return found


def apply(at: FakeHalo, *changes: Change, ledger: MemoryLedger | None = None, plan_id: str = "plan-1") -> ApplyResult:
    return Applier(at, FakePax8(), ledger or MemoryLedger(), TODAY).apply(plan(plan_id=plan_id), changes)


def reading(at: FakeHalo) -> HaloReading:
    licences = [row for row in at.licence_rows.values() if row["client_id"] == 231]
    return HaloReading(list(at.client_rows.values()), licences, list(at.headers.values()))


def found(at: FakeHalo, thing: str) -> list[Any]:
    return list(action_of(MADE[thing]).find(reading(at)))


@every
def test_it_is_made_once_and_read_back(thing: str) -> None:
    at, ledger = halo(thing=thing), MemoryLedger()
    assert apply(at, MADE[thing], ledger=ledger).states == {"verified": 1}
    assert [kind for kind, _ in at.applied] == [f"new {thing}"]
    (made,) = found(at, thing)
    assert action_of(MADE[thing]).differences(made) == []
    assert ledger.states()[MADE[thing].row_id] == ["claimed", "sent", "verified"]
    again = apply(at, MADE[thing], plan_id="plan-2")
    assert (again.states, at.attempts) == ({"drifted": 1}, 1)
    assert "Halo has it already" in again.problems[0]


@every
def test_the_rest_of_halo_is_as_it_was(thing: str) -> None:
    at = halo(thing=thing)
    before = copy.deepcopy((at.headers[-94]["lines"], at.licence_rows, at.client_rows))
    assert apply(at, MADE[thing]).states == {"verified": 1}
    lines, licences, clients = before
    assert at.headers[-94]["lines"][:2] == lines
    assert {i: at.licence_rows[i] for i in licences} == licences
    assert {i: at.client_rows[i] for i in clients} == clients


@every
def test_a_lost_answer_is_settled_by_reading_and_nothing_is_sent_twice(thing: str) -> None:
    at = halo("lost", thing=thing)
    assert apply(at, MADE[thing]).states == {"verified": 1}
    late, ledger = halo("late", thing=thing), MemoryLedger()
    assert apply(late, MADE[thing], ledger=ledger).states == {"unknown": 1}
    assert apply(late, MADE[thing], ledger=ledger, plan_id="plan-2").states == {"drifted": 1}
    late.catch_up()
    assert apply(late, MADE[thing], ledger=ledger, plan_id="plan-3").states == {"verified": 1}
    assert (late.attempts, len(found(late, thing))) == (1, 1)


@every
def test_what_was_answered_and_not_done_is_unknown_and_stops_the_apply(thing: str) -> None:
    at, ledger = halo("ignored", thing=thing), MemoryLedger()
    result = apply(at, MADE[thing], ledger=ledger)
    assert result.states == {"unknown": 1}
    assert any("does not show it" in problem for problem in result.problems)
    assert apply(at, MADE[thing], ledger=ledger, plan_id="plan-2").states == {"drifted": 1}
    assert at.attempts == 1


@every
def test_a_refusal_is_certain(thing: str) -> None:
    at = halo("refused", thing=thing)
    assert apply(at, MADE[thing]).states == {"failed": 1}
    assert found(at, thing) == []


@every
def test_two_things_of_one_key_stop_everything(thing: str) -> None:
    at = halo(thing=thing)

    def second(other: FakeHalo, kind: str) -> None:
        other.before_write = None
        creation = action_of(MADE[thing])
        body = creation.body(reading(other))
        {"client": other.create_client, "licence": other.create_licence, "line": other.create_line}[thing](body)

    at.before_write = second
    result = apply(at, MADE[thing])
    assert result.states == {"duplicate": 1}
    assert any("stopped: more than one" in problem for problem in result.problems)


@every
def test_one_that_is_not_as_planned_stops_everything(thing: str) -> None:
    at = halo(thing=thing)

    def spoil(other: FakeHalo) -> None:
        (made,) = found(other, thing)
        made.update({"client": {"inactive": True}, "licence": {"count": 6}, "line": {"unit_price": 1}}[thing])

    at.side_effect = spoil
    result = apply(at, MADE[thing])
    assert result.states == {"failed": 1}
    assert any("is not as planned" in problem for problem in result.problems)


@every
def test_a_plan_that_cannot_be_read_is_not_written(thing: str) -> None:
    change = MADE[thing]
    members = change.expect[thing]
    odd: list[dict[str, Any]] = [
        {},
        {thing: {}},
        {thing: {**members, "more": 1}},
        {thing: {**members, "name": 5, "text": 5}},
    ]
    for bad in odd:
        broken = replace(change, expect=bad)
        with pytest.raises(BadExpectation, match=change.row_id):
            registry.action_of(broken)
        at = halo(thing=thing)
        assert (apply(at, broken).states, at.attempts) == ({"failed": 1}, 0)


@every
def test_an_open_creation_fails_only_after_two_reads_that_do_not_show_it(thing: str) -> None:
    creation, at, claimed = action_of(MADE[thing]), halo(thing=thing), NOW - timedelta(days=1)
    wait = timedelta(hours=6)

    def settle(where: FakeHalo, first: datetime | None) -> Any:
        return decide(creation, reading(where), NOW, claimed_at=claimed, not_shown_at=first, wait=wait)

    state, _, note = settle(at, None)
    assert (state, note) == ("unknown", '{"not_shown": "2026-08-21 06:00:00"}')
    assert settle(at, NOW - timedelta(hours=1)) is None
    assert settle(at, NOW - timedelta(hours=7))[0] == "failed"
    assert apply(at, MADE[thing]).states == {"verified": 1}
    assert settle(at, NOW - timedelta(hours=7))[0] == "verified"
    (made,) = found(at, thing)
    made.update({"client": {"inactive": True}, "licence": {"count": 6}, "line": {"unit_price": 1}}[thing])
    assert settle(at, None)[0] == "drifted"


@every
def test_what_was_made_and_is_gone_is_not_made_again(thing: str) -> None:
    at, ledger = halo(thing=thing), MemoryLedger()
    assert apply(at, MADE[thing], ledger=ledger).states == {"verified": 1}
    empty = halo(thing=thing)
    result = apply(empty, MADE[thing], ledger=ledger, plan_id="plan-2")
    assert (result.states, empty.attempts) == ({"drifted": 1}, 0)


def test_an_inactive_licence_with_the_id_is_found_too() -> None:
    at = halo()
    at.licence_rows[13] = licence(13, snowid=SUBSCRIPTION.upper(), is_active=False, count=0)
    assert (apply(at, MADE["licence"]).states, at.attempts) == ({"drifted": 1}, 0)


def test_a_line_waits_for_its_licence_and_one_apply_makes_both() -> None:
    at = halo()
    assert apply(at, MADE["line"]).states == {"drifted": 1}
    assert at.attempts == 0
    assert apply(at, MADE["line"], MADE["licence"]).states == {"verified": 2}
    assert [kind for kind, _ in at.applied] == ["new licence", "new line"]
    line = at.headers[-94]["lines"][-1]
    assert line["quantity_subscriptions"][0]["licence_id"] == max(at.licence_rows)


@pytest.mark.parametrize(
    "edit",
    [
        {"is_active": False},
        {"count": 6},
        {"deleted": True},
        {"snowid": ""},
    ],
)
def test_a_licence_that_is_not_as_planned_holds_the_line(edit: dict[str, Any]) -> None:
    at = halo(thing="line")
    at.licence_rows[4127].update(edit)
    assert (apply(at, MADE["line"]).states, at.attempts) == ({"drifted": 1}, 0)


def test_a_line_is_not_put_on_an_invoice_that_is_off() -> None:
    at = halo(thing="line")
    at.headers[-94]["disabled"] = True
    assert (apply(at, MADE["line"]).states, at.attempts) == ({"drifted": 1}, 0)


def test_a_line_elsewhere_that_follows_the_licence_keeps_another_from_being_made() -> None:
    at = halo(thing="line")
    at.headers[-95] = {"id": -95, "client_id": 231, "disabled": True, "lines": [computed_line(77, 4127)]}
    assert (apply(at, MADE["line"]).states, at.attempts) == ({"drifted": 1}, 0)


@pytest.mark.parametrize("what", ["line", "price", "header"])
def test_another_line_or_member_that_changed_with_a_new_line_stops_the_apply(what: str) -> None:
    at = halo(thing="line")

    def damage(other: FakeHalo) -> None:
        header = other.headers[-94]
        if what == "line":
            header["lines"].pop(0)
        elif what == "price":
            header["lines"][0]["unit_price"] = Decimal(1)
        else:
            header["reference"] = "something else"

    at.side_effect = damage
    result = apply(at, MADE["line"])
    assert result.states == {"failed": 1}
    assert any("stopped" in problem and "nobody planned" in problem for problem in result.problems)


def test_a_line_that_somebody_else_added_meanwhile_is_told() -> None:
    at = halo(thing="line")
    at.side_effect = lambda other: other.headers[-94]["lines"].append(manual_line(500))
    result = apply(at, MADE["line"])
    assert result.states == {"verified": 1}
    assert any("line 500 is new" in problem for problem in result.problems)


def test_a_manual_line_has_its_own_quantity_and_needs_no_licence() -> None:
    at = halo()
    assert apply(at, new_line(type=0)).states == {"verified": 1}
    line = at.headers[-94]["lines"][-1]
    assert (line["qty_order"], line["recurring_invoice_quantity_type"]) == (5, 0)
    assert "quantity_subscriptions" not in line


def test_a_client_of_the_same_name_keeps_another_from_being_made() -> None:
    at = halo()
    at.client_rows[8] = {"id": 8, "name": " harbour  lane PRINT ", "inactive": True}
    assert (apply(at, MADE["client"]).states, at.attempts) == ({"drifted": 1}, 0)


def test_a_client_whose_id_halo_did_not_keep_stops_the_apply_and_says_what_to_do() -> None:
    at = halo()
    at.side_effect = lambda other: other.client_rows[max(other.client_rows)].update(customfields=[])
    result = apply(at, MADE["client"])
    assert result.states == {"failed": 1}
    assert any("data/mappings/clients.csv" in problem for problem in result.problems)


def test_the_key_of_each_is_an_id_of_pax8() -> None:
    keys = {thing: action_of(change).key for thing, change in MADE.items()}
    assert keys == {"licence": SUBSCRIPTION, "line": SUBSCRIPTION, "client": COMPANY}
