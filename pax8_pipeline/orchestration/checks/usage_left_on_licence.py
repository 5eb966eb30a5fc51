"""A licence that an earlier version set to a month's usage and that still bills it
(docs/decisions/0001-no-usage-licence.md).

Halo bills such a price with every recurring invoice, and nothing here sets it back. So a person has to.
"""

from __future__ import annotations

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.models import load_sql

_QUERY = load_sql("orchestration/checks/usage_left_on_licence.sql")


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find licences that still have an amount of an earlier version."""
    count, rows, sums = run_query(context, _QUERY, amount="money_a_month")
    if not count:
        return CheckOutcome("no licence bills a month's usage that an earlier version set on it")
    sentence = (
        f"{plural(count, 'licence still bills', 'licences still bill')} usage that an earlier version of this product set there, with every recurring "
        f"invoice; this version does not set them back. {rows[0]['next_step']}"
    )
    return CheckOutcome(sentence, count, rows, sums, _QUERY)


CHECKS = (
    Check(
        "usage_left_on_licence",
        "billing.plan",
        "No licence bills an amount of usage that an earlier version set on it.",
        evaluate,
        next_step="set the price of the licence to 0 in Halo",
        depends_on=(
            "staging.licences",
            "staging.recurring_invoice_lines",
            "staging.halo_invoice_lines",
            "staging.clients",
        ),
    ),
)
