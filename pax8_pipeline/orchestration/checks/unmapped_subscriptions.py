"""Subscriptions that Pax8 bills and that no Halo line follows with certainty: first in every list, with their money."""

from __future__ import annotations

from pax8_pipeline.billing.verdicts import ALL_VERDICTS
from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.reports.mapping.hints import load_hints
from pax8_pipeline.reports.summary import STEPS
from pax8_pipeline.text.plurals import plural

# `unmatched_companies` reports subscriptions whose company is not matched, `currency_mismatch` those with two
# currencies.
_VERDICTS = [v.name for v in ALL_VERDICTS if v.check == "unmapped_subscriptions"]
_QUERY = f"""
SELECT verdict, reason, NULL::VARCHAR AS candidates, client_name, company_name, product_name, subscription_id, quantity,
       round(unbilled_money_per_month, 2) AS money_a_month, currency
FROM reconciled.subscriptions
WHERE verdict IN ({", ".join(f"'{v}'" for v in _VERDICTS)})
ORDER BY unbilled_money_per_month DESC, verdict, company_name, subscription_id
"""


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find subscriptions without exactly one certain live line."""
    count, rows, sums = run_query(context, _QUERY, amount="money_a_month")
    if not count:
        return CheckOutcome("every subscription that Pax8 bills is followed by one Halo line")
    hints = load_hints(context.connection, ["subscription"], context.settings.policy.usage)
    rows = [{**row, "candidates": hints.get(("subscription", row["subscription_id"]))} for row in rows]
    unbilled = context.connection.execute(
        "SELECT count(*) FROM reconciled.subscriptions WHERE verdict = 'unbilled'"
    ).fetchall()[0][0]
    sentence = (
        f"{plural(count, 'subscription is', 'subscriptions are')} not followed by one certain Halo line, {unbilled} of them by none at all; "
        "map them in data/mappings/subscriptions.csv or add the line in Halo"
    )
    return CheckOutcome(sentence, count, rows, sums, _QUERY)


CHECKS = (
    Check(
        "unmapped_subscriptions",
        "reconciled.subscriptions",
        "Every subscription that Pax8 bills is followed by exactly one live Halo line of the right client.",
        evaluate,
        next_step=STEPS["unmapped_subscriptions"],
    ),
)
