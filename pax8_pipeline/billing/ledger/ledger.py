"""The append-only record of writes. Each `record` is one commit: what it returns from is on disk.

Here belongs: adding entries, asking which are open, settling them by what was read. Not here: sending anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pax8_pipeline.billing.ledger import documents
from pax8_pipeline.billing.ledger.recovery import settle_invoices
from pax8_pipeline.billing.model import Entry, Left, Standing
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql, model
from pax8_pipeline.warehouse.snapshots import dicts


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Ledger:
    """The ledger of one warehouse, written on behalf of one run. `clock` tells the time in UTC, without offset."""

    warehouse: Warehouse
    run_id: str
    clock: Callable[[], datetime] = field(default=_utc_now, compare=False)

    def record(self, plan_id: str, entries: Sequence[Entry]) -> None:
        """Append entries and flush them to disk in one commit."""
        if not entries:
            return
        now = self.clock()
        with self.warehouse.transaction() as connection:
            first = _next(connection)
            rows = [self._row(first + n, now, plan_id, entry) for n, entry in enumerate(entries)]
            with connection.appender("billing.ledger") as appender:
                appender.append_rows(rows)

    def _row(self, number: int, now: datetime, plan_id: str, entry: Entry) -> tuple[Any, ...]:
        c = entry.change
        values = {
            "entry": number, "recorded_at": now, "run_id": self.run_id, "plan_id": plan_id, "row_id": c.row_id,
            "state": entry.state, "action": c.action, "client_id": c.client_id, "subscription_id": c.subscription_id,
            "recurring_invoice_id": c.recurring_invoice_id, "line_id": c.line_id, "licence_id": c.licence_id,
            "before": c.before, "after": c.after, "currency": c.currency, "money_per_month": c.money_per_month,
            "before_state": entry.before_state, "detail": entry.detail,
        }  # fmt: skip
        return tuple(values[name] for name in model("billing.ledger").column_names)

    def standing(self, row_id: str) -> list[Standing]:
        """Return where writes of one row stand in every plan that had it, compared case-blind, oldest first."""
        query = (
            "SELECT s.plan_id, s.state, EXISTS (SELECT 1 FROM billing.ledger c WHERE c.plan_id = s.plan_id "
            "AND c.row_id = s.row_id AND c.state = 'claimed') AS claimed "
            "FROM billing.ledger_state s WHERE lower(s.row_id) = lower(?) ORDER BY s.entry"
        )
        with self.warehouse.connect() as connection:
            return [Standing(**row) for row in dicts(connection.execute(query, [row_id]))]

    def documents_of(self, client_id: int | None, start: date, end: date) -> Sequence[str]:
        """Return the keys of usage documents of a client that a search over these days must show."""
        with self.warehouse.connect() as connection:
            return documents.expected_of(connection, client_id, start, end)

    def settle(self, wait: timedelta) -> list[dict[str, Any]]:
        """Settle every open write by what this run read of Halo; return the settled rows with their new state.

        Open is claimed, sent or unknown: a run that ended between the claim and the read-back. What Halo shows
        decides: the intended state is verified, the old state failed (it will be planned again), anything else
        drifted. Nothing is ever sent again because of an open entry. Usage invoices, and how long they `wait`: see
        `recovery`.
        """
        now = self.clock()
        with self.warehouse.transaction() as connection:
            settle_invoices(connection, self.run_id, wait)
            connection.execute(load_sql("billing/ledger/settle.sql"))
            first = _next(connection)
            columns = [c for c in model("billing.ledger").column_names if c not in ("entry", "recorded_at", "run_id")]
            names = ", ".join(f'"{c}"' for c in columns)
            connection.execute(
                f"INSERT INTO billing.ledger (entry, recorded_at, run_id, {names}) "
                f"SELECT ? - 1 + row_number() OVER (ORDER BY plan_id, row_id), ?, ?, {names} FROM settled",
                [first, now, self.run_id],
            )
            return dicts(connection.execute("SELECT * FROM settled ORDER BY plan_id, row_id"))


def _next(connection: Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(entry), 0) + 1 FROM billing.ledger").fetchall()[0][0])


def states(connection: Connection, plan_id: str) -> dict[str, int]:
    """Return how many writes of a plan stand in each state."""
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


def left(connection: Connection, plan_id: str) -> Left:
    """Return how much of a plan is not verified, whether or not anybody may write it."""
    (row,) = dicts(connection.execute(load_sql("billing/ledger/remaining.sql"), [plan_id]))
    return Left(**{name: int(count) for name, count in row.items()})
