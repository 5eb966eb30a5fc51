"""Nothing of an invoice is lost: billed, unassigned, skipped and other items together are all that was read.

This is docs/architecture.md#rule-11, for each invoice and currency, for cost, client total and number of items. What
was read is summed from the JSON text as it came, without typing and verdicts. So a row that was dropped, doubled or
misread is found. Whether a verdict is right is not checked here.
"""

from __future__ import annotations

from pax8_pipeline.orchestration.checks.check import ROWS, Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.models import load_sql

# Items of an invoice that Pax8 no longer lists are in no table of usage: they are skipped together, with the reason.
_QUERY = load_sql("orchestration/checks/usage_adds_up.sql")


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find invoices whose parts do not add up to what was read of them."""
    count, rows, _ = run_query(context, _QUERY)
    if not count:
        return CheckOutcome("no invoice has been read yet")
    wrong, lost = context.connection.execute(
        "SELECT count(*) FILTER (wrong), coalesce(sum(items), 0) FROM found"
    ).fetchall()[0]
    sums = dict(
        context.connection.execute("SELECT currency, sum(difference) FROM found WHERE wrong GROUP BY 1").fetchall()
    )
    if not wrong:
        return CheckOutcome(
            f"{plural(count, 'invoice and currency', 'invoices and currencies')}, {plural(lost, 'item')}: billed, unassigned, skipped and what is no usage make up "
            "what was read, to the last digit",
            rows=rows,
            query=_QUERY,
        )
    sentence = (
        f"{wrong} of {count} invoices do not add up: what was read of them is not what is billed, unassigned, skipped or "
        "no usage. Nothing is planned until it does; look at staging.rejects and at the rows below"
    )
    return CheckOutcome(sentence, int(wrong), rows[:ROWS], sums, _QUERY, blocks=True)


CHECKS = (
    Check(
        "usage_adds_up",
        "reconciled.usage",
        "Of each invoice, what is billed, unassigned, skipped and no usage comes to exactly what was read: cost, client total "
        "and number of items. Holds back the plan.",
        evaluate,
        next_step="look for rows of this invoice in staging.rejects",
        blocking=True,
        depends_on=("pax8.invoice_items", "staging.invoice_items", "staging.invoices"),
    ),
)
