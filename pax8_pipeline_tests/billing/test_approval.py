"""Approval: of one plan as it was seen, by a named person, and refused in a plain sentence when the world moved on."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.approvals import NothingToApprove, Scope, holds, list_approvals, record_approval, writable
from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.model import Entry, Plan
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.reports import plan_report
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.snapshots import dicts
from pax8_pipeline_tests.support.plans import safe_changes, with_plan
from pax8_pipeline_tests.support.vendor_data import SUB, VendorData, invoice, licence, line, plan_context, subscription

NOW = datetime(2026, 8, 20, 9)


def made(tmp_path: Path, *, run_id: str = "run-1", quantity: int = 25, **policy: Any) -> tuple[Warehouse, Plan, Policy]:
    rules = Policy.model_validate(policy)
    if run_id == "run-1" and quantity == 25:
        return (*with_plan(tmp_path, rules), rules)
    warehouse = VendorData(subscriptions=[subscription(quantity=quantity)]).load(tmp_path, run_id=run_id)
    return warehouse, plans.make_plan(warehouse, plan_context(policy=rules, run_id=run_id)), rules


def approve(warehouse: Warehouse, plan: Plan, rules: Policy, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "kind": "approve",
        "who": "Ada",
        "now": NOW,
        "policy": rules,
        "mappings": "mappings",
        "scope": Scope(),
    }
    return record_approval(warehouse, plan.plan_id, **{**values, **changes})


def rows(
    warehouse: Warehouse, plan: Plan, rules: Policy, *, applied_by_person: bool = False, now: datetime = NOW
) -> list[str]:
    with warehouse.connect() as connection:
        return [
            c.row_id for c in writable(connection, plan, rules, applied_by_person=applied_by_person, now=now).changes
        ]


@pytest.mark.parametrize(
    ("mode", "unapproved", "approved_nightly", "approved_explicit"),
    [
        ("observe", [], None, None),
        ("propose", [], [], [SUB]),
        ("approve", [], [SUB], [SUB]),
        ("auto", [SUB], None, None),
    ],
)
def test_what_each_trust_mode_lets_through(
    mode: str, unapproved: list[str], approved_nightly: Any, approved_explicit: Any, tmp_path: Path
) -> None:
    warehouse, plan, rules = made(tmp_path, trust={"default": mode})
    assert rows(warehouse, plan, rules) == unapproved
    assert rows(warehouse, plan, rules, applied_by_person=True) == unapproved
    if approved_nightly is None:
        with pytest.raises(PipelineError, match="nothing in that part"):
            approve(warehouse, plan, rules)
    else:
        assert approve(warehouse, plan, rules).rows == 1
        assert rows(warehouse, plan, rules) == approved_nightly
        assert rows(warehouse, plan, rules, applied_by_person=True) == approved_explicit


def test_an_approval_carries_over_to_an_equal_row_of_the_next_plan_for_some_days(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, trust={"default": "approve"})
    approve(warehouse, plan, rules)
    _, tomorrow, _ = made(tmp_path, run_id="run-2", trust={"default": "approve"})
    assert rows(warehouse, tomorrow, rules) == [SUB]
    assert rows(warehouse, tomorrow, rules, now=NOW + timedelta(days=8)) == []


def test_an_approval_does_not_carry_over_to_another_quantity(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, trust={"default": "approve"})
    approve(warehouse, plan, rules)
    _, tomorrow, _ = made(tmp_path, run_id="run-2", quantity=26, trust={"default": "approve"})
    assert rows(warehouse, tomorrow, rules) == []


def test_an_approval_covers_only_its_part(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, trust={"default": "approve"})
    for scope in (Scope(client_id=999), Scope(row_id="other")):
        with pytest.raises(PipelineError, match="nothing in that part"):
            approve(warehouse, plan, rules, scope=scope)
    assert approve(warehouse, plan, rules, scope=Scope(client_id=231)).rows == 1


def test_a_held_run_is_written_after_its_acknowledgement_only(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, guardrails={"run": {"lines_changed": 0}})
    assert rows(warehouse, plan, rules) == []
    approve(warehouse, plan, rules, kind="acknowledge")
    assert rows(warehouse, plan, rules) == [SUB]


def test_an_acknowledgement_is_for_this_plan_and_not_for_the_next(tmp_path: Path) -> None:
    limits = {"run": {"lines_changed": 0}}
    warehouse, plan, rules = made(tmp_path, guardrails=limits)
    approve(warehouse, plan, rules, kind="acknowledge")
    _, tomorrow, _ = made(tmp_path, run_id="run-2", guardrails=limits)
    assert rows(warehouse, tomorrow, rules) == []


def test_approved_rows_count_against_the_guardrails_too(tmp_path: Path) -> None:
    trust, limits = {"default": "approve"}, {"client": {"lines_changed": 0}}
    warehouse, plan, rules = made(tmp_path, trust=trust, guardrails=limits)
    approve(warehouse, plan, rules)
    assert rows(warehouse, plan, rules) == []


def test_a_plan_approved_and_applied_in_slices_is_limited_as_a_whole(tmp_path: Path) -> None:
    other = "c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a03"
    link = [{"id": 902, "licence_id": 4128, "qty_free": 0, "minimum_qty": 0, "kind": 4, "pro_rata": 1}]
    rules = Policy.model_validate({"trust": {"default": "approve"}, "guardrails": {"client": {"lines_changed": 1}}})
    warehouse = VendorData(
        subscriptions=[subscription(quantity=25), subscription(id=other, quantity=25)],
        licences=[licence(), licence(id=4128, snowid=other)],
        recurring=[invoice([line(), line(id=24968, quantity_subscriptions=link)])],
    ).load(tmp_path)
    plan = plans.make_plan(warehouse, plan_context(policy=rules))
    approve(warehouse, plan, rules, scope=Scope(row_id=SUB))
    assert rows(warehouse, plan, rules) == [SUB]
    with warehouse.connect() as connection:
        written = next(c for c in plans.all_changes(connection, plan.plan_id) if c.row_id == SUB)
    Ledger(warehouse, "run-1").record(plan.plan_id, [Entry(written, "verified")])
    approve(warehouse, plan, rules, scope=Scope(row_id=other))
    assert rows(warehouse, plan, rules) == []
    with warehouse.connect() as connection:
        (sentence,) = holds(connection, plan, rules, NOW)
    assert "2 lines changed, limit lines_changed is 1" in sentence


def test_a_row_that_is_in_the_ledger_is_not_offered_again(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path)
    with warehouse.connect() as connection:
        (change,) = safe_changes(connection, plan.plan_id)
    Ledger(warehouse, "run-1").record(plan.plan_id, [Entry(change, "claimed")])
    assert rows(warehouse, plan, rules) == []


def test_expired_and_stale_plans_are_refused_in_plain_words(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, trust={"default": "approve"})
    for changes, words in (
        ({"now": NOW + timedelta(days=2)}, "expired at 2026-08-21 06:00 UTC"),
        ({"policy": Policy(retention_days=3)}, "policy.yaml changed"),
        ({"mappings": "others"}, "the mapping files changed"),
        ({"who": " "}, "needs a name"),
    ):
        with pytest.raises(PipelineError, match=words):
            approve(warehouse, plan, rules, **changes)
    made(tmp_path, run_id="run-2", quantity=26, trust={"default": "approve"})
    with pytest.raises(PipelineError, match="was made after it"):
        approve(warehouse, plan, rules)


@pytest.mark.parametrize(
    ("auto", "reason"),
    [
        ({"seats": 4}, "auto_seats"),
        ({"money": 109}, "auto_money"),
        ({"directions": ["decrease"]}, "auto_direction"),
        ({"new_kinds": False}, "auto_new_kind"),
        ({"seats": 5, "money": 110, "directions": ["increase"]}, "increase"),
    ],
)
def test_auto_covers_only_what_its_limits_say(auto: dict[str, Any], reason: str, tmp_path: Path) -> None:
    warehouse, plan, _ = made(tmp_path, trust={"auto": auto})
    with warehouse.connect() as connection:
        found = connection.execute(
            "SELECT reason, class FROM billing.plan WHERE plan_id = ?", [plan.plan_id]
        ).fetchall()
    assert found == [(reason, "safe" if reason == "increase" else "needs_approval")]


def written(warehouse: Warehouse, plan: Plan) -> None:
    with warehouse.connect() as connection:
        changes = plans.all_changes(connection, plan.plan_id)
    Ledger(warehouse, plan.run_id).record(plan.plan_id, [Entry(c, "verified") for c in changes])


def test_an_approval_is_spent_by_the_write_it_led_to(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, trust={"default": "approve"})
    approve(warehouse, plan, rules)
    written(warehouse, plan)
    _, tomorrow, _ = made(tmp_path, run_id="run-2", trust={"default": "approve"})
    assert rows(warehouse, tomorrow, rules) == []
    approve(warehouse, tomorrow, rules)
    assert rows(warehouse, tomorrow, rules) == [SUB]


def test_approved_rows_over_a_limit_are_written_after_an_acknowledgement_that_follows_the_approval(
    tmp_path: Path,
) -> None:
    limits = {"client": {"lines_changed": 0}}
    warehouse, plan, rules = made(tmp_path, trust={"default": "approve"}, guardrails=limits)
    with pytest.raises(NothingToApprove, match="leave out --acknowledge"):
        approve(warehouse, plan, rules, kind="acknowledge")
    approve(warehouse, plan, rules)
    with warehouse.connect() as connection:
        assert holds(connection, plan, rules, NOW) == ["client 231: 1 line changed, limit lines_changed is 0"]
    approve(warehouse, plan, rules, kind="acknowledge", now=NOW + timedelta(minutes=1))
    assert rows(warehouse, plan, rules) == [SUB]


def test_a_held_plan_that_was_acknowledged_and_written_is_not_held_any_more(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, guardrails={"run": {"lines_changed": 0}})
    with pytest.raises(NothingToApprove, match="add --acknowledge"):
        approve(warehouse, plan, rules)
    with warehouse.connect() as connection:
        assert holds(connection, plan, rules, NOW) == [plan.held]
    approve(warehouse, plan, rules, kind="acknowledge")
    written(warehouse, plan)
    with warehouse.connect() as connection:
        assert holds(connection, plan, rules, NOW) == []
        assert writable(connection, plan, rules, applied_by_person=True, now=NOW).held == ()


def test_what_people_agreed_to_is_listed_with_the_rows_it_covers(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, trust={"default": "approve"})
    approve(warehouse, plan, rules, scope=Scope(client_id=231), who=" Ada ")
    with warehouse.connect() as connection:
        (row,) = list_approvals(connection, plan.plan_id)
        text = plan_report.plan_markdown(connection, plan.plan_id)
        data = plan_report.plan_json(connection, plan.plan_id)
    assert (row["approved_by"], row["approved_at"], row["kind"], row["rows"]) == ("Ada", NOW, "approve", 1)
    assert row["checksum"] == plan.checksum
    assert "Approved by Ada at 2026-08-20 09:00 UTC: 1 change, client 231." in text
    assert data["approvals"] == [row]


@pytest.mark.parametrize(
    ("trust", "reason"),
    [("auto", "rolled_back"), ("approve", "rolled_back"), ("propose", "trust_propose"), ("observe", "trust_observe")],
)
def test_what_a_person_undid_waits_in_the_next_plan_and_says_so(trust: str, reason: str, tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path)
    written(warehouse, plan)
    with warehouse.transaction() as connection:
        row = dicts(connection.execute("SELECT * FROM billing.plan WHERE plan_id = ?", [plan.plan_id]))[0]
        back = {**row, "class": "needs_approval", "verdict": "rollback", "before": row["after"], "after": row["before"]}
        undone = plans.store_rows(connection, [back], plan_context(policy=rules, run_id="back"))
    written(warehouse, undone)
    _, tomorrow, rules = made(tmp_path, run_id="run-2", trust={"default": trust})
    with warehouse.connect() as connection:
        found = connection.execute("SELECT class, reason FROM billing.plan WHERE plan_id = ?", [tomorrow.plan_id])
        assert found.fetchall() == [("blocked" if trust == "observe" else "needs_approval", reason)]
    assert rows(warehouse, tomorrow, rules) == []
