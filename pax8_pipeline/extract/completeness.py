"""Turns what a client gave into a read that raw can keep, and judges whether it can be the whole.

Here belongs: whole, incomplete or suspiciously small. Not here: which lists there are (`pax8`, `halo`), SQL of
staging. A read that is refused here is kept as a record without objects, so it can neither be used by mistake nor
become the measure of tomorrow's read.
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
from pax8_pipeline.transport.listing import Listing
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection, Warehouse

# A refused read's problem begins with this word; the check `snapshot_shrank` goes by it.
SHRANK = "shrank"
ACCEPT = "PAX8_ACCEPT_SHRINK"
# Lists that are read whole each day, or for a window of dates, and must not melt away.
GUARDED = (
    "pax8.companies", "pax8.products", "pax8.subscriptions", "pax8.invoices", "halo.clients", "halo.licences",
    "halo.recurring_invoices", "halo.items", "halo.invoices",
)  # fmt: skip
# Asked for other things each night, so their length says nothing; but what had rows must not be empty now. Not guarded:
# pax8.usage_lines (each read answers new questions; days without usage are empty, and a last answer with rows stays),
# pax8.invoice_items (read once for each invoice, again while empty) and halo.client_details (one client at a time).
NEVER_EMPTIED = ("pax8.usage_summaries", "halo.integration")
WINDOW_DAYS = 62  # invoices of so many days before today are kept whole
_INVOICE_DATE = re.compile(r'"invoice_date":\s*"(\d{4}-\d\d-\d\d)')
# Lists without which there is no business: an empty one is a lost permission or an outage, never the truth.
NEVER_EMPTY = ("pax8.companies", "pax8.subscriptions", "halo.clients")


def whole(table: str, ask: Callable[[], Listing], endpoint: str, scope: str = "") -> snapshots.Read:
    """Read one list. A list that could not be read whole comes back as a Read with its problem; any other
    VendorError is raised.
    """
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
        now, before = _sizes(connection, read, run_id, settings)
    problem = shrink_problem(read.table, now, before, settings)
    return replace(read, problem=problem) if problem else read


def _sizes(connection: Connection, read: snapshots.Read, run_id: str, settings: Settings) -> tuple[int, int | None]:
    """Return how many rows a read has and how many the last accepted one had, counted over the same things."""
    if read.table == "halo.integration":
        return _accounts(read), snapshots.accounts_before(connection, run_id)
    if read.covers is not None:
        return _in_both_windows(connection, read, run_id, settings)
    return len(read.objects), snapshots.rows_before(connection, read.table, run_id, read.scope)


def _accounts(read: snapshots.Read) -> int:
    """Return the accounts of Halo's own Pax8 integration; what Halo does not show is judged elsewhere, not as none."""
    told = jsontext.loads(read.objects[0].payload) if read.objects else {}
    return len(told.get("accounts") or ()) if told.get("state") == "off" else 1


def _in_both_windows(
    connection: Connection, read: snapshots.Read, run_id: str, settings: Settings
) -> tuple[int, int | None]:
    """Count the rows dated in the window of this read and in that of the last one: windows move with the day."""
    last = snapshots.snapshot_before(connection, read.table, run_id)
    if last is None or read.covers is None:
        return len(read.objects), None
    # What is older than the usual weeks is kept in part only (loading.halo.read_invoices).
    first = max(last["covers_from"] or read.covers[0], read.covers[0], settings.today - timedelta(days=WINDOW_DAYS))
    end = min(last["covers_to"] or read.covers[1], read.covers[1])
    days = [found[1] for o in read.objects if (found := _INVOICE_DATE.search(o.payload))]
    now = sum(first.isoformat() <= day <= end.isoformat() for day in days)
    return now, snapshots.dated_rows(connection, read.table, last["snapshot_id"], first, end)


def shrink_problem(table: str, now: int, before: int | None, settings: Settings) -> str | None:
    """Say why a read of `now` rows is not believed when the last accepted one had `before` (None: there is none)."""
    if shrink_accepted(settings):
        return None
    reads = settings.policy.reads
    if now == 0 and (before or table in NEVER_EMPTY):
        had = f", the last accepted read had {before} rows" if before else ""
        return f"{SHRANK}: {table} came back empty{had}. {_way_out(settings)}"
    if before is None or before <= reads.shrink_above_rows or table in NEVER_EMPTIED:
        return None
    lost = Decimal(before - now) * 100 / before
    if lost <= reads.shrink_pct:
        return None
    return (
        f"{SHRANK}: {table} has {now} rows, the last accepted read had {before}: {lost:.1f} % less, "
        f"policy reads.shrink_pct is {reads.shrink_pct} %. {_way_out(settings)}"
    )


def shrink_accepted(settings: Settings) -> bool:
    """True when an operator accepted smaller lists for today; the date makes the acceptance end by itself."""
    return settings.value(ACCEPT) == settings.today.isoformat()


def _way_out(settings: Settings) -> str:
    return (
        "Nothing of it is used and the next read is held against the same figure. If the list really is that "
        f"small, run once with {ACCEPT}={settings.today.isoformat()} (it counts for that day only)."
    )
