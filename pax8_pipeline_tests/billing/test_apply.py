"""The order of steps of a write, and what each kind of failure leaves behind."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.billing.applying.apply import Applier
from pax8_pipeline.billing.model import Change
from pax8_pipeline.errors import PipelineError
from pax8_pipeline_tests.support.billing import (
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


def halo(*lines: dict[str, Any], faults: tuple[str, ...] = ()) -> FakeHalo:
    lines = lines or (computed_line(1, 11), manual_line(2), manual_line(3, 9))
    header = {"id": -94, "client_id": 231, "disabled": False, "change_seq": 7, "lines": list(lines)}
    return FakeHalo({-94: header}, {11: licence(11), 12: licence(12)}, list(faults))


def applier(target: FakeHalo, ledger: MemoryLedger | None = None, **kwargs: Any) -> Applier:
    return Applier(target, FakePax8(kwargs.pop("pax8", {})), ledger or MemoryLedger(), TODAY, **kwargs)


def lines(target: FakeHalo) -> dict[int, dict[str, Any]]:
    return {line["id"]: line for line in target.headers[-94]["lines"]}


def test_a_computed_line_is_changed_through_its_licence_only() -> None:
    target, ledger = halo(), MemoryLedger()
    before = copy.deepcopy(target.headers)
    outcome = applier(target, ledger).apply(plan(), [change("set_licence_count", 8)])
    assert target.applied == [("licence", {"id": 11, "client_id": 231, "count": 8})]
    assert target.headers == before
    assert outcome.states == {"verified": 1}
    assert ledger.states() == {"sub-1-11": ["claimed", "sent", "verified"]}


def test_a_manual_line_is_sent_whole_with_one_member_changed_and_computed_money_left_out() -> None:
    target = halo()
    applier(target).apply(plan(), [change("set_line_quantity", 8, line=2, licence=None)])
    ((kind, body),) = target.applied
    assert kind == "line"
    assert body["qty_order"] == 8
    assert body["unit_price"] == Decimal("22.10")
    assert (body["id"], body["ihid"]) == (2, -94)
    assert "net_amount" not in body


def test_a_cancellation_switches_the_line_before_the_licence() -> None:
    target = halo()
    applier(target).apply(plan(), [change("end_line", None)])
    assert [kind for kind, _ in target.applied] == ["line", "licence"]
    assert lines(target)[1]["isinactive"] is True
    ended = {k: target.licence_rows[11][k] for k in ("is_active", "status", "end_date", "count")}
    assert ended == {"is_active": False, "status": "Cancelled", "end_date": "2026-08-19T00:00:00", "count": 5}


def test_one_of_several_licences_ends_without_its_line() -> None:
    links = [{"id": 1, "licence_id": 11}, {"id": 2, "licence_id": 12}]
    target = halo(computed_line(1, 11, quantity_subscriptions=links))
    outcome = applier(target).apply(plan(), [change("end_licence", 0, licences_on_line=2)])
    assert outcome.states == {"verified": 1}
    assert (target.licence_rows[11]["count"], target.licence_rows[11]["is_active"]) == (0, False)
    assert lines(target)[1]["isinactive"] is False


def test_a_line_that_is_off_already_needs_its_licence_only() -> None:
    target = halo(computed_line(1, 11, isinactive=True))
    outcome = applier(target).apply(plan(), [change("end_line", None, line_inactive=True)])
    assert [kind for kind, _ in target.applied] == ["licence"]
    assert outcome.states == {"verified": 1}


@pytest.mark.parametrize(
    "edit",
    [
        lambda h: h.licence_rows[11].update(count=6),
        lambda h: h.licence_rows[11].update(is_active=False),
        lambda h: h.headers[-94]["lines"][0].update(isinactive=True),
        lambda h: h.headers[-94]["lines"].pop(0),
        lambda h: h.headers[-94].update(disabled=True),
        lambda h: h.headers[-94]["lines"][0].update(quantity_subscriptions=[]),
        lambda h: h.headers[-94]["lines"][0]["quantity_subscriptions"].append({"id": 5, "licence_id": 12}),
    ],
    ids=["count", "licence off", "line off", "line gone", "invoice disabled", "link gone", "second licence"],
)
def test_a_target_that_changed_since_the_plan_is_not_written(edit: Any) -> None:
    target, ledger = halo(), MemoryLedger()
    edit(target)
    outcome = applier(target, ledger).apply(plan(), [change("set_licence_count", 8)])
    assert target.attempts == 0
    assert outcome.states == {"drifted": 1}
    assert ledger.states() == {"sub-1-11": ["drifted"]}


def test_a_manual_line_edited_by_a_person_is_not_written() -> None:
    target = halo(manual_line(2, quantity=6))
    outcome = applier(target).apply(plan(), [change("set_line_quantity", 8, line=2, licence=None)])
    assert (target.attempts, outcome.states) == (0, {"drifted": 1})


@pytest.mark.parametrize(
    "now", [{"status": "Active"}, {"status": "Cancelled", "endDate": "2026-08-20"}, {"status": "Cancelled"}]
)
def test_nothing_ends_when_pax8_no_longer_says_cancelled_and_ended(now: dict[str, str]) -> None:
    target = halo()
    outcome = applier(target, pax8={"sub-1-11": now}).apply(plan(), [change("end_line", None)])
    assert (target.attempts, outcome.states) == (0, {"drifted": 1})


@pytest.mark.parametrize(("day", "state"), [(None, "verified"), (TODAY, "verified"), (date(2026, 8, 19), "drifted")])
def test_nothing_ends_before_its_end_date_has_passed_by_pax8s_day_too(day: date | None, state: str) -> None:
    """A clock ahead of the world ended what was paid for. The end date is the 19th, our day the 20th."""
    target = halo()
    outcome = applier(target, vendor_day=lambda: day).apply(plan(), [change("end_line", None)])
    assert outcome.states == {state: 1}
    assert (target.attempts == 0) == (state == "drifted")


def test_a_lost_answer_is_settled_by_reading_and_never_sent_again() -> None:
    target, ledger = halo(faults=("lost",)), MemoryLedger()
    outcome = applier(target, ledger).apply(plan(), [change("set_licence_count", 8)])
    assert target.attempts == 1
    assert outcome.states == {"verified": 1}
    assert ledger.states() == {"sub-1-11": ["claimed", "unknown", "verified"]}


def test_an_answer_lost_before_the_write_took_effect_is_failed_and_not_sent_again() -> None:
    target = halo(faults=("not_applied",))
    outcome = applier(target).apply(plan(), [change("set_licence_count", 8)])
    assert (target.attempts, outcome.states, outcome.failed) == (1, {"failed": 1}, True)


def test_a_refusal_fails_one_change_and_the_others_go_on() -> None:
    target = halo(faults=("refused",))
    changes = [change("set_licence_count", 8), change("set_line_quantity", 8, line=2, licence=None)]
    outcome = applier(target).apply(plan(), changes)
    assert outcome.states == {"failed": 1, "verified": 1}
    assert lines(target)[2]["qty_order"] == 8


def test_an_unknown_line_write_is_not_followed_by_its_licence() -> None:
    target = halo(faults=("not_applied",))
    applier(target).apply(plan(), [change("end_line", None)])
    assert target.attempts == 1
    assert target.licence_rows[11]["is_active"] is True


def test_a_line_write_whose_answer_was_lost_is_read_back_and_followed_by_its_licence() -> None:
    target = halo(faults=("lost",))
    outcome = applier(target).apply(plan(), [change("end_line", None)])
    assert [kind for kind, _ in target.applied] == ["line", "licence"]
    assert outcome.states == {"verified": 1}


def drop_a_line(target: FakeHalo) -> None:
    target.headers[-94]["lines"] = target.headers[-94]["lines"][:2]


def raise_a_price(target: FakeHalo) -> None:
    target.headers[-94]["lines"][2]["unit_price"] = Decimal(99)


def rename_the_licence(target: FakeHalo) -> None:
    target.licence_rows[11]["name"] = "Other"


@pytest.mark.parametrize("effect", [drop_a_line, raise_a_price, rename_the_licence])
def test_a_difference_nobody_planned_stops_the_apply(effect: Any) -> None:
    target, ledger = halo(), MemoryLedger()
    target.headers[-95] = {"id": -95, "client_id": 231, "lines": [computed_line(9, 12, ihid=-95)]}
    target.side_effect = effect
    other = change("set_licence_count", 9, line=9, licence=12)
    later = type(other)(**{**other.__dict__, "recurring_invoice_id": -95})
    outcome = applier(target, ledger).apply(plan(), [change("set_licence_count", 8), later])
    assert target.licence_rows[12]["count"] == 5
    assert ledger.states()["sub-9-12"] == ["skipped"]
    assert any("nobody planned" in problem for problem in outcome.problems)
    assert outcome.failed


def test_a_vendor_that_stops_answering_leaves_the_rest_unstarted() -> None:
    target, ledger = halo(), MemoryLedger()
    target.read_faults = 1
    outcome = applier(target, ledger).apply(plan(), [change("set_licence_count", 8)])
    assert (target.attempts, outcome.states) == (0, {"skipped": 1})
    assert "claimed" not in ledger.states()["sub-1-11"]


def test_a_write_that_cannot_be_read_back_stays_unknown() -> None:
    target, ledger = halo(), MemoryLedger()
    target.side_effect = lambda h: setattr(h, "read_faults", 1)
    outcome = applier(target, ledger).apply(plan(), [change("set_licence_count", 8)])
    assert outcome.states == {"unknown": 1}
    assert ledger.states()["sub-1-11"] == ["claimed", "sent", "unknown"]


@pytest.mark.parametrize(
    "fault",
    [{"complete": False, "problem": "not read"}, {"held": "too much"}, {"expires_at": datetime(2026, 1, 1)}],
    ids=["incomplete", "held", "expired"],
)
def test_a_plan_that_may_not_be_applied_is_refused_before_the_first_read(fault: dict[str, Any]) -> None:
    target = halo()
    with pytest.raises(PipelineError):
        applier(target).apply(plan(**fault), [change("set_licence_count", 8)])
    assert target.attempts == 0


@pytest.mark.parametrize("moment", ["before claim", "after claim", "before licence", "after send", "before read-back"])
def test_no_write_is_sent_before_its_claim_is_on_disk(moment: str) -> None:
    target, ledger = halo(), MemoryLedger()

    def die(name: str) -> None:
        if name == moment:
            raise Crash

    with pytest.raises(Crash):
        applier(target, ledger, step=die).apply(plan(), [change("set_licence_count", 8)])
    assert bool(target.applied) <= ("claimed" in ledger.states().get("sub-1-11", []))


BIG = 130
CALLS = 6  # 1, 4, 16 and 50 to a call, then the last 59 in two


def big(*, faults: tuple[str, ...] = (), manual: bool = False) -> tuple[FakeHalo, list[Change]]:
    """So many changes, each on a recurring invoice of its own, that they reach the largest size."""
    invoices, licences, changes = {}, {}, []
    for n in range(1, BIG + 1):
        line = manual_line(n, ihid=-n - 9) if manual else computed_line(n, n + 1000, ihid=-n - 9)
        invoices[-n - 9] = {"id": -n - 9, "client_id": 231, "lines": [line], "change_seq": 1}
        licences[n + 1000] = licence(n + 1000)
        action = "set_line_quantity" if manual else "set_licence_count"
        made = change(action, 8, line=n, licence=None if manual else n + 1000)
        changes.append(replace(made, recurring_invoice_id=-n - 9))
    return FakeHalo(invoices, licences, list(faults)), changes


def sizes(target: FakeHalo) -> list[int]:
    """How many writes each accepted call held."""
    return [len(body.get("rows", [body])) for _, body in target.applied]


@pytest.mark.parametrize("manual", [False, True], ids=["licences", "lines"])
def test_calls_grow_while_they_succeed_and_everything_is_read_back(manual: bool) -> None:
    target, changes = big(manual=manual)
    ledger = MemoryLedger()
    outcome = applier(target, ledger).apply(plan(), changes)
    assert outcome.states == {"verified": BIG}
    assert sizes(target) == [1, 4, 16, 50, 50, 9]
    assert target.attempts == CALLS
    assert all(states == ["claimed", "sent", "verified"] for states in ledger.states().values())
    shown = [i["lines"][0]["qty_order"] for i in target.headers.values()]
    assert {row["count"] for row in target.licence_rows.values()} == {5 if manual else 8}
    assert not manual or set(shown) == {8}


def test_lists_are_read_instead_of_single_rows_where_that_takes_fewer_calls() -> None:
    target, changes = big()
    outcome = applier(target).apply(plan(), changes)
    assert outcome.states == {"verified": BIG}
    # Two readings of one row with its licence, and of four licences with one list of their clients' recurring invoices;
    # then two readings of both lists for each of 3 groups.
    assert target.reads == 2 * (2 + 5) + 3 * 2 * 2


def test_what_a_list_of_several_clients_does_not_show_is_read_by_its_id() -> None:
    target, changes = big()
    target.clients_in_a_filter = 0
    assert applier(target).apply(plan(), changes).states == {"verified": BIG}


def test_licences_are_not_listed_where_their_list_is_known_to_take_more_calls() -> None:
    target, changes = big()
    target.licences = None  # type: ignore[assignment,method-assign]
    assert applier(target, licence_calls=BIG + 1).apply(plan(), changes).states == {"verified": BIG}


def test_a_last_call_of_a_size_that_succeeded_shares_the_reading_of_the_call_before() -> None:
    target, changes = big()
    readings = 0
    read = target.licences

    def counted() -> Any:
        nonlocal readings
        readings += 1
        return read()

    target.licences = counted  # type: ignore[method-assign]
    outcome = applier(target).apply(plan(), changes[:80])
    assert outcome.states == {"verified": 80}
    assert sizes(target) == [1, 4, 16, 50, 9]
    assert readings == 4  # before and after the calls of 16, and of 50 and 9


def test_a_line_is_sent_as_its_own_reading_shows_it_not_as_the_list_does() -> None:
    target, changes = big(manual=True)
    for header in target.headers.values():
        header["lines"][0]["prorata_data"] = [{"quantity": 1}]
    target.hidden_in_lists = ("prorata_data",)
    outcome = applier(target).apply(plan(), changes)
    assert outcome.states == {"verified": BIG}
    assert {str(h["lines"][0].get("prorata_data")) for h in target.headers.values()} == {"[{'quantity': 1}]"}


def test_a_target_that_drifted_is_left_out_of_its_call() -> None:
    target, changes = big()
    target.licence_rows[1005]["count"] = 6
    outcome = applier(target).apply(plan(), changes)
    assert outcome.states == {"verified": BIG - 1, "drifted": 1}
    assert target.licence_rows[1005]["count"] == 6
    assert sizes(target)[:3] == [1, 3, 16]


@pytest.mark.parametrize("manual", [False, True], ids=["licences", "lines"])
def test_a_refused_call_is_done_over_one_by_one_and_the_size_begins_again(manual: bool) -> None:
    """The second of four is refused alone as well: it is the element's fault, so four are tried again later."""
    target, changes = big(faults=("ok", "refused", "ok", "refused"), manual=manual)
    outcome = applier(target).apply(plan(), changes)
    assert outcome.states == {"verified": BIG - 1, "failed": 1}
    assert sizes(target) == [1, 1, 1, 1, 1, 4, 16, 50, 50, 4]


