"""Halo's own Pax8 integration writes the same quantities, and there must never be two writers
(docs/vendors/halo.md#native-integration).
"""

from __future__ import annotations

import json

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome
from pax8_pipeline.orchestration.checks.newest_plan import NO_PLAN, newest_plan

_QUERY = "SELECT payload FROM newest.halo_integration WHERE run_id = $run_id LIMIT 1"


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find the integration on, or not certainly off, as the run of the newest plan read it."""
    plan = newest_plan(context)
    if plan is None:
        return NO_PLAN
    rows = context.connection.execute(_QUERY, {"run_id": plan.run_id}).fetchall()
    answer = json.loads(rows[0][0]) if rows else {}
    state = answer.get("state", "unknown")
    reason = answer.get("reason") or "this run did not ask Halo about its own Pax8 integration"
    if state == "off":
        return CheckOutcome(str(reason), more={"state": state})
    refuse = context.settings.policy.native_integration == "refuse"
    advice = (
        "Nothing is written. Switch it off in Halo (Configuration > Integrations > Pax8), or let the API agent see its "
        "settings, or say `native_integration: ignore` in policy.yaml if you are sure it leaves quantities alone."
        if refuse
        else "The policy says to ignore that; both may write the same quantities."
    )
    return CheckOutcome(f"{reason}. {advice}", count=1, query=_QUERY, blocks=refuse, more={"state": state})


CHECKS = (
    Check(
        "native_integration",
        "billing.plan",
        "Halo's own Pax8 integration is off. On or unknown stops the writes unless the policy says ignore.",
        evaluate,
        next_step="switch it off in Halo: Configuration, Integrations, Pax8",
        blocking=True,
    ),
)
