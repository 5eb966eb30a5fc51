"""Which data folder writes usage into this Halo tenant: one, and the documents say which.

Contains: this folder's identity, the identities that a person retired, and finding documents of another folder. Does not
contain: what a document looks like (`actions/usage_documents.py`), the lock between processes of one folder (`lock`).

Halo offers nothing that two writers could agree by: no field is unique, no write is conditional, and a record that only
marks a claim would have to be deleted again (docs/vendors/halo.md#writing, #invoice, docs/architecture.md#write-usage).
So a second invoice of one key cannot be ruled out while two folders write at the same moment; it is searched for before
and after each creation and once more at the end, and whoever sees the other's documents stops until a person says who
writes.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pax8_pipeline.errors import PipelineError
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts


@dataclass(frozen=True)
class Claimed:
    """This folder's identity after a claim, and the ones that were retired by it."""

    writer: str
    retired: tuple[str, ...]


def own(connection: Connection) -> str | None:
    """Return this data folder's identity as documents carry it; None before its first apply."""
    rows = connection.execute(
        "SELECT writer FROM billing.writers WHERE kind = 'own' ORDER BY recorded_at DESC, writer LIMIT 1"
    ).fetchall()
    return str(rows[0][0]) if rows else None


def ensure(warehouse: Warehouse, now: datetime) -> str:
    """Return this folder's identity; the first apply makes it. `now` is UTC."""
    with warehouse.transaction() as connection:
        return own(connection) or _make(connection, now, "", "first apply")


def retired(connection: Connection) -> frozenset[str]:
    """Return the identities that a person retired."""
    rows = connection.execute("SELECT DISTINCT writer FROM billing.writers WHERE kind = 'retired'").fetchall()
    return frozenset(str(row[0]) for row in rows)


def foreign(connection: Connection) -> list[dict[str, Any]]:
    """Return the other identities that documents carry and no person retired, with how many and one of their keys."""
    return dicts(connection.execute(load_sql("billing/ledger/foreign_writers.sql"), {"own": own(connection)}))


def conflict(connection: Connection) -> str | None:
    """Say that another data folder writes usage into this Halo; None when no document says so."""
    found = foreign(connection)
    if not found:
        return None
    first = found[0]
    return (
        f"{plural(first['documents'], 'usage document in Halo was', 'usage documents in Halo were')} written by another data folder ({first['writer']}; "
        f"{first['usage_key']}). Nothing of usage is written from here. Stop the other installation, then confirm that "
        "this folder is now the writer: pax8-pipeline writer claim --why TEXT --by NAME"
    )


def claim(warehouse: Warehouse, now: datetime, *, who: str, why: str) -> Claimed:
    """Record that this folder is now the writer: every other identity that is known now is retired. `now` is UTC.

    A document of a retired identity that appears later stops this folder again: then the other one still writes.
    """
    if not who.strip() or not why.strip():
        raise PipelineError("a claim needs a name and a reason: give --by NAME and --why TEXT")
    with warehouse.transaction() as connection:
        retired = tuple(str(row["writer"]) for row in foreign(connection))
        mine = own(connection) or _make(connection, now, who.strip(), why.strip())
        for other in retired:
            _record(connection, now, other, "retired", who.strip(), why.strip())
    return Claimed(mine, retired)


def _make(connection: Connection, now: datetime, who: str, why: str) -> str:
    made = str(uuid.uuid4())[:13]  # two groups of a UUID: enough to tell a handful of folders apart
    _record(connection, now, made, "own", who, why)
    return made


def _record(connection: Connection, now: datetime, writer: str, kind: str, who: str, why: str) -> None:
    connection.execute("INSERT INTO billing.writers VALUES (?, ?, ?, ?, ?)", [now, writer, kind, who, why])
