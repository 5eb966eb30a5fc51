"""What a client is billed for a subscription is less than what Pax8 charges for it."""

from __future__ import annotations

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.text.plurals import plural

_QUERY = """
SELECT coalesce(client_name, company_name) AS client_name, product_name, units, pax8_cost, halo_price, halo_cost,
       item_price, -margin AS loss_a_month, currency, line_id, item_id, subscription_id
FROM reconciled.prices WHERE margin < 0
ORDER BY loss_a_month DESC, client_name, product_name, subscription_id
"""


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find subscriptions that cost more than they bring in."""
    count, rows, sums = run_query(context, _QUERY, amount="loss_a_month")
    if not count:
        return CheckOutcome("no subscription is billed below its cost, wherever price and cost are known")
    sentence = plural(count, "subscription is billed below its cost", "subscriptions are billed below their cost")
    return CheckOutcome(sentence, count, rows, sums, _QUERY)


CHECKS = (
    Check(
        "negative_margin",
        "reconciled.prices",
        "What Halo bills for a subscription is not less than what Pax8 charges for it.",
        evaluate,
        next_step="raise the price of the line in Halo, or let policy prices propose it (docs/prices.md)",
    ),
)
