"""Turns an answer of a client into a read that can be stored, and checks that it is complete and not suspiciously
small.

Which lists there are is in `pax8_lists` and `halo_lists`; typing is in the SQL of staging. A read that is refused here
is stored as a record without objects. So nobody can use it by mistake, and tomorrow's read is not compared with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from pax8_pipeline.errors import IncompleteRead
from pax8_pipeline.settings import Settings
from pax8_pipeline.text import jsontext
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.transport.listing import Listing
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection, Warehouse

# The problem of a refused read begins with this word; the check `snapshot_shrank` looks for it.
SHRANK = "shrank"
ACCEPT = "PAX8_ACCEPT_SHRINK"
# Lists that are read completely each day, or for a window of dates. They must not shrink suddenly.
GUARDED = (
    "pax8.companies", "pax8.products", "pax8.subscriptions", "pax8.invoices", "halo.clients", "halo.licences",
    "halo.recurring_invoices", "halo.items", "halo.invoices",
)  # fmt: skip
# These are asked for other things each night, so their length means nothing. But a list that had rows must not be empty
# now. Not in the list: pax8.usage_lines (each read has new queries; days without usage are empty, and older rows stay),
# pax8.invoice_items (read once for each invoice, and again while empty) and halo.client_details (one client at a time).
NEVER_EMPTIED = ("pax8.usage_summaries", "halo.integration")
WINDOW_DAYS = 62  # Invoices dated within so many days before today are all stored.
_INVOICE_DATE = re.compile(r'"invoice_date":\s*"(\d{4}-\d\d-\d\d)')
# A partner always has some of these. An empty list means a lost permission or an outage.
NEVER_EMPTY = ("pax8.companies", "pax8.subscriptions", "halo.clients")


def read_complete(table: str, ask: Callable[[], Listing], endpoint: str, scope: str = "") -> snapshots.Read:
    """Read one list with `ask`. An incomplete list is a Read with its problem; any other VendorError is raised."""
    try:
        listing = ask()
    except IncompleteRead as error:
        return snapshots.Read(table, (), endpoint, scope, expected=error.expected, problem=str(error))
    objects = snapshots.raw_objects(endpoint, listing.objects)
    return snapshots.Read(table, objects, endpoint, scope, listing.expected, listing.requests, listing.repeats)


def check_shrink(warehouse: Warehouse, read: snapshots.Read, run_id: str, settings: Settings) -> snapshots.Read:
    """Return the read, or the same read refused because it is empty or much smaller than the last accepted one."""
    if read.table not in (*GUARDED, *NEVER_EMPTIED) or not read.complete:
        return read
    with warehouse.connect() as connection:
        rows, before = _sizes(connection, read, run_id, settings)
    problem = shrink_problem(read.table, rows, before, settings)
    return replace(read, problem=problem) if problem else read


def _sizes(connection: Connection, read: snapshots.Read, run_id: str, settings: Settings) -> tuple[int, int | None]:
    """Return the rows of this read and of the last accepted one (None: there is none), counted alike."""
    if read.table == "halo.integration":
        return _accounts(read), snapshots.accounts_before(connection, run_id)
    if read.covers is not None:
        return _in_both_windows(connection, read, run_id, settings)
    return len(read.objects), snapshots.rows_before(connection, read.table, run_id, read.scope)


def _accounts(read: snapshots.Read) -> int:
    """Count the accounts of Halo's own Pax8 integration; 1 when Halo does not show them: that is no empty list."""
    integration = jsontext.loads(read.objects[0].payload) if read.objects else {}
    return len(integration.get("accounts") or ()) if integration.get("state") == "off" else 1


def _in_both_windows(
    connection: Connection, read: snapshots.Read, run_id: str, settings: Settings
) -> tuple[int, int | None]:
    """Count the rows dated in the windows of both this and the last read: the windows move each day."""
    last = snapshots.snapshot_before(connection, read.table, run_id)
    if last is None or read.covers is None:
        return len(read.objects), None
    # Of older invoices only usage invoices are stored (halo_lists.read_invoices).
    first = max(last["covers_from"] or read.covers[0], read.covers[0], settings.today - timedelta(days=WINDOW_DAYS))
    end = min(last["covers_to"] or read.covers[1], read.covers[1])
    days = [match[1] for o in read.objects if (match := _INVOICE_DATE.search(o.payload))]
    rows = sum(first.isoformat() <= day <= end.isoformat() for day in days)
    return rows, snapshots.dated_rows(connection, read.table, last["snapshot_id"], first, end)


def shrink_problem(table: str, rows: int, before: int | None, settings: Settings) -> str | None:
    """Return why a read of `rows` rows is not accepted when the last accepted one had `before` (None: there is none).
    Return None when it is accepted.
    """
    if shrink_accepted(settings):
        return None
    reads = settings.policy.reads
    if rows == 0 and (before or table in NEVER_EMPTY):
        last_read = f", the last accepted read had {plural(before, 'row')}" if before else ""
        return f"{SHRANK}: {table} came back empty{last_read}. {_how_to_accept(settings)}"
    if before is None or before <= reads.shrink_above_rows or table in NEVER_EMPTIED:
        return None
    lost = Decimal(before - rows) * 100 / before
    if lost <= reads.shrink_pct:
        return None
    return (
        f"{SHRANK}: {table} has {plural(rows, 'row')}, the last accepted read had {before}: {lost:.1f} % less, "
        f"policy reads.shrink_pct is {reads.shrink_pct} %. {_how_to_accept(settings)}"
    )


def shrink_accepted(settings: Settings) -> bool:
    """True when an operator accepted smaller lists for today. The acceptance names a date, so it ends with that day."""
    return settings.value(ACCEPT) == settings.today.isoformat()


def _how_to_accept(settings: Settings) -> str:
    return (
        "None of it is used, and the next read is compared with the same figure. If the list really is that "
        f"small, run once with {ACCEPT}={settings.today.isoformat()} (it counts for that day only)."
    )
