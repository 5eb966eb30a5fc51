"""What became of new clients, licences and lines whose making has no known end: decided by this run's lists of Halo.

Contains: that decision. Does not contain: comparing (`actions/creation.py`), writing the ledger (`ledger`). As for a
usage invoice, one read that does not show it proves nothing: two whole reads, policy `unknown_wait_hours` apart, must
both not show it before it counts as not made (`recovery`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.creation import CreationAction, HaloReading
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation
from pax8_pipeline.billing.ledger.recovery import Settlement, not_shown_note
from pax8_pipeline.billing.ledger.target_recovery import change_of
from pax8_pipeline.billing.model import State
from pax8_pipeline.text import jsontext
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts, newest_snapshots

# The lists that show a new thing, by what is made; all of them must be of this very run.
_LISTS = {
    "client": ("halo.clients",),
    "licence": ("halo.licences",),
    "line": ("halo.licences", "halo.recurring_invoices"),
}


def settle_creations(connection: Connection, run_id: str, wait: timedelta) -> list[Settlement]:
    """Return what each open creation came to, as far as this run's whole reads tell. `wait`: `unknown_wait_hours`."""
    values = {"creations": list(registry.creation_actions())}
    rows = dicts(connection.execute(load_sql("billing/ledger/open_creations.sql"), values))
    found = [_settle(connection, row, run_id, wait) for row in rows]
    return [settled for settled in found if settled is not None]


def decide(
    action: CreationAction,
    reading: HaloReading,
    at: datetime,
    *,
    claimed_at: datetime,
    not_shown_at: datetime | None,
    wait: timedelta,
) -> tuple[State, str, str | None] | None:
    """Return the state, the reason and the note of one open creation; None when there is nothing to add.

    One thing with its key, as planned: verified. Nothing: unknown, and failed once two reads `wait` apart did not show
    it. Anything else: drifted, for a person.
    """
    found = action.find(reading)
    named = ", ".join(action.describe(one) for one in found)
    if len(found) > 1:
        return "drifted", f"settled by reading: more than one {action.makes} stands for {action.key}: {named}", None
    if found:
        wrong = action.differences(found[0])
        if wrong:
            return "drifted", f"settled by reading: {named} is not as planned: {'; '.join(wrong)}", None
        return "verified", f"settled by reading: found in Halo as {named}", None
    if not_shown_at is None:
        detail = f"Halo's lists as read at {at:%Y-%m-%d %H:%M} UTC do not show it; it may still appear"
        return "unknown", detail, not_shown_note(at)
    if at - max(not_shown_at, claimed_at) < wait:
        return None
    times = f"{not_shown_at:%Y-%m-%d %H:%M} and {at:%Y-%m-%d %H:%M} UTC"
    return "failed", f"settled by reading: Halo does not show it, read at {times}", None


def _settle(connection: Connection, row: Mapping[str, Any], run_id: str, wait: timedelta) -> Settlement | None:
    try:
        action = registry.action_of(change_of(row))
    except (registry.UnknownAction, BadExpectation) as error:
        return Settlement(row["plan_id"], row["row_id"], "drifted", f"not settled by reading: {error}")
    if not isinstance(action, CreationAction):
        raise TypeError(f"{action.name} makes nothing")
    at = _read_at(connection, action, run_id)
    if at is None:
        return None
    claimed, absent = row["claimed_at"], row["not_shown_at"]
    reading = _reading(connection, action)
    decided = decide(action, reading, at, claimed_at=claimed, not_shown_at=absent, wait=wait)
    return None if decided is None else Settlement(row["plan_id"], row["row_id"], *decided)


def _read_at(connection: Connection, action: CreationAction, run_id: str) -> datetime | None:
    """Return when the lists were read that show what it makes; None unless all of them are this run's."""
    reads = newest_snapshots(connection)
    found = [reads.get((table, ""), {}) for table in _LISTS[action.makes]]
    if any(read.get("run_id") != run_id for read in found):
        return None
    times: list[datetime] = [read["loaded_at"] for read in found]
    return min(times)


def _reading(connection: Connection, action: CreationAction) -> HaloReading:
    """Return the rows of this run's lists that may be what it makes."""
    if action.makes == "client":
        return HaloReading(clients=_clients(connection, action))
    licences = _rows(connection, "newest.halo_licences", action.key)
    if action.makes == "licence":
        return HaloReading(licences=[row for row in licences if row.get("client_id") == action.change.client_id])
    return HaloReading(licences=licences, recurring_invoices=_rows(connection, "newest.halo_recurring_invoices"))


def _clients(connection: Connection, action: CreationAction) -> list[Object]:
    """Return the clients that may be the action's, as their details were last read."""
    details = {row.get("id"): row for row in _rows(connection, "halo.client_details")}
    found = action.find(HaloReading(clients=_rows(connection, "newest.halo_clients")))
    by_id = action.find(HaloReading(clients=list(details.values())))
    return [details.get(row.get("id"), row) for row in {row.get("id"): row for row in [*found, *by_id]}.values()]


def _rows(connection: Connection, table: str, containing: str = "") -> list[Object]:
    query = f"SELECT payload FROM {table} WHERE contains(lower(payload), ?) ORDER BY object_id"
    return [jsontext.loads(row[0]) for row in connection.execute(query, [containing]).fetchall()]
