"""Two writers on one tenant: what the search before, after and at the end of an apply sees, and how the run ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.actions import usage_documents
from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice
from pax8_pipeline.billing.applying.apply import Applier, ApplyResult
from pax8_pipeline.billing.exit_status import evaluate
from pax8_pipeline.billing.ledger.ledger import Ledger, duplicates, remaining
from pax8_pipeline.billing.model import Change, Entry, Remaining
from pax8_pipeline_tests.support.billing import (
    KEY,
    TODAY,
    FakeHalo,
    FakePax8,
    MemoryLedger,
    as_halo_keeps,
    plan,
    usage_invoice,
)
from pax8_pipeline_tests.support.checks import warehouse_with

ME, ANOTHER = "11111111-aaaa", "22222222-bbbb"
SECOND = KEY.replace("9a11", "9a22")


def body(change: Change, writer: str = ANOTHER) -> dict[str, Any]:
    return UsageInvoice.from_json(change.expect).body(writer)


def write(halo: FakeHalo, *changes: Change, ledger: MemoryLedger | None = None, **more: Any) -> ApplyResult:
    applier = Applier(halo, FakePax8(), ledger or MemoryLedger(), TODAY, writer=ME, **more)
    return applier.apply(plan(), changes)


def test_a_document_says_which_folder_made_it_in_each_line_and_the_reference_stays_last() -> None:
    halo = FakeHalo({}, {})
    assert write(halo, usage_invoice()).states == {"verified": 1}
    (made,) = halo.documents.values()
    assert made["reference"] == KEY
    assert made["lines"][0]["item_longdescription"].endswith(f"\nWriter: {ME}\nRef: s1 p1 2026-07")
    assert usage_documents.writer_of(made) == ME
    html = {"lines": [{"item_longdescription": f"<p>512 GB</p><p>Writer: {ME.upper()}</p><p>Ref: a b</p>"}]}
    assert usage_documents.writer_of(html) == ME
    assert usage_documents.writer_of({"lines": [{"item_longdescription": "Ref: a b"}]}) is None


def test_another_writers_invoice_right_after_ours_is_seen_by_the_search_after_it() -> None:
    halo, ledger = FakeHalo({}, {}), MemoryLedger()
    halo.side_effect = lambda h: h.documents.setdefault(99, as_halo_keeps(99, body(usage_invoice())))
    outcome = write(halo, usage_invoice(), usage_invoice(key=SECOND), ledger=ledger)
    assert outcome.states == {"duplicate": 1, "skipped": 1}
    assert "invoice 51801" in ledger.entries[2][1].detail
    assert "invoice 99" in ledger.entries[2][1].detail


def test_another_writers_invoice_that_appears_later_is_seen_by_the_search_at_the_end() -> None:
    """Its POST takes longer than all of our searches of that key."""
    halo, ledger, seen = FakeHalo({}, {}), MemoryLedger(), []

    def step(name: str) -> None:
        seen.append(name)
        if seen.count("before invoice") == 2:
            halo.documents.setdefault(99, as_halo_keeps(99, body(usage_invoice())))

    outcome = write(halo, usage_invoice(), usage_invoice(key=SECOND), ledger=ledger, step=step)
    assert outcome.states == {"verified": 1, "duplicate": 1}
    assert ledger.states()[KEY] == ["claimed", "sent", "verified", "duplicate"]
    assert {usage_documents.writer_of(d) for d in outcome.documents} == {ME, ANOTHER}


def test_a_search_at_the_end_that_fails_is_told_and_changes_nothing() -> None:
    halo = FakeHalo({}, {})

    def step(name: str) -> None:
        halo.read_faults = 1 if name == "before verdict" else 0

    outcome = write(halo, usage_invoice(), step=step)
    assert outcome.states == {"verified": 1}
    assert "could not be searched once more" in outcome.problems[0]


@pytest.mark.parametrize("retired", [False, True])
def test_another_folders_documents_of_the_client_stop_the_apply_before_anything_is_sent(retired: bool) -> None:
    other = usage_invoice(key=KEY.replace("2026-07", "2026-06"))
    halo = FakeHalo({}, {}, documents={5: as_halo_keeps(5, body(other))})
    known = frozenset({ANOTHER}) if retired else frozenset()
    outcome = write(halo, usage_invoice(), usage_invoice(key=SECOND), retired=known)
    assert outcome.states == ({"verified": 2} if retired else {"skipped": 2})
    assert halo.attempts == (2 if retired else 0)
    assert retired or "usage documents of another data folder (22222222-bbbb) are in Halo" in outcome.problems[0]


def test_a_list_that_hides_what_an_earlier_run_saw_is_no_proof_that_a_key_is_free() -> None:
    halo = FakeHalo({}, {})
    outcome = write(halo, usage_invoice(), ledger=MemoryLedger(known=[KEY.lower() + "-adj1"]))
    assert (halo.attempts, outcome.states) == (0, {"skipped": 1})
    assert "Halo hides its invoices" in outcome.problems[0]


def test_a_missing_document_is_made_again_only_by_a_row_that_names_the_plan_that_made_it() -> None:
    ledger = MemoryLedger([("plan-0", Entry(usage_invoice(), s)) for s in ("claimed", "verified")])
    assert write(FakeHalo({}, {}), usage_invoice(), ledger=ledger).states == {"drifted": 1}
    again = replace(usage_invoice(), expect={**usage_invoice().expect, "again": ["plan-0"]})
    assert write(FakeHalo({}, {}), again, ledger=ledger).states == {"verified": 1}


def test_a_document_that_two_plans_made_is_not_made_again_by_a_row_that_names_one() -> None:
    made = [(name, Entry(usage_invoice(), state)) for name in ("plan-0", "plan-1") for state in ("claimed", "verified")]
    again = replace(usage_invoice(), expect={**usage_invoice().expect, "again": ["plan-0"]})
    assert write(FakeHalo({}, {}), again, ledger=MemoryLedger(made)).states == {"drifted": 1}


def test_a_key_on_two_invoices_ends_the_run_with_3_and_names_them(tmp_path: Path) -> None:
    warehouse = warehouse_with(tmp_path)
    text = f"more than one invoice has the key {KEY}: invoice 1, invoice 2; void all but one of them in Halo"
    Ledger(warehouse, "run-1").record("plan-1", [Entry(usage_invoice(), "duplicate", text)])
    with warehouse.connect() as connection:
        twice = duplicates(connection, "plan-1")
        assert remaining(connection, "plan-1") == Remaining()
    found = evaluate(
        plan(), {"duplicate": 1, "skipped": 3}, Remaining(), [], errors=["it failed"], blocking=[], two_writers=twice
    )
    assert (found.code, found.sentence) == (3, text)
