"""Counts the usable rows of the core lists, and checks that there are enough: a complete list of unreadable rows is
worth nothing.

Whether the read itself was complete is checked in `completeness`. What makes a row unreadable is in the SQL of staging.
"""

from __future__ import annotations

from pax8_pipeline.clock import utc_now
from pax8_pipeline.extract.completeness import ACCEPT, shrink_accepted
from pax8_pipeline.settings import Settings
from pax8_pipeline.warehouse.connection import Connection, Warehouse

# Without these lists a plan is not reliable.
CORE = (
    "staging.companies", "staging.subscriptions", "staging.clients", "staging.licences", "staging.recurring_invoices",
)  # fmt: skip


def count_usable(warehouse: Warehouse, table: str, run_id: str, settings: Settings) -> str | None:
    """Record how many rows of a core list this run can use. Return the problem, None when it is plausible."""
    with warehouse.transaction() as connection:
        rows, usable = connection.execute(
            f"SELECT count(*) + (SELECT count(*) FROM staging.rejects x WHERE x.table_name = '{table}') "
            f"- count(*) FILTER (problem IS NOT NULL), count(*) FILTER (problem IS NULL) FROM {table}"
        ).fetchall()[0]
        problem = usable_problem(table, int(rows), int(usable), _usable_before(connection, table, run_id), settings)
        connection.execute(
            "INSERT INTO meta.typed_rows (run_id, table_name, counted_at, row_count, usable, problem) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [run_id, table, utc_now(), rows, usable, problem],
        )
    return problem


def usable_problem(table: str, rows: int, usable: int, before: int | None, settings: Settings) -> str | None:
    """Return why `usable` of `rows` rows is not accepted when the last good run could use `before` (None: there is
    none). Return None when it is accepted.
    """
    if rows and not usable:
        return f"none of the {rows} rows of {table} can be used; look at the check `rejects` of it"
    reads = settings.policy.reads
    if before is None or before <= reads.shrink_above_rows or shrink_accepted(settings):
        return None
    if (before - usable) * 100 <= before * reads.shrink_pct:
        return None
    return (
        f"{usable} rows of {table} can be used, the last good run could use {before}; policy reads.shrink_pct is "
        f"{reads.shrink_pct} %. If the list really is that small, run once with {ACCEPT}={settings.today.isoformat()}"
    )


def _usable_before(connection: Connection, table: str, run_id: str) -> int | None:
    rows = connection.execute(
        "SELECT usable FROM meta.typed_rows WHERE table_name = ? AND run_id <> ? AND problem IS NULL "
        "ORDER BY counted_at DESC LIMIT 1",
        [table, run_id],
    ).fetchall()
    return int(rows[0][0]) if rows else None
