"""What became of usage invoices whose end is not known: judged by the ordinary invoices this run read of Halo.

Here belongs: that judgement, and what is said of those that stay pending. Not here: the same for licences and lines
(billing/ledger/settle.sql), comparing (`usage_invoice`), writing the ledger (`ledger`).

That one read does not show an invoice proves nothing: Halo may still be at work on the request of a process that died.
It did not become an invoice when two whole reads, policy `unknown_wait_hours` apart, both do not show it, the second of
them that long after the claim too. Licences and lines need no such wait: their write states the value, so one that
arrives late, or twice, sets what was wanted anyway, and the next run reads what stands there.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pax8_pipeline.billing.actions import usage_invoice
from pax8_pipeline.billing.actions.usage_invoice import Object, Usage
from pax8_pipeline.billing.model import OPEN_STATES, State
from pax8_pipeline.text import jsontext
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts, newest_snapshots

_KEYED = "SELECT payload FROM newest.halo_invoices WHERE contains(lower(payload), 'pax8-usage') ORDER BY object_id"


@dataclass(frozen=True)
class Begun:
    """One invoice that was begun and is not verified."""

    plan_id: str
    row_id: str
    state: State
    usage: Usage
    billed_by: str | None
    claimed_at: datetime
    not_shown_at: datetime | None = None  # when the first search since its claim did not show it

    @property
    def open(self) -> bool:
        """True when nobody knows its end."""
        return self.state in OPEN_STATES


@dataclass(frozen=True)
class Reading:
    """A whole read of Halo's invoices: when it ended (UTC, as the ledger's times), and from which date to which."""

    at: datetime
    covers: tuple[date, date] | None

    def has(self, day: str) -> bool:
        """True when an invoice of that date (ISO) would be in it."""
        return self.covers is not None and self.covers[0].isoformat() <= day <= self.covers[1].isoformat()


@dataclass(frozen=True)
class Settled:
    """What one write is known to have come to. `not_shown`: still unknown; this read is the first without it."""

    begun: Begun
    state: State
    detail: str
    not_shown: datetime | None = None


def settle_invoices(connection: Connection, run_id: str, wait: timedelta) -> None:
    """Fill the temporary table settled_invoices (plan_id, row_id, state, detail, note), which billing/ledger/settle.sql reads.

    Nothing is settled unless this very run read halo.invoices whole.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE settled_invoices "
        "(plan_id VARCHAR, row_id VARCHAR, state VARCHAR, detail VARCHAR, note VARCHAR)"
    )
    reading = reading_of(connection, run_id)
    begun = (
        [_begun(row) for row in dicts(connection.execute(load_sql("billing/ledger/open_invoices.sql")))]
        if reading
        else []
    )
    if reading is None or not begun:
        return
    for one in judge(begun, keyed_documents(connection), reading, wait):
        note = not_shown_note(one.not_shown) if one.not_shown else None
        connection.execute(
            "INSERT INTO settled_invoices VALUES (?, ?, ?, ?, ?)",
            [one.begun.plan_id, one.begun.row_id, one.state, one.detail, note],
        )


def reading_of(connection: Connection, run_id: str) -> Reading | None:
    """Return this run's whole read of halo.invoices; None when it has none."""
    read = newest_snapshots(connection).get(("halo.invoices", ""), {})
    if read.get("run_id") != run_id:
        return None
    days = (read["covers_from"], read["covers_to"])
    return Reading(read["loaded_at"], days if None not in days else None)


def keyed_documents(connection: Connection) -> list[Object]:
    """Return the invoices of the newest whole read in which a usage key stands."""
    return [jsontext.loads(row[0]) for row in connection.execute(_KEYED).fetchall()]


def not_shown_note(at: datetime) -> str:
    """Return what the ledger keeps of the first search that did not show an invoice (`before_state`)."""
    return json.dumps({"not_shown": at.isoformat(sep=" ", timespec="seconds")})


def judge(begun: Sequence[Begun], shown: Sequence[Object], reading: Reading, wait: timedelta) -> list[Settled]:
    """Judge writes, oldest first, by the invoices Halo shows.

    An open one: exactly one equal invoice, verified; none, see `_judge_absent`; anything else drifted. One that ended
    otherwise, though it may have been sent, becomes verified once the only invoice of its key that is not voided equals
    it: Halo was slow, or a person put it right.
    """
    by_key: dict[str, list[Begun]] = defaultdict(list)
    for one in begun:
        by_key[one.row_id.lower()].append(one)
    return [settled for ones in by_key.values() for settled in _judge_key(ones, shown, reading, wait)]


