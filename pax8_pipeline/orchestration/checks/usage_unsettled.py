"""A usage invoice of which it is not known whether Halo made it. It is not sent again before that is known.

It is reported in every run. What decides is in billing/ledger/recovery.py.
"""

from __future__ import annotations

from pax8_pipeline.billing.ledger.recovery import pending
from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome
from pax8_pipeline.warehouse.models import load_sql


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find invoices whose creation has no known result."""
    waiting = pending(context.connection, context.settings.policy.unknown_wait)
    if not waiting:
        return CheckOutcome("Halo's answer to every usage invoice is known")
    rows = [{"usage_key": key, "sentence": sentence} for key, sentence in waiting.items()]
    return CheckOutcome(rows[0]["sentence"], len(rows), rows, query=load_sql("billing/ledger/pending_invoices.sql"))


CHECKS = (
    Check(
        "usage_unsettled",
        "billing.plan",
        "Halo's answer to every usage invoice that was sent is known. One without an answer is decided by two whole "
        "reads of Halo's invoices, policy unknown_wait_hours apart, and is not sent again before.",
        evaluate,
        next_step="wait: later runs find out by reading Halo; do not make the invoice by hand",
    ),
)
