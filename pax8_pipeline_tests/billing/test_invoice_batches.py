"""Several usage invoices in one call: sizes, searches, lost and refused calls, filters that show too little."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pax8_pipeline.billing.actions import usage_documents
from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice
from pax8_pipeline.billing.applying.apply import Applier, ApplyResult
from pax8_pipeline.billing.model import Change
from pax8_pipeline_tests.support.billing import (
    TODAY,
    Crash,
    FakeHalo,
    FakePax8,
    MemoryLedger,
    as_halo_keeps,
    computed_line,
    plan,
    usage_invoice,
)


def key(number: int) -> str:
    return f"PAX8-USAGE 2026-07 00000000-0000-4000-8000-{number:012d}"


def invoices(count: int) -> list[Change]:
    """So many usage invoices, each of another client."""
    return [usage_invoice(key=key(n), client=1000 + n) for n in range(count)]


def halo(clients: int, *faults: str, **values: Any) -> FakeHalo:
    """A Halo with one recurring invoice for each client."""
    headers = {
        -94 - n: {"id": -94 - n, "client_id": 1000 + n, "disabled": False, "lines": [computed_line(n, n)]}
        for n in range(clients)
    }
    return FakeHalo(headers, {}, list(faults), **values)


def apply(target: FakeHalo, changes: list[Change], ledger: MemoryLedger | None = None, **kwargs: Any) -> ApplyResult:
    return Applier(target, FakePax8(), ledger or MemoryLedger(), TODAY, **kwargs).apply(plan(), changes)


def posted(target: FakeHalo) -> list[int]:
    """How many invoices each call held that Halo took."""
    return [len(body["rows"]) if kind == "invoices" else 1 for kind, body in target.applied]


def documents(target: FakeHalo) -> Counter[str]:
    """How many invoices Halo has of each key."""
    return Counter(key.upper() for d in target.documents.values() for key in usage_documents.keys_of(d))


def by_hand(number: int) -> dict[int, dict[str, Any]]:
    """An invoice that somebody made with a key of ours."""
    return {
        400 + number: as_halo_keeps(400 + number, UsageInvoice.from_json(invoices(number + 1)[number].expect).body())
    }


def test_calls_grow_while_they_succeed_and_41_invoices_take_less_than_one_call_each() -> None:
    target, ledger = halo(41), MemoryLedger()
    outcome = apply(target, invoices(41), ledger)
    assert outcome.states == {"verified": 41}
    assert posted(target) == [1, 4, 16, 20]
    assert documents(target) == dict.fromkeys((key(n) for n in range(41)), 1)
    assert {tuple(states) for states in ledger.states().values()} == {("claimed", "sent", "verified")}
    # One after the other: recurring invoices, four calls for the first, ten for the next four, three for each of the
    # others, and the last search of all keys.
    assert target.reads + target.attempts == 1 + 4 + 6 + 3 + 3 + 1


@pytest.mark.parametrize("replies", [True, False], ids=["reply names them", "reply is empty"])
def test_a_reply_is_no_proof_and_not_needed(replies: bool) -> None:
    target = halo(21, replies=replies)
    assert apply(target, invoices(21)).states == {"verified": 21}
    assert posted(target) == [1, 4, 16]


@pytest.mark.parametrize("shown", [0, 1])
def test_a_filter_that_shows_only_some_of_its_clients_hides_no_invoice(shown: int) -> None:
    target = halo(12, clients_in_a_filter=shown or None, documents=by_hand(7))
    if shown == 0:
        target.clients_in_a_filter = 1
        target.recurring_invoices_of = lambda client_ids: target.recurring_invoices()  # type: ignore[method-assign]
    outcome = apply(target, invoices(12))
    assert outcome.states == {"verified": 11, "drifted": 1}
    assert documents(target) == dict.fromkeys((key(n) for n in range(12)), 1)
    assert () in target.searches


def test_a_filter_that_was_believed_and_then_hides_an_invoice_is_not_believed_again() -> None:
    target = halo(40, documents=by_hand(30))

    def hide(at: FakeHalo) -> None:
        at.clients_in_a_filter = 2 if len(at.documents) > 20 else None

    target.side_effect = hide
    outcome = apply(target, invoices(40))
    assert outcome.states == {"verified": 39, "drifted": 1}
    assert max(documents(target).values()) == 1


def test_the_last_search_of_more_invoices_than_a_list_names_clients_sees_none_twice() -> None:
    target = halo(60, clients_in_a_filter=1)
    target.recurring_invoices_of = lambda client_ids: target.recurring_invoices()  # type: ignore[method-assign]
    assert apply(target, invoices(60)).states == {"verified": 60}


def test_a_filter_that_shows_only_its_first_clients_hides_no_invoice_of_a_larger_call() -> None:
    """Sixteen were shown, so it was believed; the next search names more."""
    target = halo(60, clients_in_a_filter=16, documents=by_hand(50))
    target.recurring_invoices_of = lambda client_ids: target.recurring_invoices()  # type: ignore[method-assign]
    outcome = apply(target, invoices(60))
    assert outcome.states == {"verified": 59, "drifted": 1}
    assert max(documents(target).values()) == 1


def test_a_recurring_invoice_with_a_key_keeps_that_document_from_being_made_and_no_other() -> None:
    target = halo(9)
    target.headers[-94 - 6]["lines"][0]["item_longdescription"] = key(6)
    assert apply(target, invoices(9)).states == {"verified": 8, "drifted": 1}
    assert documents(target)[key(6)] == 0


def test_a_lost_answer_of_a_call_is_settled_for_each_by_reading_and_the_next_go_alone() -> None:
    target, ledger = halo(8, "ok", "lost"), MemoryLedger()
    outcome = apply(target, invoices(8), ledger)
    assert outcome.states == {"verified": 8}
    assert posted(target) == [1, 4, 1, 1, 1]
    assert ledger.states()[key(2)] == ["claimed", "unknown", "verified"]
    assert max(documents(target).values()) == 1


@pytest.mark.parametrize("fault", ["not_applied", "late"])
def test_a_call_without_an_answer_of_which_nothing_is_seen_leaves_each_unknown_and_is_not_sent_again(
    fault: str,
) -> None:
    target, ledger = halo(6, "ok", fault), MemoryLedger()
    outcome = apply(target, invoices(6), ledger)
    assert outcome.states == {"verified": 2, "unknown": 4}
    notes = [e.before_state for _, e in ledger.entries if e.change.row_id == key(2) and e.state == "unknown"]
    assert notes[0] is None
    assert "not_shown" in str(notes[1])
    again = apply(target, invoices(6), ledger)
    assert again.states == {"drifted": 6}
    target.catch_up()
    assert max(documents(target).values()) == 1


def test_of_a_call_that_halo_saved_in_part_each_is_judged_by_itself_and_the_apply_stops() -> None:
    target, ledger = halo(12, saved_of_a_call=3), MemoryLedger()
    outcome = apply(target, invoices(12), ledger)
    assert outcome.states == {"verified": 4, "unknown": 1, "skipped": 7}
    assert ledger.states()[key(4)] == ["claimed", "sent", "unknown"]
    assert any(p.startswith("stopped") and key(4) in p for p in outcome.problems)
    assert max(documents(target).values()) == 1


def test_a_refused_call_is_sent_again_one_by_one_and_its_size_is_not_used_again() -> None:
    target, ledger = halo(14, "ok", "refused"), MemoryLedger()
    outcome = apply(target, invoices(14), ledger)
    assert outcome.states == {"verified": 14}
    assert posted(target) == [1] * 14
    assert ledger.states()[key(1)] == ["claimed", "failed", "claimed", "sent", "verified"]
    assert max(documents(target).values()) == 1


def test_one_invoice_that_halo_refuses_does_not_keep_the_others_of_its_call_from_being_made() -> None:
    target, ledger = halo(5, "ok", "refused", "ok", "refused"), MemoryLedger()
    outcome = apply(target, invoices(5), ledger)
    assert outcome.states == {"verified": 4, "failed": 1}
    assert documents(target)[key(2)] == 0


def test_a_call_that_met_a_limit_is_not_sent_again() -> None:
    target = halo(6, "ok", "limited")
    outcome = apply(target, invoices(6))
    assert outcome.states == {"verified": 2, "failed": 4}
    assert target.attempts == 3


def test_a_refused_call_that_left_an_invoice_behind_stops_the_apply_and_nothing_is_sent_again() -> None:
    target = halo(8, "ok", "refused")

    def leave_one(at: FakeHalo) -> None:
        at.documents.update(by_hand(3))

    refuse = target.create_invoices

    def half(invoices: Any) -> Any:
        leave_one(target)
        return refuse(invoices)

    target.create_invoices = half  # type: ignore[method-assign]
    outcome = apply(target, invoices(8))
    assert outcome.states == {"verified": 1, "failed": 4, "skipped": 3}
    assert target.attempts == 2
    assert any("refused the invoice and shows it all the same: invoice 403" in p for p in outcome.problems)


def test_two_invoices_of_a_key_in_a_call_stop_the_apply_and_the_others_are_on_record() -> None:
    target, ledger = halo(9), MemoryLedger()

    def double(at: FakeHalo) -> None:
        if len(at.documents) == 5:
            at.documents[900] = {**at.documents[51803], "id": 900}

    target.side_effect = double
    outcome = apply(target, invoices(9), ledger)
    assert outcome.states == {"verified": 4, "duplicate": 1, "skipped": 4}
    assert [kind for kind, _ in target.applied] == ["invoice", "invoices"]


@pytest.mark.parametrize(
    "moment", ["before claim", "after claim", "before invoice", "after send", "before read-back", "before verdict"]
)
def test_each_invoice_of_a_call_is_claimed_on_disk_before_it_is_sent(moment: str) -> None:
    target, ledger, passed = halo(5), MemoryLedger(), []

    def die(name: str) -> None:
        passed.append(name)
        if passed.count(moment) == 2:
            raise Crash

    with pytest.raises(Crash):
        apply(target, invoices(5), ledger, step=die)
    claimed = [number for number in range(1, 5) if "claimed" in ledger.states().get(key(number), [])]
    assert claimed == ([] if moment == "before claim" else [1, 2, 3, 4])
    assert len(target.documents) == (1 if moment in ("before claim", "after claim", "before invoice") else 5)
    again = apply(target, invoices(5), ledger)
    assert "failed" not in again.states
    assert max(documents(target).values()) == 1


def test_a_search_that_fails_leaves_every_invoice_of_its_call_unstarted() -> None:
    target, ledger = halo(6), MemoryLedger()
    read = target.invoices

    def fail(start: Any, end: Any, client_ids: Any = ()) -> Any:
        target.read_faults = 1 if len(target.documents) == 1 and len(target.searches) == 2 else 0
        return read(start, end, client_ids)

    target.invoices = fail  # type: ignore[method-assign]
    outcome = apply(target, invoices(6), ledger)
    assert outcome.states == {"verified": 1, "skipped": 5}
    assert target.attempts == 1


def test_the_base_and_an_adjustment_of_one_client_may_share_a_call() -> None:
    changes = [*invoices(3), usage_invoice(key=key(1) + "-adj1", client=1001)]
    target = halo(3)
    assert apply(target, changes).states == {"verified": 4}
    assert len(target.documents) == 4
