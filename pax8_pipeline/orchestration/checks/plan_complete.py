"""A plan needs lists that were read completely in its own run. Otherwise it is not applied."""

from __future__ import annotations

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome
from pax8_pipeline.orchestration.checks.newest_plan import NO_PLAN, newest_plan


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find a newest plan that may not be applied."""
    plan = newest_plan(context)
    if plan is None:
        return NO_PLAN
    if plan.complete:
        return CheckOutcome(f"plan {plan.plan_id} rests on whole reads of its own run")
    return CheckOutcome(f"plan {plan.plan_id} may not be applied: {plan.problem}", count=1, blocks=True)


CHECKS = (
    Check(
        "plan_complete",
        "billing.plan",
        "All core lists were read whole in the run that made the plan. Stops the writes.",
        evaluate,
        next_step="run again when the vendor gives the whole list",
        blocking=True,
    ),
)
