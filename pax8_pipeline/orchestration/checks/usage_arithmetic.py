"""Usage whose total is not quantity times price. It is billed as Pax8 states it, and shown so that a person can ask
Pax8.

docs/vendors/pax8.md#invoice-items: "check per line, report, do not fix". Tiers, mark-ups and flat fees are good reasons
for such a difference.
"""

from __future__ import annotations

from datetime import timedelta

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.models import load_sql

_WINDOW = timedelta(days=62)
_QUERY = load_sql("orchestration/checks/usage_arithmetic.sql")


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find Arrears items of the last two months whose totals are not quantity times price."""
    count, rows, sums = run_query(context, _QUERY, {"since": context.settings.today - _WINDOW}, amount="money")
    if not count:
        return CheckOutcome("quantity times price is the total of every usage item, and quantity times cost its cost")
    sentence = (
        f"{plural(count, 'usage item has a total', 'usage items have totals')} that quantity and price do not come to (tiers, mark-ups and flat fees may be why). "
        "They are billed as Pax8 states them"
    )
    return CheckOutcome(sentence, count, rows, sums, _QUERY)


CHECKS = (
    Check(
        "usage_arithmetic",
        "staging.invoice_items",
        "Quantity times price is a usage item's total, to the cent. Where not, the total counts.",
        evaluate,
        next_step="ask Pax8 for a corrected invoice, if its total is wrong",
        depends_on=("staging.invoices",),
    ),
)
