"""Making a usage invoice: what is searched before, what one POST may leave behind, and when the whole apply stops."""

from __future__ import annotations

from typing import Any

import pytest

from pax8_pipeline.billing.actions import usage_documents
from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice
from pax8_pipeline.billing.applying.apply import Applier
from pax8_pipeline.billing.model import Change, Entry, State
from pax8_pipeline_tests.support.billing import (
    KEY,
    TODAY,
    Crash,
    FakeHalo,
    FakePax8,
    MemoryLedger,
    as_halo_keeps,
    change,
    computed_line,
    licence,
    plan,
    usage_invoice,
    usage_line,
)

OTHER = "PAX8-USAGE 2026-07 5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a22"


def halo(*faults: str, **values: Any) -> FakeHalo:
    header = {"id": -94, "client_id": 231, "disabled": False, "lines": [computed_line(1, 11)]}
    return FakeHalo({-94: header}, {11: licence(11)}, list(faults), **values)


def there(made: Change, number: int = 51877, **changes: Any) -> dict[int, dict[str, Any]]:
    """The planned invoice as Halo shows it already."""
    return {number: as_halo_keeps(number, UsageInvoice.from_json(made.expect).body(), **changes)}


def apply(target: FakeHalo, *changes: Change, ledger: MemoryLedger | None = None, **kwargs: Any) -> Any:
    return Applier(target, FakePax8(), ledger or MemoryLedger(), TODAY, **kwargs).apply(plan(), changes)


def began(made: Change, *states: State, plan_id: str = "plan-0") -> MemoryLedger:
    """A ledger in which an earlier plan has a word on it."""
    return MemoryLedger([(plan_id, Entry(made, state)) for state in states])


def ids(target: FakeHalo, key: str = KEY) -> list[int]:
    return [d["id"] for d in target.documents.values() if key.lower() in usage_documents.keys_of(d)]


def test_an_invoice_is_made_once_read_back_and_named() -> None:
    target, ledger = halo(), MemoryLedger()
    outcome = apply(target, usage_invoice(), ledger=ledger)
    assert outcome.states == {"verified": 1}
    assert [kind for kind, _ in target.applied] == ["invoice"]
    assert ledger.states() == {KEY: ["claimed", "sent", "verified"]}
    claimed, _, verified = (entry for _, entry in ledger.entries)
    assert claimed.before_state == '{"searched": {"invoices": 0, "recurring_invoices": 1}}'
    assert f"invoice {ids(target)[0]}" in verified.detail


@pytest.mark.parametrize("replies", [True, False], ids=["reply names it", "reply is empty"])
def test_a_reply_is_no_proof_and_not_needed(replies: bool) -> None:
    target = halo(replies=replies)
    assert apply(target, usage_invoice()).states == {"verified": 1}


# Before the POST -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["claimed", "sent", "unknown", "verified"])
def test_a_key_that_another_plan_billed_or_may_have_billed_is_not_sent(state: State) -> None:
    target, ledger = halo(), began(usage_invoice(), state)
    outcome = apply(target, usage_invoice(key=KEY.replace("5b1f", "5B1F")), ledger=ledger)
    assert (target.attempts, outcome.states) == (0, {"drifted": 1})
    assert "plan-0" in outcome.problems[0]


@pytest.mark.parametrize("state", ["failed", "skipped", "drifted"])
def test_a_key_that_was_certainly_not_billed_is_sent(state: State) -> None:
    assert apply(halo(), usage_invoice(), ledger=began(usage_invoice(), "claimed", state)).states == {"verified": 1}


def test_another_months_or_adjustments_entry_does_not_stand_in_the_way() -> None:
    ledger = began(usage_invoice(key=KEY + "-adj1"), "claimed", "verified")
    assert apply(halo(), usage_invoice(), ledger=ledger).states == {"verified": 1}


@pytest.mark.parametrize(
    "edit",
    [
        {},
        {"voided": True},
        {"posted": True},
        {"reference": KEY.upper()},
        {"reference": "by hand", "lines": [{"item_longdescription": f"usage\n{KEY}"}]},
        {"invoice_date": "2026-07-01T00:00:00"},
        {"invoice_date": "2026-09-29T00:00:00"},
    ],
    ids=["equal", "voided", "posted", "upper case", "in a line", "first day of the month", "in 40 days"],
)
def test_whatever_halo_shows_with_the_key_keeps_it_from_being_created(edit: dict[str, Any]) -> None:
    made = usage_invoice()
    target = halo(documents=there(made, **edit))
    outcome = apply(target, made)
    assert (target.attempts, outcome.states) == (0, {"drifted": 1})
    assert "invoice 51877" in outcome.problems[0]


def test_a_recurring_invoice_with_the_key_in_a_line_keeps_it_from_being_created() -> None:
    target = halo()
    target.headers[-94]["lines"][0]["item_longdescription"] = KEY
    outcome = apply(target, usage_invoice())
    assert (target.attempts, outcome.states) == (0, {"drifted": 1})
    assert "recurring invoice -94" in outcome.problems[0]


