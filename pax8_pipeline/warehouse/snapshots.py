"""Keeps what vendors sent: one snapshot per read, its objects as text, whole reads only ever used.

It stores a read and answers questions about reads. Typing is done by the SQL of staging, reading by the clients.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from pax8_pipeline.text import jsontext
from pax8_pipeline.warehouse.connection import Connection, Warehouse


@dataclass(frozen=True)
class RawObject:
    """One object as sent, the path that answered, and its id (empty when it has none)."""

    endpoint: str
    object_id: str
    payload: str


def raw_objects(endpoint: str, objects: Iterable[dict[str, Any]]) -> list[RawObject]:
    """Turn parsed objects (Decimal numbers) back into the text that is kept."""
    return [RawObject(endpoint, str(o.get("id") or "").lower(), jsontext.dumps_for_raw(o)) for o in objects]


@dataclass(frozen=True)
class Read:
    """The outcome of reading one vendor list, whole or not. `scope` says what part of the table it replaces.

    `covers`: the first and the last date it was asked for; what is dated outside says nothing. None: not by date.
    `whole_from`: the first date from which all objects are stored; of older ones only some. None: all of them are.
    """

    table: str
    objects: Sequence[RawObject]
    endpoint: str = ""
    scope: str = ""
    expected: int | None = None
    requests: int = 0
    repeats: int = 0
    problem: str | None = None
    covers: tuple[date, date] | None = None
    whole_from: date | None = None

    @property
    def complete(self) -> bool:
        """True when nothing stood in the way of reading all of it."""
        return self.problem is None


def store(warehouse: Warehouse, reads: Sequence[Read], run_id: str, *, now: datetime | None = None) -> list[str]:
    """Keep reads in one transaction and return their snapshot ids, in order; `now` (UTC) is when they ended.

    Of an incomplete read only the record is kept, with its reason: none of its objects can be used by mistake.
    """
    now = now or datetime.now(UTC).replace(tzinfo=None)
    ids = [uuid.uuid4().hex for _ in reads]
    with warehouse.transaction() as connection:
        for snapshot_id, read in zip(ids, reads, strict=True):
            if read.complete and read.objects:
                _append(connection, read.table, _rows(snapshot_id, run_id, now, read))
        _append(connection, "meta.snapshots", [_snapshot(i, run_id, now, r) for i, r in zip(ids, reads, strict=True)])
    return ids


def _rows(snapshot_id: str, run_id: str, now: datetime, read: Read) -> list[tuple[Any, ...]]:
    return [
        (snapshot_id, run_id, now, o.endpoint or read.endpoint, o.object_id or f"#{n:07d}", o.payload)
        for n, o in enumerate(read.objects)
    ]


def _snapshot(snapshot_id: str, run_id: str, now: datetime, r: Read) -> tuple[Any, ...]:
    return (snapshot_id, r.table, r.scope, run_id, now, r.endpoint, len(r.objects), r.expected, r.requests, r.repeats,
            r.complete, r.problem, *(r.covers or (None, None)), r.whole_from)  # fmt: skip


def _append(connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.appender(table) as appender:
        appender.append_rows(rows)


def newest_snapshots(connection: Connection) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the newest complete snapshot of each (table, scope) as a dict of its columns."""
    cursor = connection.execute(
        "SELECT * FROM meta.snapshots WHERE complete "
        "QUALIFY row_number() OVER (PARTITION BY table_name, scope ORDER BY loaded_at DESC, snapshot_id DESC) = 1"
    )
    return {(row["table_name"], row["scope"]): row for row in dicts(cursor)}


def calls_of(connection: Connection, table: str) -> int | None:
    """Return how many calls the newest complete read of a list took; None when there is none."""
    newest = newest_snapshots(connection).get((table, ""))
    return None if newest is None else int(newest["requests"])


def snapshot_before(connection: Connection, table: str, run_id: str, scope: str = "") -> dict[str, Any] | None:
    """Return the last good read of (a part of) `table` before this run as a dict of its columns; None without one."""
    cursor = connection.execute(
        "SELECT * FROM meta.snapshots WHERE complete AND table_name = ? AND scope = ? AND run_id <> ? "
        "ORDER BY loaded_at DESC LIMIT 1",
        [table, scope, run_id],
    )
    return next(iter(dicts(cursor)), None)


def rows_before(connection: Connection, table: str, run_id: str, scope: str = "") -> int | None:
    """Return how many objects that read had; None when there was none."""
    last = snapshot_before(connection, table, run_id, scope)
    return int(last["row_count"]) if last else None


def dated_rows(connection: Connection, table: str, snapshot_id: str, first: date, last: date) -> int:
    """Return how many invoices of one read are dated from `first` to `last`."""
    query = (
        f"SELECT count(*) FROM {table} WHERE snapshot_id = ? "
        "AND meta.halo_day(json_extract_string(payload, '$.invoice_date')) BETWEEN ? AND ?"
    )
    return int(connection.execute(query, [snapshot_id, first, last]).fetchall()[0][0])


def accounts_before(connection: Connection, run_id: str) -> int | None:
    """Return how many accounts of its own Pax8 integration Halo showed at the last good read before this run."""
    last = snapshot_before(connection, "halo.integration", run_id)
    if last is None:
        return None
    query = "SELECT max(json_array_length(payload, '$.accounts')) FROM halo.integration WHERE snapshot_id = ?"
    return int(connection.execute(query, [last["snapshot_id"]]).fetchall()[0][0] or 0)


def dicts(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Read a result to its end as dicts; Decimals stay Decimals (a frame would make them floats)."""
    names = [d[0] for d in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
