"""Months that a person closed: the closing with its rows and checksum, what changed since, and a copy of them.

A closing is stored in tables with history (`billing.month_closings`, `billing.closed_month_rows`), because the tables of
schema `monthly` are built again. Nothing is ever changed in them: a month that is closed again gets a second closing. What
counts as a change is decided in `warehouse/sql/views/closed_month_changes.sql`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from pax8_pipeline.errors import PipelineError
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection, Warehouse, quoted
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

# The rows come before the closings: a copy without the second file counts as none.
_TABLES = ("billing.closed_month_rows", "billing.month_closings")
_CHANGES = "SELECT * FROM billing.closed_month_changes WHERE month = ? ORDER BY client_name, product_name, row_id"


@dataclass(frozen=True)
class Closing:
    """One closing of a month. `closed_at` is UTC; `why` is empty unless something was open."""

    closing: int
    month: str
    closed_at: datetime
    closed_by: str
    why: str | None
    today: date
    invoices: int
    ties: bool
    rows_closed: int
    rows_open: int
    rows_acknowledged: int
    checksum: str


def newest_closing(connection: Connection, month: str) -> Closing | None:
    """Return the closing of a month (yyyy-mm) that counts; None when nobody closed it."""
    query = "SELECT * FROM billing.month_closings WHERE month = ? ORDER BY closing DESC LIMIT 1"
    rows = dicts(connection.execute(query, [month]))
    return Closing(**rows[0]) if rows else None


def changes_since_closing(connection: Connection, month: str) -> list[dict[str, Any]]:
    """Return what differs between a closed month and its newest comparison; empty when nobody closed it."""
    return dicts(connection.execute(_CHANGES, [month]))


def close(warehouse: Warehouse, month: str, who: str, why: str) -> Closing:
    """Close a compared month: store its rows, who closed it, when, and the checksum of the rows.

    Raises PipelineError when the month was never compared, when there is no invoice, when something is open and there is
    no reason (`why`), and when it is closed already and nothing changed.
    """
    with warehouse.transaction() as connection:
        head = _head(connection, month)
        _refuse_without_reason(month, head, why)
        _refuse_second_time(connection, month)
        number = connection.execute("SELECT coalesce(max(closing), 0) + 1 FROM billing.month_closings").fetchall()[0][0]
        connection.execute(load_sql("billing/close_month_rows.sql"), {"closing": number, "month": month})
        checksum = connection.execute(load_sql("billing/close_month_checksum.sql"), {"closing": number}).fetchall()
        open_now = bool(head["rows_open"]) or not head["ties"]
        closing = Closing(
            number, month, datetime.now(UTC).replace(tzinfo=None, microsecond=0), who, why if open_now else None,
            head["today"], head["invoices"], head["ties"], head["rows_closed"], head["rows_open"],
            head["rows_acknowledged"], checksum[0][0],
        )  # fmt: skip
        values = vars(closing)
        names, places = ", ".join(values), ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO billing.month_closings ({names}) VALUES ({places})", list(values.values()))
    return closing


def _head(connection: Connection, month: str) -> Mapping[str, Any]:
    query = (
        "SELECT m.today, m.invoices, m.ties, count(r.row_id) AS rows_closed, "
        "count(*) FILTER (r.is_open) AS rows_open, count(*) FILTER (r.acknowledged) AS rows_acknowledged "
        "FROM monthly.months m LEFT JOIN billing.month_rows r USING (month) WHERE m.month = ? GROUP BY ALL"
    )
    rows = dicts(connection.execute(query, [month]))
    if not rows:
        raise PipelineError(f"{month} was not compared yet: run `pax8-pipeline month {month}` first")
    return rows[0]


def _refuse_without_reason(month: str, head: Mapping[str, Any], why: str) -> None:
    if not head["invoices"]:
        raise PipelineError(f"{month} cannot be closed: Pax8 has no approved invoice of that month")
    parts = [] if head["ties"] else ["the sums do not tie"]
    if head["rows_open"]:
        parts.append(plural(head["rows_open"], "row waits for a person", "rows wait for a person"))
    if parts and not why:
        raise PipelineError(
            f"{month} is not ready to be closed: {', and '.join(parts)}. Correct them, acknowledge them "
            f"(`pax8-pipeline acknowledge ROW --month {month} --why TEXT`), or close the month all the same with --why TEXT"
        )


def _refuse_second_time(connection: Connection, month: str) -> None:
    before = newest_closing(connection, month)
    if before and not changes_since_closing(connection, month):
        raise PipelineError(
            f"{month} was closed by {before.closed_by} on {before.closed_at:%Y-%m-%d}, and nothing changed since"
        )


def save_copy(warehouse: Warehouse, folder: Path) -> None:
    """Write all closings beside the backups, each file whole or not at all: they must survive a lost warehouse."""
    folder.mkdir(parents=True, exist_ok=True)
    with warehouse.connect() as connection:
        for table in _TABLES:
            fresh = folder / f".{table}.new"
            connection.execute(f"COPY {table} TO '{quoted(fresh)}' (FORMAT parquet)")
            os.replace(fresh, _copy(folder, table))


def load_copy(warehouse: Warehouse, folder: Path) -> int:
    """Load the copy into a warehouse that has no closings; return how many came back.

    Raises PipelineError when there is a copy that cannot be read.
    """
    if not all(_copy(folder, table).exists() for table in _TABLES):
        return 0
    with warehouse.transaction() as connection:
        if connection.execute("SELECT count(*) FROM billing.month_closings").fetchall() != [(0,)]:
            return 0
        for table in _TABLES:
            path = _copy(folder, table)
            try:
                connection.execute(f"INSERT INTO {table} BY NAME FROM read_parquet('{quoted(path)}')")
            except duckdb.Error as error:
                raise PipelineError(
                    f"{warehouse.path} has no closed months and their copy {path} cannot be read: {error}. Repair it, or "
                    "move it away: the months are then not closed any more"
                ) from error
        return int(connection.execute("SELECT count(*) FROM billing.month_closings").fetchall()[0][0])


def _copy(folder: Path, table: str) -> Path:
    return folder / f"{table.removeprefix('billing.')}.parquet"
