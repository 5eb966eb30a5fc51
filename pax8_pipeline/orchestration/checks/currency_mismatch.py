"""Pax8 and Halo bill the same thing in two currencies: the quantity would be right and the money wrong."""

from __future__ import annotations

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, money_in_words, run_query
from pax8_pipeline.reports.next_steps import STEPS
from pax8_pipeline.text.plurals import plural

_QUERY = """
SELECT client_name, company_name, product_name, subscription_id, reason, quantity, price, currency, halo_currency,
       round(meta.per_month(quantity * coalesce(price, 0), coalesce(meta.term_months(billing_term), 1)), 2)
         AS money_a_month
FROM reconciled.subscriptions WHERE verdict = 'currency_mismatch'
ORDER BY money_a_month DESC, company_name, subscription_id
"""


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find subscriptions with a different currency at each vendor."""
    count, rows, sums = run_query(context, _QUERY, amount="money_a_month")
    if not count:
        return CheckOutcome("both sides bill in the same currency wherever both say one")
    return CheckOutcome(
        f"{plural(count, 'subscription is', 'subscriptions are')} billed in another currency in Halo than in Pax8",
        count,
        rows,
        money_in_words(sums),
        _QUERY,
    )


CHECKS = (
    Check(
        "currency_mismatch",
        "reconciled.subscriptions",
        "A subscription and its Halo client and recurring invoice name the same currency.",
        evaluate,
        next_step=STEPS["currency_mismatch"],
    ),
)