def test_a_size_that_halo_refuses_is_not_tried_again() -> None:
    """Sixteen in a call are refused, and each alone is accepted."""
    target, changes = big(faults=("ok", "ok", "refused"))
    outcome = applier(target).apply(plan(), changes)
    assert outcome.states == {"verified": BIG}
    assert sizes(target)[:18] == [1, 4, *[1] * 16]
    assert set(sizes(target)[18:]) == {1, 4}


def test_a_size_of_which_halo_saves_a_part_is_not_tried_again() -> None:
    """What was left out of an accepted call is failed, for the next run to plan, and nothing is sent twice."""
    target, changes = big()
    target.saved_of_a_call = 1
    outcome = applier(target).apply(plan(), changes)
    assert outcome.states == {"verified": BIG - 3, "failed": 3}
    assert set(sizes(target)[2:]) == {1}


def ended() -> FakeHalo:
    """A line and its licence that an earlier plan switched off."""
    target = halo(computed_line(1, 11, isinactive=True))
    target.licence_rows[11] = licence(11, is_active=False, status="Cancelled", end_date="2026-08-19T00:00:00")
    return target


RESTORE = {"is_active": True, "status": "Active", "end_date": "1900-01-01T00:00:00"}


@pytest.mark.parametrize(
    ("faults", "state", "line_off", "licence_on"),
    [
        (("lost",), "verified", False, True),
        (("ok", "lost"), "verified", False, True),
        # The licence was not restored: the line, which would bill it, is not touched.
        (("not_applied",), "failed", True, False),
    ],
)
def test_the_way_back_from_an_end_goes_on_only_when_its_first_half_is_known_to_have_taken(
    faults: tuple[str, ...], state: str, line_off: bool, licence_on: bool
) -> None:
    target = ended()
    target.faults = list(faults)
    undo = change("reopen_line", 5, line_inactive=True, licence_active=False, restore=RESTORE)
    outcome = applier(target).apply(plan(), [undo])
    assert outcome.states == {state: 1}
    assert (lines(target)[1]["isinactive"], target.licence_rows[11]["is_active"]) == (line_off, licence_on)


@pytest.mark.parametrize(("fault", "failed"), [("lost", 0), ("not_applied", 4)])
def test_a_call_whose_answer_was_lost_is_settled_by_reading_element_by_element(fault: str, failed: int) -> None:
    target, changes = big(faults=("ok", fault))
    outcome = applier(target).apply(plan(), changes)
    assert outcome.states == ({"verified": BIG - failed, "failed": failed} if failed else {"verified": BIG})
    assert target.attempts == (8 if failed else CALLS)


def test_a_surprise_beside_a_shared_call_stops_what_follows() -> None:
    target, changes = big()

    def meddle(halo: FakeHalo) -> None:
        if halo.attempts == 3:  # the call of sixteen
            halo.headers[-20]["lines"][0].update(unit_price=Decimal(1))

    target.side_effect = meddle
    outcome = applier(target).apply(plan(), changes)
    assert any("nobody planned" in problem for problem in outcome.problems)
    assert outcome.states == {"verified": 21, "skipped": BIG - 21}
