"""Decides whether a run's day is right: compares its date and this machine's clock with the vendors' `Date` headers.

Pure functions of moments. Headers are read in `transport`, and the times are stored in `extract.vendor_clocks`. What
follows from a difference is decided in `orchestration.checks.clock` and `orchestration.assets.billing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

VENDORS = ("Pax8", "Halo")
TOLERANCE = timedelta(minutes=10)


def utc_now() -> datetime:
    """Return the current time in UTC without offset, as in the warehouse."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class ClockSeen:
    """The time in an answer of a vendor, and our clock at that moment. Both are aware datetimes in UTC."""

    vendor_time: datetime
    local_time: datetime

    def day(self, zone: ZoneInfo) -> date:
        """Return the calendar day of the vendor's clock in a time zone."""
        return self.vendor_time.astimezone(zone).date()


@dataclass(frozen=True)
class RunDay:
    """The day that a run works with. `stated`: PAX8_PIPELINE_TODAY names it. Otherwise this machine's clock gave it at
    `read_at` (aware, UTC), in the policy's time zone.
    """

    today: date
    stated: bool
    read_at: datetime
    zone: ZoneInfo


def disagreement(vendor: str, clock: ClockSeen, run: RunDay) -> str | None:
    """Return one sentence about how a vendor's clock contradicts a run's day, and what to do; None when they agree."""
    vendor_time = f"{vendor} says {clock.vendor_time:%Y-%m-%d %H:%M} UTC"
    if run.stated:
        day = clock.day(run.zone)
        if day == run.today:
            return None
        return (
            f"{vendor_time}, that is {day} in {run.zone.key}, and PAX8_PIPELINE_TODAY says {run.today}. "
            "Remove PAX8_PIPELINE_TODAY from .env and from the environment; it is for replays against a sandbox"
        )
    ahead = clock.local_time - clock.vendor_time
    if abs(ahead) > TOLERANCE:
        direction = "ahead" if ahead > timedelta() else "behind"
        return (
            f"{vendor_time}, this machine's clock says {clock.local_time:%Y-%m-%d %H:%M} UTC, {_length(abs(ahead))} {direction}. "
            "Set this machine's clock and switch on time synchronisation (timedatectl set-ntp true)"
        )
    # A run that passes midnight keeps the day of its start. So the vendor's clock at the start counts.
    run_start = clock.vendor_time - (clock.local_time - run.read_at)
    days = {(run_start + by).astimezone(run.zone).date() for by in (-TOLERANCE, timedelta(), TOLERANCE)}
    if run.today in days:
        return None
    return (
        f"{vendor_time}, so this run started on {run_start.astimezone(run.zone).date()} in {run.zone.key}, and it works with "
        f"{run.today}. Start it again"
    )


def compare(clocks: Mapping[str, ClockSeen | None], run: RunDay) -> tuple[list[str], list[str]]:
    """Return a sentence for each vendor that contradicts the run's day, and the vendors that sent no time."""
    sentences: list[str] = []
    without_time: list[str] = []
    for vendor, clock in clocks.items():
        if clock is None:
            without_time.append(vendor)
        elif sentence := disagreement(vendor, clock, run):
            sentences.append(sentence)
    return sentences, without_time


def not_compared(without_time: Sequence[str]) -> str:
    """Return a sentence with the vendors whose clocks could not be compared; "" when all could."""
    return f"{' and '.join(without_time)} sent no Date header: the day was not compared with it" if without_time else ""


def _length(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return (
        f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours" if minutes < 2880 else f"{span.days} days"
    )
