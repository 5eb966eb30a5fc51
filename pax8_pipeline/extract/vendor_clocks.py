"""Keeps what the vendors' answers told of the time, so that a check can judge the day of a run from the warehouse.

Here belongs: writing and reading `meta.clocks`. Not here: the comparison (`pax8_pipeline.clock`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from pax8_pipeline.clock import VENDORS, ClockSeen, RunDay
from pax8_pipeline.settings import Settings
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.snapshots import dicts


class TellsTime(Protocol):
    """A client that remembers the newest answer which told the time."""

    @property
    def clock(self) -> ClockSeen | None:
        """The vendor's clock beside ours, None before an answer told it."""


def run_day(settings: Settings) -> RunDay:
    """Return the day a run works with and where it comes from."""
    return RunDay(settings.today, settings.today_stated, settings.read_at, ZoneInfo(settings.policy.timezone))


def store_clock(warehouse: Warehouse, run_id: str, vendor: str, client: TellsTime, settings: Settings) -> None:
    """Keep the newest time that a vendor told in this run; nothing when none of its answers told it."""
    seen, run = client.clock, run_day(settings)
    if seen is None:
        return
    moments = [_bare(m) for m in (seen.vendor_time, seen.local_time, run.read_at)]
    with warehouse.transaction() as connection:
        connection.execute(
            "INSERT INTO meta.clocks (run_id, vendor, vendor_time, local_time, read_at, today, stated) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [run_id, vendor, *moments, run.today, run.stated],
        )


def stored_clocks(
    connection: Connection, run_id: str, zone: ZoneInfo
) -> tuple[dict[str, ClockSeen | None], RunDay | None]:
    """Return for each vendor the newest time it told in a run, and the day that run works with (None: no vendor told)."""
    rows = dicts(
        connection.execute(
            "SELECT * FROM meta.clocks WHERE run_id = ? "
            "QUALIFY row_number() OVER (PARTITION BY vendor ORDER BY local_time DESC) = 1 ORDER BY vendor",
            [run_id],
        )
    )
    seen: dict[str, ClockSeen | None] = dict.fromkeys(VENDORS)
    run: RunDay | None = None
    for row in rows:
        seen[row["vendor"]] = ClockSeen(_aware(row["vendor_time"]), _aware(row["local_time"]))
        today: date = row["today"]
        run = RunDay(today, bool(row["stated"]), _aware(row["read_at"]), zone)
    return seen, run


def _bare(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
