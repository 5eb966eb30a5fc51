"""A plan over its limits: critical when the whole run is held, a warning when one client is held.

The plan itself holds the rows (billing.plan), so Dagster continues: held seats do not hold usage.
"""

from __future__ import annotations

from pax8_pipeline.billing.planning.guardrails import override_instructions
from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.orchestration.checks.newest_plan import NO_PLAN, newest_plan

_QUERY = """
SELECT client_id, client_name, any_value(sentence) AS sentence, count(*) AS changes,
       round(sum(money_per_month), 2) AS money_a_month, currency
FROM billing.plan WHERE plan_id = $plan_id AND reason IN ('guardrail_client', 'guardrail_run')
GROUP BY client_id, client_name, currency ORDER BY abs(money_a_month) DESC, client_name
"""


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find what the guardrails hold."""
    plan = newest_plan(context)
    if plan is None:
        return NO_PLAN
    count, rows, sums = run_query(context, _QUERY, {"plan_id": plan.plan_id}, amount="money_a_month")
    if plan.held:
        sentence = f"plan {plan.plan_id} is held whole: {plan.held}. Look at it; {override_instructions(plan.plan_id)}"
        return CheckOutcome(sentence, max(count, 1), rows, sums, _QUERY, blocks=True)
    if count:
        names = ", ".join(str(row["client_name"] or row["client_id"]) for row in rows[:5])
        return CheckOutcome(
            f"held by a client's guardrail: {names}. Look at it; {override_instructions(plan.plan_id)}",
            count,
            rows,
            sums,
            _QUERY,
        )
    return CheckOutcome(f"plan {plan.plan_id} is within all limits")


CHECKS = (
    Check(
        "guardrails",
        "billing.plan",
        "The plan stays within policy guardrails. Of a run over its limit no seats are written; a client over its "
        "limit is held alone; usage is counted by itself.",
        evaluate,
        next_step="read the changes with `pax8-pipeline plan show`, then `pax8-pipeline plan approve --acknowledge`",
        critical=True,
    ),
)
