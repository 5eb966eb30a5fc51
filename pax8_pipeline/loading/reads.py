"""Turns what a client gave into a read that raw can keep, and judges whether it can be the whole.

Here belongs: whole, incomplete or suspiciously small. Not here: which lists there are (`pax8`, `halo`), SQL of
staging. A read that is refused here is kept as a record without objects, so it can neither be used by mistake nor
become the measure of tomorrow's read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from pax8_pipeline.errors import IncompleteRead
from pax8_pipeline.settings import Settings
from pax8_pipeline.transport.listing import Listing
from pax8_pipeline.warehouse import raw
from pax8_pipeline.warehouse.connection import Warehouse

# A refused read's problem begins with this word; the check `snapshot_shrank` goes by it.
SHRANK = "shrank"
ACCEPT = "PAX8_ACCEPT_SHRINK"
# Lists that are read whole each day and must not melt away.
GUARDED = (
    "pax8.companies", "pax8.subscriptions", "halo.clients", "halo.licences", "halo.recurring_invoices", "halo.items",
)  # fmt: skip
# Lists without which there is no business: an empty one is a lost permission or an outage, never the truth.
NEVER_EMPTY = ("pax8.companies", "pax8.subscriptions", "halo.clients")


def whole(table: str, ask: Callable[[], Listing], endpoint: str, scope: str = "") -> raw.Read:
    """Read one list. A list that could not be read whole comes back as a Read with its problem; any other
    VendorError is raised.
    """
    try:
        listing = ask()
    except IncompleteRead as error:
        return raw.Read(table, (), endpoint, scope, expected=error.expected, problem=str(error))
    objects = raw.raw_objects(endpoint, listing.objects)
    return raw.Read(table, objects, endpoint, scope, listing.expected, listing.requests, listing.repeats)


def judged(warehouse: Warehouse, read: raw.Read, run_id: str, settings: Settings) -> raw.Read:
    """Return the read, or the same read refused because it is much smaller than the last accepted one."""
    if read.table not in GUARDED or not read.complete:
        return read
    with warehouse.connect() as connection:
        before = raw.rows_before(connection, read.table, run_id)
    problem = shrink_problem(read.table, len(read.objects), before, settings)
    return replace(read, problem=problem) if problem else read


def shrink_problem(table: str, now: int, before: int | None, settings: Settings) -> str | None:
    """Say why a read of `now` rows is not believed when the last accepted one had `before` (None: there is none)."""
    if shrink_accepted(settings):
        return None
    reads = settings.policy.reads
    if now == 0 and table in NEVER_EMPTY:
        return f"{SHRANK}: {table} came back empty. {_way_out(settings)}"
    if before is None or before <= reads.shrink_above_rows:
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
