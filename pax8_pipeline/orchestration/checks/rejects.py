"""Rows that could not be typed: they are stored with the reason and shown, never dropped without a message."""

from __future__ import annotations

from functools import partial

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse import build


def evaluate(context: CheckContext, table: str) -> CheckOutcome:
    """Find the rejects of a staging table."""
    query = f"SELECT object_id, reason, payload FROM staging.rejects WHERE table_name = '{table}' ORDER BY ALL"
    count, rows, _ = run_query(context, query)
    if not count:
        return CheckOutcome("no row was rejected")
    return CheckOutcome(
        f"{plural(count, 'row')} of {table} rejected, the first: {rows[0]['reason']}", count, rows, query=query
    )


def _check(table: str) -> Check:
    return Check(
        "rejects",
        table,
        "Every row of the list could be typed.",
        partial(evaluate, table=table),
        next_step="correct the record at the vendor, as the reason says",
    )


CHECKS = tuple(_check(table) for table in build.STAGING)
