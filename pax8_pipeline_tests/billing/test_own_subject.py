"""A guardrail holds its own subject: seats do not hold usage, usage does not hold seats, and nothing holds an undo."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.actions.registry import is_usage
from pax8_pipeline.billing.applying.apply import ensure_applicable
from pax8_pipeline.billing.approvals import Scope, Writable, holds, record_approval, writable
from pax8_pipeline.billing.exit_status import HELD, evaluate
from pax8_pipeline.billing.ledger.ledger import Ledger, remaining, states
from pax8_pipeline.billing.model import Entry, Plan
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.snapshots import dicts
from pax8_pipeline_tests.billing.test_approval import NOW
from pax8_pipeline_tests.support.usage_data import KEY, METER, UsageData, policy
from pax8_pipeline_tests.support.vendor_data import SUB, invoice, licence, line, plan_context, subscription

MORE = ("c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a03", "c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a04")
SEATS_HELD = {"run": {"lines_changed": 0}, "usage_run": {}, "usage_client": {}}
USAGE_HELD = {"usage_run": {"new_charges": 0}}


def vendor_data() -> UsageData:
    """Five seats to add, and a month of usage to bill."""
    return UsageData(subscriptions=[subscription(quantity=25), subscription(id=METER, price=0, quantity=1)])


def made(tmp_path: Path, **more: Any) -> tuple[Warehouse, Plan, Policy]:
    rules = policy(**more)
    warehouse = vendor_data().load(tmp_path, policy=rules)
    return warehouse, plans.make_plan(warehouse, plan_context(policy=rules)), rules


def may(warehouse: Warehouse, plan: Plan, rules: Policy) -> Writable:
    with warehouse.connect() as connection:
        return writable(connection, plan, rules, applied_by_person=True, now=NOW)


def agreed(
    warehouse: Warehouse, plan: Plan, rules: Policy, kind: Any, row: str | None = None, minutes: int = 0
) -> None:
    record_approval(warehouse, plan.plan_id, kind=kind, who="Ada", now=NOW + timedelta(minutes=minutes), policy=rules,
          mappings="mappings", scope=Scope(row_id=row))  # fmt: skip


def test_a_run_that_is_held_for_its_seats_bills_its_usage_and_ends_as_held(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, guardrails=SEATS_HELD)
    found = may(warehouse, plan, rules)
    assert ([c.row_id for c in found.changes], found.held) == ([KEY], (plan.held,))
    ensure_applicable(plan, NOW, acknowledged=all(is_usage(c.action) for c in found.changes))
    Ledger(warehouse, "run-1").record(plan.plan_id, [Entry(c, "verified") for c in found.changes])
    with warehouse.connect() as connection:
        held = holds(connection, plan, rules, NOW)
        verdict = evaluate(
            plan, states(connection, plan.plan_id), remaining(connection, plan.plan_id), held, errors=[], blocking=[]
        )
    assert verdict.code == HELD
    assert "lines_changed is 0" in verdict.sentence
    assert "1 other change was written" in verdict.sentence


def test_usage_that_is_held_does_not_hold_the_seats(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, guardrails=USAGE_HELD)
    assert [c.row_id for c in may(warehouse, plan, rules).changes] == [SUB]
    with warehouse.connect() as connection:
        (sentence,) = holds(connection, plan, rules, NOW)
    assert "usage of the run" in sentence


def test_a_run_held_for_both_names_both(tmp_path: Path) -> None:
    warehouse, plan, rules = made(tmp_path, guardrails={"run": {"lines_changed": 0}, **USAGE_HELD})
    assert may(warehouse, plan, rules).changes == []
    with warehouse.connect() as connection:
        first, second = holds(connection, plan, rules, NOW)
    assert (first, "usage of the run" in second) == (plan.held, True)


def test_approved_seats_of_a_run_that_is_held_stay_held_when_usage_is_acknowledged(tmp_path: Path) -> None:
    """Five seats wait (beyond trust.auto), one seat of two other subscriptions is held by the run's limit of one line."""
    rules = policy(guardrails={"run": {"lines_changed": 1}, **USAGE_HELD}, trust={"auto": {"seats": 3}})
    lines, made = [line()], vendor_data()
    for number, more in enumerate(MORE, start=4128):
        link = {"id": number, "licence_id": number, "qty_free": 0, "minimum_qty": 0}
        lines.append(line(id=number, quantity_subscriptions=[link]))
        made.subscriptions.append(subscription(id=more, quantity=21))
        made.licences.append(licence(id=number, snowid=more))
    made.recurring = [invoice(lines)]
    warehouse = made.load(tmp_path, policy=rules)
    plan = plans.make_plan(warehouse, plan_context(policy=rules))
    agreed(warehouse, plan, rules, "approve")
    agreed(warehouse, plan, rules, "acknowledge", row=KEY, minutes=1)
    assert [c.row_id for c in may(warehouse, plan, rules).changes] == [KEY]
    agreed(warehouse, plan, rules, "acknowledge", minutes=2)
    assert {c.row_id for c in may(warehouse, plan, rules).changes} == {KEY, SUB, *MORE}


def test_a_usage_key_on_two_invoices_holds_all_usage_and_no_seats(tmp_path: Path) -> None:
    """The key of another month: the month that is due is held all the same, since something bills usage twice."""
    doubled = [{"id": n, "client_id": 231, "reference": KEY.replace("2026-07", "2026-05"), "invoice_date": "2026-08-01T00:00:00",
                "lines": [{"id": n, "qty_order": 1, "unit_price": 25}]} for n in (7001, 7002)]  # fmt: skip
    made = replace(vendor_data(), halo_invoices=doubled)
    warehouse = made.load(tmp_path, policy=policy())
    plan = plans.make_plan(warehouse, plan_context(policy=policy()))
    assert [c.row_id for c in may(warehouse, plan, policy()).changes] == [SUB]
    assert "usage_billed_twice" in held_charge(warehouse, plan)


def held_charge(warehouse: Warehouse, plan: Plan) -> str:
    with warehouse.connect() as connection:
        query = "SELECT sentence FROM billing.plan WHERE plan_id = ? AND reason = 'usage_check' AND unbilled_per_month = 25.64"
        ((sentence,),) = connection.execute(query, [plan.plan_id]).fetchall()
    return str(sentence)


def test_the_applier_refuses_seats_of_a_plan_that_is_held(tmp_path: Path) -> None:
    _, plan, _ = made(tmp_path, guardrails=SEATS_HELD)
    with pytest.raises(PipelineError, match="held whole"):
        ensure_applicable(plan, NOW)


def test_an_undo_that_a_person_approved_is_held_by_no_guardrail(tmp_path: Path) -> None:
    warehouse, plan, _ = made(tmp_path)
    rules = policy(guardrails={"run": {"lines_changed": 0}, "client": {"lines_changed": 0}})
    with warehouse.transaction() as connection:
        (row,) = dicts(
            connection.execute("SELECT * FROM billing.plan WHERE plan_id = ? AND row_id = ?", [plan.plan_id, SUB])
        )
        back = {**row, "class": "needs_approval", "verdict": "rollback", "before": row["after"], "after": row["before"]}
        undo = plans.store_rows(connection, [back], plan_context(policy=rules, run_id="back"))
    assert may(warehouse, undo, rules).changes == []
    agreed(warehouse, undo, rules, "approve")
    found = may(warehouse, undo, rules)
    assert ([c.row_id for c in found.changes], found.held) == ([SUB], ())
