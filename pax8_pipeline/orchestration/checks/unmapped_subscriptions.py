"""Subscriptions that Pax8 bills and that no Halo line follows with certainty: first in every list, with their money."""

from __future__ import annotations

from pax8_pipeline.billing.verdicts import ALL_VERDICTS
from pax8_pipeline.orchestration.checks.check import (
    Check,
    CheckContext,
    CheckOutcome,
    money_in_words,
    run_query,
    sums_of_found,
)
from pax8_pipeline.reports.mapping.hints import load_hints
from pax8_pipeline.reports.next_steps import STEPS
from pax8_pipeline.text.plurals import plural

# `unmatched_companies` reports subscriptions whose company is not matched, `currency_mismatch` those with two
# currencies.
_VERDICTS = [v.name for v in ALL_VERDICTS if v.check == "unmapped_subscriptions"]
# What it costs: nobody is billed, or Halo bills it although it should not (above and below 0). Empty: nobody can tell.
_QUERY = f"""
SELECT s.verdict, s.reason, s.client_name, s.company_name, s.product_name, s.quantity, s.currency,
       round(CASE WHEN s.unbilled_money_per_month <> 0 THEN s.unbilled_money_per_month
                  WHEN d.subject IS NOT NULL THEN d.stake ELSE 0 END, 2) AS money_a_month, s.subscription_id
FROM reconciled.subscriptions s
LEFT JOIN reconciled.discrepancies d ON d.subject = s.subscription_id AND d.kind = s.verdict
WHERE s.verdict IN ({", ".join(f"'{v}'" for v in _VERDICTS)})
"""
_LISTED = f"""
SELECT verdict, reason, NULL::VARCHAR AS candidates, client_name, company_name, product_name, quantity,
       CASE WHEN money_a_month > 0 THEN money_a_month END AS not_billed,
       CASE WHEN money_a_month < 0 THEN -money_a_month END AS billed_too_much, currency, subscription_id
FROM ({_QUERY})
ORDER BY abs(money_a_month) DESC NULLS LAST, verdict, company_name, subscription_id
"""


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find subscriptions without exactly one certain live line."""
    count, rows, not_billed = run_query(context, _LISTED, amount="not_billed")
    if not count:
        return CheckOutcome("every subscription that Pax8 bills is followed by one Halo line")
    unbilled, too_much = context.connection.execute(
        "SELECT count(*) FILTER (verdict = 'unbilled'), count(billed_too_much) FROM found"
    ).fetchall()[0]
    sentence = (
        f"{plural(count, 'subscription is', 'subscriptions are')} not followed by one certain Halo line, {unbilled} of them by none at all; "
        "map them in data/mappings/subscriptions.csv or add the line in Halo"
    )
    if too_much:
        sentence += f". Halo bills {too_much} of them too much"
    overcharged = sums_of_found(context, "-billed_too_much")
    hints = load_hints(context.connection, ["subscription"], context.settings.policy.usage)
    rows = [{**row, "candidates": hints.get(("subscription", row["subscription_id"]))} for row in rows]
    return CheckOutcome(sentence, count, rows, {**money_in_words(not_billed), **money_in_words(overcharged)}, _LISTED)


CHECKS = (
    Check(
        "unmapped_subscriptions",
        "reconciled.subscriptions",
        "Every subscription that Pax8 bills is followed by exactly one live Halo line of the right client.",
        evaluate,
        next_step=STEPS["unmapped_subscriptions"],
        depends_on=("reconciled.discrepancies",),
    ),
)
