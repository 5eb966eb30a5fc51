"""Approve, apply, undo as a person does it: real processes against the served sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pax8_pipeline_tests.support.nightly import night, rows, small_story
from pax8_pipeline_tests.support.operator import Operator, Ran, desk

APPROVE = "trust: {default: approve}\n"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Operator]:
    with desk(tmp_path, small_story(), USER="ada") as made:
        yield made


def plan_of(ran: Ran) -> str:
    return str(ran.data["plan"]["plan_id"])


def waiting(ran: Ran, reason: str | None = None) -> list[dict[str, Any]]:
    rows = [r for r in ran.data["rows"] if r["class"] == "needs_approval"]
    return [r for r in rows if reason in (None, r["reason"])]


def state(at: Operator) -> str:
    return json.dumps(at.sandbox.world.halo_state(), sort_keys=True, default=str)


def test_approve_apply_rollback_approve_apply_and_the_next_run_waits(at: Operator) -> None:
    (at.folder / "policy.yaml").write_text(APPROVE)
    before = state(at)
    first = at.run()
    assert first.code == 2, first.err
    assert at.posts() == []
    plan, planned = plan_of(first), waiting(first)

    one = at.command("plan", "approve", plan, "--row", planned[0]["row_id"].upper(), "--by", "Grace", "--json")
    assert (one.code, one.data["rows_covered"], one.data["approved_by"]) == (0, 1, "Grace"), one.err
    part = at.command("plan", "apply", plan, "--json")
    assert part.code == 2, part.err
    assert part.data["written"] == {"verified": 1}
    assert len(waiting(part)) == len(planned)

    rest = at.command("plan", "approve", plan)
    assert (rest.code, f"Next: pax8-pipeline plan apply {plan}" in rest.out) == (0, True), rest.err
    whole = at.command("plan", "apply", plan, "--json")
    assert whole.all_written, whole.err
    assert whole.data["written"] == {"verified": len(planned)}
    assert [(a["approved_by"], a["rows"]) for a in whole.data["approvals"]] == [("Grace", 1), ("ada", len(planned))]
    assert at.in_step()

    posts = len(at.posts())
    undo = at.command("plan", "rollback", plan, "--json")
    assert (undo.code, undo.data["skipped"], len(waiting(undo))) == (2, [], len(planned)), undo.err
    back = plan_of(undo)
    assert undo.data["next"] == [f"pax8-pipeline plan approve {back}", f"pax8-pipeline plan apply {back}"]
    assert len(at.posts()) == posts
    assert at.command("plan", "approve", back).code == 0
    undone = at.command("plan", "apply", back, "--json")
    assert (undone.code, undone.data["written"]) == (0, {"verified": len(planned)}), undone.err
    assert state(at) == before

    again, _ = night(at)
    assert state(at) == before
    held = "SELECT row_id FROM billing.plan WHERE plan_id = ? AND class = 'needs_approval' AND reason = 'rolled_back'"
    assert {r["row_id"] for r in rows(at, held, again.plan_id)} == {
        r["row_id"] for r in planned if r["verdict"] != "zero_quantity"
    }
    stale = at.command("plan", "approve", back)
    assert (stale.code, "is stale" in stale.err) == (1, True)


def test_a_held_run_is_written_after_its_acknowledgement(at: Operator) -> None:
    (at.folder / "policy.yaml").write_text("guardrails: {run: {lines_ended: 0}}\n")
    held = at.run()
    assert (held.code, at.posts()) == (3, []), held.err
    assert "lines_ended" in held.data["sentence"]
    plan = plan_of(held)
    assert f"pax8-pipeline plan approve {plan} --acknowledge" in held.data["sentence"]
    refused = at.command("plan", "apply", plan, "--json")
    assert (refused.code, at.posts()) == (3, []), refused.err
    agreed = at.command("plan", "approve", plan, "--acknowledge", "--json")
    assert (agreed.code, agreed.data["kind"], agreed.data["still_held"]) == (0, "acknowledge", []), agreed.err
    dry = at.command("plan", "apply", plan, HALO_WRITE_MODE="")
    assert (dry.code, at.posts()) == (2, []), dry.err
    assert "the write mode is dry_run" in dry.out
    done = at.command("plan", "apply", plan, "--json")
    assert done.all_written, done.err
    assert at.in_step()
    shown = at.command("plan", "show", plan)
    assert "Acknowledged by ada at" in shown.out
    assert "held by a guardrail" not in shown.out.splitlines()[0]


def test_a_rollback_names_and_leaves_alone_what_changed_since(at: Operator) -> None:
    head, outcome = night(at)
    assert outcome is not None
    assert set(outcome.states) == {"verified"}
    plan = head.plan_id
    done = "SELECT licence_id FROM billing.ledger_state WHERE action = 'set_licence_count' AND state = 'verified'"
    row = rows(at, done)[0]
    at.sandbox.halo.licences[row["licence_id"]]["count"] = 77
    undo = at.command("plan", "rollback", plan)
    assert undo.code == 2, undo.err
    (left,) = [text for text in undo.out.splitlines() if text.startswith("Skipped: ")]
    assert f"licence {row['licence_id']}" in left
    expired(at)
    newest = at.command("plan", "show", "--json").data["plan"]["plan_id"]
    for words in (("approve", newest), ("apply", newest)):
        refused = at.command("plan", *words)
        assert (refused.code, "expired at" in refused.err) == (1, True), refused.err
    assert at.command("plan", "approve", "nonsense").err.startswith("Error: no plan nonsense")


def expired(at: Operator) -> None:
    """Let a day and more pass for every plan."""
    with duckdb.connect(str(at.folder / "warehouse.duckdb")) as connection:
        connection.execute(
            "UPDATE billing.plans SET made_at = made_at - ?, expires_at = expires_at - ?", [timedelta(days=2)] * 2
        )
