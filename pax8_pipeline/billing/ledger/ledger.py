"""The append-only record of writes. Each `record` is one commit: what it returns from is on disk.

What an open write came to is decided in `recovery` and `target_recovery`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from pax8_pipeline.billing.ledger import documents
from pax8_pipeline.billing.ledger.creation_recovery import settle_creations
from pax8_pipeline.billing.ledger.recovery import Settlement, settle_invoices
from pax8_pipeline.billing.ledger.target_recovery import settle_targets
from pax8_pipeline.billing.model import Entry, Remaining, WriteStatus
from pax8_pipeline.clock import utc_now
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql, model
from pax8_pipeline.warehouse.snapshots import dicts


@dataclass(frozen=True)
class Ledger:
    """The ledger of one warehouse, written on behalf of one run. `clock` tells the time in UTC, without offset."""

    warehouse: Warehouse
    run_id: str
    clock: Callable[[], datetime] = field(default=utc_now, compare=False)

    def record(self, plan_id: str, entries: Sequence[Entry]) -> None:
        """Append entries and flush them to disk in one commit."""
        if not entries:
            return
        with self.warehouse.transaction() as connection:
            self._append(connection, [_row(plan_id, entry) for entry in entries])

    def _append(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        now, first = self.clock(), _next_number(connection)
        names = model("billing.ledger").column_names
        numbered = [
            {**row, "entry": number, "recorded_at": now, "run_id": self.run_id}
            for number, row in enumerate(rows, start=first)
        ]
        with connection.appender("billing.ledger") as appender:
            appender.append_rows([tuple(row[name] for name in names) for row in numbered])

    def write_history(self, row_id: str) -> list[WriteStatus]:
        """Return what became of one row in every plan that had it, compared without case, oldest first."""
        query = load_sql("billing/ledger/write_history.sql")
        with self.warehouse.connect() as connection:
            return [WriteStatus(**row) for row in dicts(connection.execute(query, [row_id]))]

    def documents_of(self, client_id: int | None, start: date, end: date) -> Sequence[str]:
        """Return the keys of usage documents of a client that a search over these days must show."""
        with self.warehouse.connect() as connection:
            return documents.expected_of(connection, client_id, start, end)

    def settle(self, wait: timedelta) -> list[dict[str, Any]]:
        """Settle every open write by what this run read of Halo; return the settled rows with their new state.

        Open is claimed, sent or unknown: a run that ended between the claim and the read-back. What Halo shows
        decides: the intended state is verified, the old state failed (it will be planned again), anything else
        drifted. Nothing is ever sent again because of an open entry. Usage invoices and what is new, and how long they
        `wait`: see `recovery` and `creation_recovery`.
        """
        with self.warehouse.transaction() as connection:
            found = [
                *settle_targets(connection),
                *settle_creations(connection, self.run_id, wait),
                *settle_invoices(connection, self.run_id, wait),
            ]
            found.sort(key=lambda one: (one.plan_id, one.row_id))
            rows = [_settled_row(connection, one) for one in found]
            if rows:
                self._append(connection, rows)
            return rows


def _row(plan_id: str, entry: Entry) -> dict[str, Any]:
    c = entry.change
    return {
        "plan_id": plan_id, "row_id": c.row_id, "state": entry.state, "action": c.action, "client_id": c.client_id,
        "subscription_id": c.subscription_id, "recurring_invoice_id": c.recurring_invoice_id, "line_id": c.line_id,
        "licence_id": c.licence_id, "before": c.before, "after": c.after, "currency": c.currency,
        "money_per_month": c.money_per_month, "before_state": entry.before_state, "detail": entry.detail,
    }  # fmt: skip


def _settled_row(connection: Connection, one: Settlement) -> dict[str, Any]:
    """Return the latest entry of a write with its new state."""
    query = "SELECT * FROM billing.ledger_state WHERE plan_id = ? AND row_id = ?"
    (latest,) = dicts(connection.execute(query, [one.plan_id, one.row_id]))
    return {**latest, "state": one.state, "detail": one.detail, "before_state": one.note}


def _next_number(connection: Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(entry), 0) + 1 FROM billing.ledger").fetchall()[0][0])


def states(connection: Connection, plan_id: str) -> dict[str, int]:
    """Return how many writes of a plan are in each state."""
    rows = connection.execute(
        "SELECT state, count(*) FROM billing.ledger_state WHERE plan_id = ? GROUP BY state", [plan_id]
    ).fetchall()
    return {str(state): int(count) for state, count in rows}


def duplicates(connection: Connection, plan_id: str) -> list[str]:
    """Return a sentence for each key of a plan that Halo shows on more than one invoice."""
    rows = connection.execute(
        "SELECT detail FROM billing.ledger_state WHERE plan_id = ? AND state = 'duplicate' ORDER BY row_id", [plan_id]
    ).fetchall()
    return [str(row[0]) for row in rows]


def remaining(connection: Connection, plan_id: str) -> Remaining:
    """Return how much of a plan is not verified, whether or not anybody may write it."""
    (row,) = dicts(connection.execute(load_sql("billing/ledger/remaining.sql"), [plan_id]))
    return Remaining(**{name: int(count) for name, count in row.items()})
