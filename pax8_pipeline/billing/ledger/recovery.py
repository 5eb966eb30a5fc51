"""What became of usage invoices whose end is not known: decided by the ordinary invoices that this run read of Halo.

Contains: that decision, and the sentences about those that stay pending. Does not contain: the same for lines and licences
(`target_recovery`), comparing (`actions/usage_documents.py`), writing the ledger (`ledger`).

That one read does not show an invoice proves nothing: Halo may still be at work on the request of a process that died.
It did not become an invoice when two whole reads, policy `unknown_wait_hours` apart, both do not show it, the second of
them that long after the claim too.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pax8_pipeline.billing.actions import registry, usage_documents
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.usage_documents import name_documents
from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice
from pax8_pipeline.billing.model import OPEN_STATES, State
from pax8_pipeline.text import jsontext
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts, newest_snapshots

_KEYED = "SELECT payload FROM newest.halo_invoices WHERE contains(lower(payload), 'pax8-usage') ORDER BY object_id"


@dataclass(frozen=True)
class Settlement:
    """The new state of one write and why. `note` (JSON): when Halo first did not show an invoice whose end is unknown."""

    plan_id: str
    row_id: str
    state: State
    detail: str
    note: str | None = None


@dataclass(frozen=True)
class StartedInvoice:
    """One invoice that was started and is not verified."""

    plan_id: str
    row_id: str
    state: State
    usage: UsageInvoice
    billed_by: str | None
    claimed_at: datetime
    not_shown_at: datetime | None = None  # when the first search since its claim did not show it

    @property
    def open(self) -> bool:
        """Whether nobody knows its end."""
        return self.state in OPEN_STATES


@dataclass(frozen=True)
class Reading:
    """A whole read of Halo's invoices: when it ended (UTC, as the ledger's times), and from which date to which."""

    at: datetime
    covers: tuple[date, date] | None

    def has(self, day: str) -> bool:
        """Return whether an invoice of that date (ISO) would be in it."""
        return self.covers is not None and self.covers[0].isoformat() <= day <= self.covers[1].isoformat()


def settle_invoices(connection: Connection, run_id: str, wait: timedelta) -> list[Settlement]:
    """Return what every open creation of a usage invoice came to, as far as this read tells.

    Nothing is settled unless this very run read halo.invoices whole. `wait`: policy `unknown_wait_hours`.
    """
    reading = reading_of(connection, run_id)
    if reading is None:
        return []
    values = {"documents": list(registry.document_actions())}
    rows = dicts(connection.execute(load_sql("billing/ledger/open_invoices.sql"), values))
    started = [_started(row) for row in rows]
    return decide(started, keyed_documents(connection), reading, wait) if started else []


def reading_of(connection: Connection, run_id: str) -> Reading | None:
    """Return this run's whole read of halo.invoices; None when it has none."""
    read = newest_snapshots(connection).get(("halo.invoices", ""), {})
    if read.get("run_id") != run_id:
        return None
    days = (read["covers_from"], read["covers_to"])
    return Reading(read["loaded_at"], days if None not in days else None)


def keyed_documents(connection: Connection) -> list[Object]:
    """Return the invoices of the newest whole read that carry a usage key."""
    return [jsontext.loads(row[0]) for row in connection.execute(_KEYED).fetchall()]


def not_shown_note(at: datetime) -> str:
    """Return what the ledger keeps of the first search that did not show an invoice (`before_state`)."""
    return json.dumps({"not_shown": at.isoformat(sep=" ", timespec="seconds")})


def decide(
    started: Sequence[StartedInvoice], shown: Sequence[Object], reading: Reading, wait: timedelta
) -> list[Settlement]:
    """Settle writes, oldest first, by the invoices that Halo shows.

    An open one: exactly one equal invoice, verified; none, see `_settle_absent`; anything else drifted. One that ended
    otherwise, though it may have been sent, becomes verified once the only invoice of its key that is not voided equals
    it: Halo was slow, or a person put it right.
    """
    by_key: dict[str, list[StartedInvoice]] = defaultdict(list)
    for one in started:
        by_key[one.row_id.lower()].append(one)
    return [settled for ones in by_key.values() for settled in _settle_key(ones, shown, reading, wait)]


