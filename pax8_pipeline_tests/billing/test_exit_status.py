"""Exit codes: the worst wins, warnings change nothing, and what is left counts, not what the plan began with."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.exit_status import evaluate
from pax8_pipeline.billing.findings import FindingTotals
from pax8_pipeline.billing.ledger import ledger
from pax8_pipeline.billing.model import Entry, Remaining, State
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.settings import Policy
from pax8_pipeline_tests.support.billing import plan
from pax8_pipeline_tests.support.vendor_data import VendorData, plan_context, subscription

LOSS = FindingTotals(losses=17, new=2, lost_a_month={"USD": Decimal("1930")}, lost_once={"GBP": Decimal("17.65")})
CASES: dict[str, tuple[dict[str, Any], dict[str, int], Remaining, dict[str, Any], int]] = {
    # head, states in the ledger, what is left, held/errors/blocking, code
    "nothing to do": ({"rows_safe": 0}, {}, Remaining(), {}, 0),
    "all written": ({"rows_safe": 2}, {"verified": 2}, Remaining(), {}, 0),
    "unmapped rows are only warnings": ({"rows_safe": 0, "rows_blocked": 9}, {}, Remaining(), {}, 0),
    "dry run with changes": ({"rows_safe": 2, "write_mode": "dry_run"}, {}, Remaining(unwritten=2), {}, 2),
    "approval needed": ({"rows_safe": 1, "rows_waiting": 1}, {"verified": 1}, Remaining(waiting=1), {}, 2),
    "what waited was approved and written": ({"rows_safe": 1, "rows_waiting": 1}, {"verified": 2}, Remaining(), {}, 0),
    "approved rows do not pay for unwritten ones": (
        {"rows_safe": 1, "rows_waiting": 1},
        {"verified": 1},
        Remaining(unwritten=1),
        {},
        2,
    ),
    "a target drifted": ({"rows_safe": 2}, {"verified": 1, "drifted": 1}, Remaining(drifted=1), {}, 2),
    "run held": ({"held": "26 lines ended"}, {}, Remaining(held=26), {"held": ["26 lines ended"]}, 3),
    "run held, acknowledged and written": ({"held": "26 lines ended"}, {"verified": 26}, Remaining(), {}, 0),
    "client held, others written": ({"rows_safe": 1}, {"verified": 1}, Remaining(held=6), {"held": ["client 1"]}, 3),
    "blocking check": ({"rows_safe": 1}, {}, Remaining(unwritten=1), {"blocking": ["snapshot_shrank"]}, 3),
    "incomplete plan": ({"complete": False, "problem": "old reads"}, {}, Remaining(), {}, 3),
    "a write failed": ({"rows_safe": 2}, {"verified": 1, "failed": 1}, Remaining(unwritten=1), {}, 1),
    "a write is unknown": ({"rows_safe": 1}, {"unknown": 1}, Remaining(unwritten=1), {}, 1),
    "a loss that only a person can resolve": ({"rows_safe": 0}, {}, Remaining(), {"findings": LOSS}, 2),
    "a loss beside what was written": ({"rows_safe": 2}, {"verified": 2}, Remaining(), {"findings": LOSS}, 2),
    "an amount that nobody can tell": ({}, {}, Remaining(), {"findings": FindingTotals(unknown=1)}, 2),
    "all losses acknowledged": ({}, {}, Remaining(), {"findings": FindingTotals(acknowledged=9)}, 0),
    "a held run beats a loss": ({}, {}, Remaining(held=1), {"held": ["x"], "findings": LOSS}, 3),
    "a blocking check beats a loss": ({}, {}, Remaining(), {"blocking": ["x"], "findings": LOSS}, 3),
    "an error beats a loss": ({}, {"failed": 1}, Remaining(), {"findings": LOSS}, 1),
    "an error beats a held run": ({}, {}, Remaining(held=1), {"held": ["x"], "errors": ["Halo does not answer"]}, 1),
}


@pytest.mark.parametrize("name", CASES)
def test_exit_code(name: str) -> None:
    head, states, left, more, code = CASES[name]
    found = evaluate(plan(**head), states, left, more.get("held", []), errors=more.get("errors", []),
                  blocking=more.get("blocking", []), findings=more.get("findings"))  # fmt: skip
    assert found.code == code
    assert found.sentence


def test_losses_are_told_with_what_is_new_and_the_money_a_month_apart_from_usage() -> None:
    found = evaluate(plan(), {}, Remaining(), [], errors=[], blocking=[], findings=LOSS)
    assert found.only_findings
    assert found.sentence.startswith(
        "nothing to write; 17 losses wait for a person (2 new): USD 1,930.00 a month not billed, GBP 17.65 of usage not billed; "
    )
    assert "`pax8-pipeline acknowledge`" in found.sentence


def test_changes_that_wait_and_losses_stand_in_one_sentence() -> None:
    found = evaluate(
        plan(), {}, Remaining(waiting=1), [], errors=[], blocking=[], findings=FindingTotals(overcharges=1)
    )
    assert (found.code, found.only_findings) == (2, False)
    assert "1 change waits for a person; 1 overcharge waits for a person" in found.sentence


def test_a_run_without_a_plan_is_an_error_unless_a_check_held_it() -> None:
    assert evaluate(None, {}, Remaining(), [], errors=[], blocking=[]).code == 1
    assert evaluate(None, {}, Remaining(), [], errors=[], blocking=["incomplete_read"]).code == 3


def test_a_held_client_says_once_what_holds_it() -> None:
    row = "held by a guardrail: client 201: 3 lines ended, limit lines_ended is 2"
    sentence = evaluate(plan(), {}, Remaining(held=3), [row], errors=[], blocking=[]).sentence
    assert sentence.startswith("held by a guardrail: client 201: 3 lines ended")


def test_a_guardrails_sentence_carries_the_commands_that_let_this_one_plan_past() -> None:
    head = plan()
    sentence = evaluate(head, {}, Remaining(held=1), ["6 lines ended, limit 5"], errors=[], blocking=[]).sentence
    assert f"`pax8-pipeline plan approve {head.plan_id} --acknowledge`" in sentence
    assert f"`pax8-pipeline plan apply {head.plan_id}`" in sentence


@pytest.mark.parametrize(
    ("policy", "state", "left"),
    [
        ({}, None, Remaining(unwritten=1)),
        ({}, "verified", Remaining()),
        ({}, "drifted", Remaining(drifted=1)),
        ({}, "claimed", Remaining(unwritten=1)),
        ({"trust": {"default": "approve"}}, None, Remaining(waiting=1)),
        ({"trust": {"default": "approve"}}, "verified", Remaining()),
        ({"trust": {"default": "observe"}}, None, Remaining()),
        ({"guardrails": {"run": {"lines_changed": 0}}}, None, Remaining(held=1)),
        ({"guardrails": {"client": {"lines_changed": 0}}}, "verified", Remaining()),
    ],
)
def test_what_is_left_of_a_plan_is_what_has_no_verified_entry(
    policy: dict[str, Any], state: State | None, left: Remaining, tmp_path: Path
) -> None:
    warehouse = VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path)
    made = plans.make_plan(warehouse, plan_context(policy=Policy.model_validate(policy)))
    with warehouse.connect() as connection:
        (change,) = plans.all_changes(connection, made.plan_id)
    ledger.Ledger(warehouse, "run-1").record(made.plan_id, [Entry(change, state)] if state else [])
    with warehouse.connect() as connection:
        assert ledger.remaining(connection, made.plan_id) == left


def test_a_creation_without_a_known_result_waits_and_is_named() -> None:
    sentences = ["invoice X for client Y: result unknown since 05:12"]
    found = evaluate(plan(), {}, Remaining(), [], errors=[], blocking=[], pending=sentences)
    assert (found.code, found.sentence) == (2, sentences[0])
    both = evaluate(plan(), {}, Remaining(waiting=1), [], errors=[], blocking=[], pending=sentences)
    assert (both.code, both.sentence.endswith(sentences[0])) == (2, True)
    assert evaluate(plan(), {}, Remaining(), [], errors=[], blocking=["clock"], pending=sentences).code == 3
