"""A month's usage on two Halo invoices: a client would pay it twice.

It finds a usage key (docs/architecture.md#write-usage) on more than one invoice that was not voided. What prevents a
second invoice is in billing/applying/apply.py.
"""

from __future__ import annotations

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.models import load_sql

_QUERY = load_sql("billing/planning/usage_billed_twice.sql")


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find usage keys that are on two invoices."""
    count, rows, _ = run_query(context, _QUERY)
    if not count:
        return CheckOutcome("no usage stands on two Halo invoices")
    first = rows[0]
    sentence = (
        f"usage is on more than one Halo invoice ({plural(count, 'key')}; {first['usage_key']} on {first['halo_invoices']}). Void the "
        "ones too many in Halo; no usage is billed until then"
    )
    return CheckOutcome(sentence, count, rows, query=_QUERY, blocks=True)


CHECKS = (
    Check(
        "usage_billed_twice",
        "billing.plan",
        "The usage of a company and month stands on one Halo invoice. Holds back all usage.",
        evaluate,
        next_step="void all but one of these invoices in Halo",
        critical=True,
        depends_on=("staging.halo_invoices",),
    ),
)