def _settle_key(
    ones: Sequence[StartedInvoice], shown: Sequence[Object], reading: Reading, wait: timedelta
) -> list[Settlement]:
    """Settle all writes of one key together: no more than one of them is verified, or the month would count twice."""
    open_ = [one for one in ones if one.open]
    billed_by = ones[0].billed_by
    if billed_by:
        return [_settled(one, "drifted", f"plan {billed_by} has billed this key") for one in open_]
    found = [document for document in shown if ones[0].row_id.lower() in usage_documents.keys_of(document)]
    counting = found if open_ else [document for document in found if not usage_documents.is_voided(document)]
    equal = [one for one in open_ or ones if len(counting) == 1 and not _differences(one, counting[0])]
    if equal:
        winner, named = equal[-1], name_documents(counting)
        late = f"{named} is on record under plan {winner.plan_id}"
        others = [_settled(one, "drifted", late) for one in open_ if one is not winner]
        return [_settled(winner, "verified", f"found in Halo as {named}"), *others]
    if not found:
        return [settled for one in open_ if (settled := _settle_absent(one, reading, wait)) is not None]
    return [_settled(one, "drifted", _why_not_equal(one, found)) for one in open_]


def _settle_absent(one: StartedInvoice, reading: Reading, wait: timedelta) -> Settlement | None:
    """Settle an invoice that this read does not show: it failed (it is planned again, and searched for again before it
    is sent) only when an earlier search, `wait` before, did not show it either; until then it stays unknown.

    None: there is nothing to add to what the ledger says.
    """
    if not reading.has(one.usage.invoice_date):
        return None
    if one.not_shown_at is None:
        detail = f"Halo's invoices as read at {reading.at:%Y-%m-%d %H:%M} UTC do not show it; it may still appear"
        return Settlement(one.plan_id, one.row_id, "unknown", detail, not_shown_note(reading.at))
    if reading.at - max(one.not_shown_at, one.claimed_at) < wait:
        return None
    times = f"{one.not_shown_at:%Y-%m-%d %H:%M} and {reading.at:%Y-%m-%d %H:%M} UTC"
    return _settled(one, "failed", f"no invoice in Halo has its key, read at {times}")


def _settled(one: StartedInvoice, state: State, why: str) -> Settlement:
    return Settlement(one.plan_id, one.row_id, state, f"settled by reading: {why}")


def _why_not_equal(one: StartedInvoice, found: Sequence[Object]) -> str:
    named = name_documents(found)
    if len(found) > 1:
        return f"more than one invoice has its key: {named}"
    return f"{named} is not as planned: {'; '.join(_differences(one, found[0]))}"


def _differences(one: StartedInvoice, document: Object) -> list[str]:
    return usage_documents.differences(one.usage, document, fresh=False)


def _started(row: Mapping[str, Any]) -> StartedInvoice:
    state: State = row["state"]  # the ledger holds no other words
    usage = UsageInvoice.from_json(json.loads(row["expect"]))
    return StartedInvoice(
        row["plan_id"], row["row_id"], state, usage, row["billed_by"], row["claimed_at"], row["not_shown_at"]
    )


def open_since(connection: Connection) -> date | None:
    """Return the first day for which invoices must be read to settle the usage invoices that are still open in the
    ledger.

    None when there are none. It is one day before the oldest, because Halo's documents do not say in which time zone an
    invoice is dated.
    """
    values = {"documents": list(registry.document_actions())}
    oldest = connection.execute(load_sql("billing/ledger/open_since.sql"), values).fetchall()[0][0]
    return oldest - timedelta(days=1) if isinstance(oldest, date) else None


def pending(connection: Connection, wait: timedelta) -> dict[str, str]:
    """Return a sentence for every usage invoice of which nobody knows yet whether Halo made it, by its key."""
    values = {"documents": list(registry.document_actions())}
    rows = dicts(connection.execute(load_sql("billing/ledger/pending_invoices.sql"), values))
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
