"""A plan rests on lists that were read whole in its own run, or it is not applied."""

from __future__ import annotations

from pax8_pipeline.orchestration.checks.check import Finding, Rule, Sight
from pax8_pipeline.orchestration.checks.newest_plan import NO_PLAN, newest_plan


def find(sight: Sight) -> Finding:
    """Find a plan that may not be applied."""
    plan = newest_plan(sight)
    if plan is None:
        return NO_PLAN
    if plan.complete:
        return Finding(f"plan {plan.plan_id} rests on whole reads of its own run")
    return Finding(f"plan {plan.plan_id} may not be applied: {plan.problem}", count=1, blocks=True)


RULES = (
    Rule(
        "plan_complete",
        "billing.plan",
        "All core lists were read whole in the run that made the plan. Stops the writes.",
        find,
        blocking=True,
    ),
)
