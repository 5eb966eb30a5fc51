"""Deletes the rows of old plans that led to nothing: 20,000 subscriptions make 20,000 rows every night.

The head of each plan stays with its checksum, its figures and its money, and so do the rows that were written or approved,
the ledger, the findings and the months. Raw reads are in `warehouse.old_reads`.
"""

from __future__ import annotations

from datetime import date, datetime

from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.old_reads import oldest_day

# Reports of a month read its last plan until the month after it is over.
_MONTHS_DAYS = 62


def oldest_plan(today: date, retention_days: int, policy: Policy) -> datetime:
    """Return the moment (UTC) before which plans lose rows: the retention, but what trust and last month need stays."""
    days = max(retention_days, _MONTHS_DAYS, policy.trust.history_days + 1)
    return oldest_day(today, days)


def any_before(warehouse: Warehouse, before: datetime) -> bool:
    """Return whether a plan is older than `before` (UTC): until then there is nothing of the retention's age."""
    with warehouse.connect() as connection:
        return bool(connection.execute("SELECT 1 FROM billing.plans WHERE made_at < ? LIMIT 1", [before]).fetchall())


def prune(warehouse: Warehouse, before: datetime, *, dry_run: bool = False) -> int:
    """Delete what led to nothing in plans made before `before` (UTC); return the number of rows.

    The newest plan stays whole. With `dry_run` they are only counted.
    """
    with warehouse.transaction() as connection:
        rows = _delete(connection, "billing.plan", "billing/old_plan_rows.sql", before, dry_run=dry_run)
        return rows + _delete(connection, "billing.plan_lines", "billing/old_plan_lines.sql", before, dry_run=dry_run)


def _delete(connection: Connection, table: str, query: str, before: datetime, *, dry_run: bool) -> int:
    verb = "SELECT count(*)" if dry_run else "DELETE"
    condition = f"rowid IN (SELECT place FROM ({load_sql(query)}))"
    return int(connection.execute(f"{verb} FROM {table} WHERE {condition}", {"before": before}).fetchall()[0][0])
