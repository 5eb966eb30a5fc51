"""Months that were compared: their sums tie, nothing of the newest one waits for a person, and closed ones are as they were
closed. They only warn: a month is compared after the daily sync, and nothing depends on it.
"""

from __future__ import annotations

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.text.plurals import plural

_SUMS = "SELECT * FROM monthly.sums WHERE NOT ties ORDER BY month, client_id, currency"
_OPEN = """
SELECT month, client_name, product_name, kind, class, difference, abs(difference) AS money, currency, reached_bill, reason,
       next_step
FROM billing.month_rows
WHERE month = (SELECT max(month) FROM monthly.months) AND is_open
ORDER BY money DESC NULLS FIRST, client_name, product_name
"""
_CHANGED = """
SELECT month, client_name, product_name, kind, change, class_closed, class_now, cost_closed, cost_now, billed_closed,
       billed_now, abs(coalesce(billed_now, 0) - coalesce(billed_closed, 0)) AS money, currency, row_id
FROM billing.closed_month_changes ORDER BY month DESC, client_name, product_name, row_id
"""


def _ties(context: CheckContext) -> CheckOutcome:
    """Find clients and currencies for which invoiced is not explained + unexplained."""
    count, rows, _ = run_query(context, _SUMS)
    if not count:
        return CheckOutcome("what Pax8 invoiced is explained + unexplained, for every client, currency and month")
    sentence = plural(count, "sum of a client and currency does not tie", "sums of clients and currencies do not tie")
    return CheckOutcome(sentence, count, rows, query=_SUMS)


def _agrees(context: CheckContext) -> CheckOutcome:
    """Find rows of the newest month that do not agree or were not checked."""
    count, rows, sums = run_query(context, _OPEN, amount="money")
    if not count:
        return CheckOutcome("everything in the newest month was checked, and agrees or settles by itself")
    open_rows = plural(
        count,
        "row of the newest month does not agree or was not checked",
        "rows of the newest month do not agree or were not checked",
    )
    return CheckOutcome(open_rows, count, rows, sums, _OPEN)


def _stays_closed(context: CheckContext) -> CheckOutcome:
    """Find rows of closed months that differ from what was closed."""
    count, rows, sums = run_query(context, _CHANGED, amount="money")
    if not count:
        return CheckOutcome("every closed month is as it was when it was closed")
    sentence = plural(count, "row of a closed month changed", "rows of closed months changed")
    return CheckOutcome(f"{sentence} since it was closed", count, rows, sums, _CHANGED)


CHECKS = (
    Check(
        "month_ties",
        "monthly.sums",
        "Pax8's invoices of a month are explained to the cent, by client and currency.",
        _ties,
        next_step="look at the row with `pax8-pipeline month --json`: an item that cannot be read is named there",
    ),
    Check(
        "month_agrees",
        "monthly.rows",
        "Pax8's list, its invoice and Halo's bill of the newest month agree.",
        _agrees,
        next_step="do what the row says (`pax8-pipeline month --details`)",
        depends_on=("monthly.months",),
    ),
    Check(
        "month_stays_closed",
        "monthly.rows",
        "A month that a person closed is as it was then.",
        _stays_closed,
        next_step="find out who changed it, correct it or close the month again (`pax8-pipeline month MONTH --close`)",
        depends_on=("monthly.months",),
    ),
)