def _judge_key(ones: Sequence[Begun], shown: Sequence[Object], reading: Reading, wait: timedelta) -> list[Settled]:
    """All writes of one key together: no more than one of them is verified, or the month would count twice."""
    open_ = [one for one in ones if one.open]
    billed_by = ones[0].billed_by
    if billed_by:
        return [Settled(one, "drifted", f"settled by reading: plan {billed_by} has billed this key") for one in open_]
    found = [document for document in shown if ones[0].row_id.lower() in usage_invoice.keys_of(document)]
    standing = found if open_ else [document for document in found if not usage_invoice.is_voided(document)]
    equal = [one for one in open_ or ones if len(standing) == 1 and not _differences(one, standing[0])]
    if equal:
        winner, named = equal[-1], usage_invoice.named(standing)
        told = f"settled by reading: found in Halo as {named}"
        late = f"settled by reading: {named} is on record under plan {winner.plan_id}"
        others = [Settled(one, "drifted", late) for one in open_ if one is not winner]
        return [Settled(winner, "verified", told), *others]
    if not found:
        return [settled for one in open_ if (settled := _judge_absent(one, reading, wait)) is not None]
    return [Settled(one, "drifted", f"settled by reading: {_told(one, found)}") for one in open_]


def _judge_absent(one: Begun, reading: Reading, wait: timedelta) -> Settled | None:
    """Judge an invoice that this read does not show: it failed (it is planned again, and searched for again before it
    is sent) only when an earlier search, `wait` before, did not show it either; until then it stays unknown.

    None: there is nothing to add to what the ledger says.
    """
    if not reading.has(one.usage.invoice_date):
        return None
    if one.not_shown_at is None:
        detail = f"Halo's invoices as read at {reading.at:%Y-%m-%d %H:%M} UTC do not show it; it may still appear"
        return Settled(one, "unknown", detail, reading.at)
    if reading.at - max(one.not_shown_at, one.claimed_at) < wait:
        return None
    times = f"{one.not_shown_at:%Y-%m-%d %H:%M} and {reading.at:%Y-%m-%d %H:%M} UTC"
    return Settled(one, "failed", f"settled by reading: no invoice in Halo has its key, read at {times}")


def _told(one: Begun, found: Sequence[Object]) -> str:
    named = usage_invoice.named(found)
    if len(found) > 1:
        return f"more than one invoice has its key: {named}"
    return f"{named} is not as planned: {'; '.join(_differences(one, found[0]))}"


def _differences(one: Begun, document: Object) -> list[str]:
    return usage_invoice.differences(one.usage, document, fresh=False)


def _begun(row: Mapping[str, Any]) -> Begun:
    state: State = row["state"]  # the ledger holds no other words
    usage = usage_invoice.planned(json.loads(row["expect"]))
    return Begun(row["plan_id"], row["row_id"], state, usage, row["billed_by"], row["claimed_at"], row["not_shown_at"])


def pending(connection: Connection, wait: timedelta) -> dict[str, str]:
    """Return a sentence for every usage invoice of which nobody knows yet whether Halo made it, by its key."""
    rows = dicts(connection.execute(load_sql("billing/ledger/pending_invoices.sql")))
    return {row["row_id"]: _pending_sentence(row, wait) for row in rows}


def _pending_sentence(row: Mapping[str, Any], wait: timedelta) -> str:
    claimed, absent = row["claimed_at"], row["not_shown_at"]
    start = f"invoice {row['row_id']} for client {row['client_name'] or row['client_id']}: result unknown since "
    start += f"{claimed:%Y-%m-%d %H:%M} UTC"
    if absent is None:
        hours = f"{wait / timedelta(hours=1):g} hours"
        return f"{start}; two whole reads of Halo's invoices, {hours} apart, decide. It is not sent again before"
    after = max(absent, claimed) + wait
    return (
        f"{start}; Halo did not show it at {absent:%H:%M}. Run again after {after:%Y-%m-%d %H:%M} UTC: what Halo shows "
        "then decides. It is not sent again before"
    )
