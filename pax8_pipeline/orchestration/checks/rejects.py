"""Rows that could not be typed: kept aside with their reason, and shown, never dropped in silence."""

from __future__ import annotations

from functools import partial

from pax8_pipeline.orchestration.checks.check import Finding, Rule, Sight, look
from pax8_pipeline.warehouse import build


def find(sight: Sight, table: str) -> Finding:
    """Find the rejects of a staging table."""
    query = f"SELECT object_id, reason, payload FROM staging.rejects WHERE table_name = '{table}' ORDER BY ALL"
    count, rows, _ = look(sight, query)
    if not count:
        return Finding("no row was rejected")
    return Finding(f"{count} rows of {table} were rejected, the first: {rows[0]['reason']}", count, rows, query=query)


def _rule(table: str) -> Rule:
    return Rule("rejects", table, "Every row of the list could be typed.", partial(find, table=table))


RULES = tuple(_rule(table) for table in build.STAGING)
