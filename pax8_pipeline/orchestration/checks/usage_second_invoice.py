"""Pax8 made another invoice for a month that was billed already, or took one back (docs/vendors/pax8.md#invoices).

What is done about it is in billing/planning/usage/document_verdicts.sql: an adjustment that waits. It is reported
while Pax8's charges and the billed amount differ, and for five weeks after the invoice was first read.
"""

from __future__ import annotations

from datetime import timedelta

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.models import load_sql

_REPORTED_FOR = timedelta(days=35)
_QUERY = load_sql("orchestration/checks/usage_second_invoice.sql")


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find invoices that change a month that was billed already."""
    count, rows, sums = run_query(context, _QUERY, {"since": context.now - _REPORTED_FOR}, amount="charges")
    if not count:
        return CheckOutcome("no month that was billed has another invoice, or one taken back, since")
    months = ", ".join(sorted({str(row["month"]) for row in rows}))
    sentence = (
        f"Pax8 changed what was billed already for {months}: {plural(count, 'invoice is new or was', 'invoices are new or were')} taken back. What they add "
        "waits in the plan as an adjustment; what they take away is a credit note for a person to make"
    )
    return CheckOutcome(sentence, count, rows, sums, _QUERY)


CHECKS = (
    Check(
        "usage_second_invoice",
        "reconciled.usage",
        "A month that was billed stays as Pax8 charged it then.",
        evaluate,
        next_step="approve the adjustment in the plan, or make the credit note in Halo",
        depends_on=("reconciled.usage_months", "pax8.invoice_items"),
    ),
)
