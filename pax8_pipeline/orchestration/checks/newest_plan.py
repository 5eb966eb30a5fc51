"""The newest plan: the checks on billing/plan check it."""

from __future__ import annotations

from pax8_pipeline.billing.model import Plan
from pax8_pipeline.billing.planning.planner import latest_plan_id, load_plan
from pax8_pipeline.orchestration.checks.check import CheckContext, CheckOutcome

NO_PLAN = CheckOutcome("there is no plan yet", count=1, blocks=True)


def newest_plan(context: CheckContext) -> Plan | None:
    """Return the newest plan; None before the first."""
    plan_id = latest_plan_id(context.connection)
    return load_plan(context.connection, plan_id) if plan_id else None