def test_the_base_and_its_adjustments_are_documents_of_their_own() -> None:
    changes = [usage_invoice(key=KEY + suffix) for suffix in ("", "-adj1", "-adj10")]
    target = halo()
    assert apply(target, *changes).states == {"verified": 3}
    assert len(target.documents) == 3


@pytest.mark.parametrize("states", [("claimed", "unknown"), ("claimed", "failed"), ("claimed", "sent"), ("claimed",)])
def test_what_an_earlier_write_of_ours_left_is_adopted(states: tuple[State, ...]) -> None:
    made = usage_invoice()
    target, ledger = halo(documents=there(made)), began(made, *states)
    outcome = apply(target, made, ledger=ledger)
    assert (target.attempts, outcome.states) == (0, {"verified": 1})
    assert ledger.entries[-1][1].detail == "found already in Halo as invoice 51877"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"voided": True}, "voided"),
        ({"lines": []}, "0 lines"),
        ({"reference": KEY + " "}, None),
    ],
    ids=["voided", "no lines", "equal"],
)
def test_only_an_equal_invoice_is_adopted(edit: dict[str, Any], message: str | None) -> None:
    made = usage_invoice()
    target, ledger = halo(documents=there(made, **edit)), began(made, "claimed", "failed")
    outcome = apply(target, made, ledger=ledger)
    assert (target.attempts, outcome.states) == (0, {"verified": 1} if message is None else {"drifted": 1})
    assert message is None or message in outcome.problems[0]


def test_two_invoices_with_the_key_are_never_adopted() -> None:
    made = usage_invoice()
    target = halo(documents={**there(made, 1), **there(made, 2)})
    outcome = apply(target, made, ledger=began(made, "claimed", "failed"))
    assert (target.attempts, outcome.states) == (0, {"drifted": 1})
    assert "invoice 1, invoice 2" in outcome.problems[0]


@pytest.mark.parametrize(
    "made",
    [
        usage_invoice(total="0"),
        usage_invoice(usage_line(item_id=None)),
        usage_invoice(currency=None),
        usage_invoice(client_id=None),
    ],
    ids=["total", "item", "currency", "client"],
)
def test_what_may_never_be_sent_fails_before_it_is_claimed_and_before_halo_is_asked(made: Change) -> None:
    target, ledger = halo(read_faults=1), MemoryLedger()
    outcome = apply(target, made, ledger=ledger)
    assert (target.attempts, target.read_faults, outcome.states) == (0, 1, {"failed": 1})
    assert ledger.states() == {KEY: ["failed"]}


def test_recurring_invoices_are_read_once_for_all_invoices_of_an_apply() -> None:
    target, asked = halo(), 0
    read = target.recurring_invoices

    def counted() -> Any:
        nonlocal asked
        asked += 1
        return read()

    target.recurring_invoices = counted  # type: ignore[method-assign]
    outcome = apply(target, usage_invoice(), usage_invoice(key=OTHER, client=231), usage_invoice(key=KEY + "-adj1"))
    assert (asked, outcome.states) == (1, {"verified": 3})


def test_a_search_that_cannot_be_made_leaves_it_unstarted_and_ends_the_apply() -> None:
    target, ledger = halo(read_faults=1), MemoryLedger()
    outcome = apply(target, usage_invoice(), usage_invoice(key=OTHER), ledger=ledger)
    assert (target.attempts, outcome.states) == (0, {"skipped": 2})
    assert "claimed" not in ledger.states()[KEY]


# The POST and after --------------------------------------------------------------------------------------


def test_a_refused_invoice_is_failed_and_the_others_go_on() -> None:
    target, ledger = halo("refused"), MemoryLedger()
    outcome = apply(target, usage_invoice(), usage_invoice(key=OTHER), ledger=ledger)
    assert outcome.states == {"failed": 1, "verified": 1}
    assert ledger.states()[KEY] == ["claimed", "failed"]
    assert ids(target) == []


def test_a_lost_answer_is_settled_at_once_by_the_search() -> None:
    target, ledger = halo("lost"), MemoryLedger()
    outcome = apply(target, usage_invoice(), ledger=ledger)
    assert (target.attempts, outcome.states) == (1, {"verified": 1})
    assert ledger.states() == {KEY: ["claimed", "unknown", "verified"]}


@pytest.mark.parametrize("fault", ["not_applied", "late"])
def test_a_lost_answer_of_which_nothing_is_to_be_seen_stays_unknown_and_is_not_sent_again(fault: str) -> None:
    target, ledger = halo(fault), MemoryLedger()
    outcome = apply(target, usage_invoice(), usage_invoice(key=OTHER), ledger=ledger)
    assert outcome.states == {"unknown": 1, "verified": 1}
    assert ledger.states()[KEY] == ["claimed", "unknown", "unknown"]
    again = apply(target, usage_invoice(), ledger=ledger)
    assert (target.attempts, again.states) == (2, {"drifted": 1})


