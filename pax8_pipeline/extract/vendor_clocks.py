"""Stores the time that the vendors' answers showed, so that a check can compare it with the day of a run.

The table is `meta.clocks`. The comparison is in `pax8_pipeline.clock`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from pax8_pipeline.clock import VENDORS, ClockSeen, RunDay
from pax8_pipeline.settings import Settings
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.snapshots import dicts


class ClockSource(Protocol):
    """A client that remembers the newest answer with a time."""

    @property
    def clock(self) -> ClockSeen | None:
        """The vendor's clock beside ours; None before the first answer with a time."""


def run_day(settings: Settings) -> RunDay:
    """Return the day that a run works with, and where it comes from."""
    return RunDay(settings.today, settings.today_stated, settings.read_at, ZoneInfo(settings.policy.timezone))


def store_clock(warehouse: Warehouse, run_id: str, vendor: str, client: ClockSource, settings: Settings) -> None:
    """Store the newest time that a vendor showed in this run. Nothing is stored when no answer showed it."""
    clock, run = client.clock, run_day(settings)
    if clock is None:
        return
    moments = [_bare(m) for m in (clock.vendor_time, clock.local_time, run.read_at)]
    with warehouse.transaction() as connection:
        connection.execute(
            "INSERT INTO meta.clocks (run_id, vendor, vendor_time, local_time, read_at, today, stated) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [run_id, vendor, *moments, run.today, run.stated],
        )


def stored_clocks(
    connection: Connection, run_id: str, zone: ZoneInfo
) -> tuple[dict[str, ClockSeen | None], RunDay | None]:
    """Return the newest time of each vendor in a run, and the run's day (None: no vendor showed a time)."""
    rows = dicts(
        connection.execute(
            "SELECT * FROM meta.clocks WHERE run_id = ? "
            "QUALIFY row_number() OVER (PARTITION BY vendor ORDER BY local_time DESC) = 1 ORDER BY vendor",
            [run_id],
        )
    )
    clocks: dict[str, ClockSeen | None] = dict.fromkeys(VENDORS)
    run: RunDay | None = None
    for row in rows:
        clocks[row["vendor"]] = ClockSeen(_aware(row["vendor_time"]), _aware(row["local_time"]))
        today: date = row["today"]
        run = RunDay(today, bool(row["stated"]), _aware(row["read_at"]), zone)
    return clocks, run


def _bare(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