def test_an_invoice_that_cannot_be_read_back_stays_unknown_and_ends_the_apply() -> None:
    target, ledger = halo(), MemoryLedger()
    target.side_effect = lambda h: setattr(h, "read_faults", 1)
    outcome = apply(target, usage_invoice(), usage_invoice(key=OTHER), ledger=ledger)
    assert outcome.states == {"unknown": 1, "skipped": 1}
    assert ledger.states()[KEY] == ["claimed", "sent", "unknown"]


def double(target: FakeHalo) -> None:
    (first,) = target.documents.values()
    target.documents[99999] = {**first, "id": 99999}


def post_it(target: FakeHalo) -> None:
    target.documents[51801]["posted"] = True


def void_it(target: FakeHalo) -> None:
    target.documents[51801]["voided"] = True


def raise_it(target: FakeHalo) -> None:
    target.documents[51801]["lines"][0]["unit_price"] += 1


def other_item(target: FakeHalo) -> None:
    target.documents[51801]["lines"][0]["_itemid"] = 5


def lose_a_line(target: FakeHalo) -> None:
    target.documents[51801]["lines"].pop()


def other_client(target: FakeHalo) -> None:
    target.documents[51801]["client_id"] = 5


@pytest.mark.parametrize("fault", ["ok", "lost"])
@pytest.mark.parametrize("effect", [double, post_it, void_it, raise_it, other_item, lose_a_line])
def test_two_invoices_or_one_that_is_not_as_planned_stop_the_whole_apply(effect: Any, fault: str) -> None:
    target, ledger = halo(fault), MemoryLedger()
    target.side_effect = effect
    made = usage_invoice(usage_line(), usage_line("s1 p2", "3.10"))
    outcome = apply(target, made, usage_invoice(key=OTHER), ledger=ledger)
    assert outcome.states == {"duplicate" if effect is double else "failed": 1, "skipped": 1}
    assert target.attempts == 1
    stopped = next(p for p in outcome.problems if p.startswith("stopped"))
    assert "51801" in stopped
    assert effect is not double or "99999" in stopped


def test_an_invoice_that_halo_gave_to_another_client_stops_the_apply() -> None:
    target = halo()
    target.side_effect = other_client
    outcome = apply(target, usage_invoice(), usage_invoice(key=OTHER))
    assert outcome.states == {"failed": 1, "skipped": 1}
    assert "its client is 5" in outcome.problems[0]


def test_an_invoice_that_halo_took_and_does_not_list_is_unknown_and_ends_the_apply() -> None:
    target = halo()
    target.side_effect = lambda h: h.documents.clear()
    outcome = apply(target, usage_invoice(), usage_invoice(key=OTHER))
    assert outcome.states == {"unknown": 1, "skipped": 1}


STEPS = ["before claim", "after claim", "before invoice", "after send", "before read-back", "before verdict"]


@pytest.mark.parametrize("moment", STEPS)
def test_nothing_is_sent_before_its_claim_is_on_disk_whenever_the_process_dies(moment: str) -> None:
    target, ledger, passed = halo(), MemoryLedger(), []

    def die(name: str) -> None:
        passed.append(name)
        if name == moment:
            raise Crash

    with pytest.raises(Crash):
        apply(target, usage_invoice(), ledger=ledger, step=die)
    assert passed == STEPS[: STEPS.index(moment) + 1]
    assert ("claimed" in ledger.states().get(KEY, [])) == (moment != "before claim")
    assert bool(target.documents) == (STEPS.index(moment) > 2)


def test_invoices_are_written_after_the_seats_and_each_by_itself() -> None:
    target, ledger = halo(), MemoryLedger()
    apply(target, usage_invoice(), usage_invoice(key=OTHER), change("set_licence_count", 8), ledger=ledger)
    assert [kind for kind, _ in target.applied] == ["licence", "invoice", "invoice"]
    order = [(entry.change.row_id, entry.state) for _, entry in ledger.entries]
    assert order.index((KEY, "verified")) < order.index((OTHER, "claimed"))


def test_a_refused_invoice_that_is_there_all_the_same_stops_the_apply() -> None:
    """Two savings at once: the header is saved, its lines are not, and the answer is a refusal
    (docs/vendors/halo.md#two-savings).
    """
    target, ledger = halo("contested"), MemoryLedger()
    target.before_refusal = lambda at: at.documents.update({51801: as_halo_keeps(51801, HEADER_ONLY)})
    outcome = apply(target, usage_invoice(), usage_invoice(key=OTHER), ledger=ledger)
    assert (target.attempts, outcome.states) == (1, {"failed": 1, "skipped": 1})
    assert any("refused the invoice and shows it all the same" in p and "51801" in p for p in outcome.problems)


HEADER_ONLY = {"client_id": 231, "reference": KEY, "invoice_date": "2026-08-20T00:00:00", "lines": []}
