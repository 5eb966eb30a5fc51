"""Whether a run's day can be believed: its date and this machine's clock beside the vendors' `Date` headers.

Here belongs: the comparison, as pure functions of moments. Not here: reading headers (`transport`), keeping what was read
(`extract.vendor_clocks`), what follows from it (`orchestration.checks.clock`, `orchestration.assets.billing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

VENDORS = ("Pax8", "Halo")
TOLERANCE = timedelta(minutes=10)


@dataclass(frozen=True)
class ClockSeen:
    """An answer of a vendor that told the time: its clock and ours at that moment, both aware, in UTC."""

    vendor_time: datetime
    local_time: datetime

    def day(self, zone: ZoneInfo) -> date:
        """Return the calendar day that the vendor's clock means in a time zone."""
        return self.vendor_time.astimezone(zone).date()


@dataclass(frozen=True)
class RunDay:
    """The day a run works with. `stated`: PAX8_PIPELINE_TODAY names it; else this machine's clock gave it at `read_at`
    (aware, UTC) in the policy's time zone.
    """

    today: date
    stated: bool
    read_at: datetime
    zone: ZoneInfo


def disagreement(vendor: str, seen: ClockSeen, run: RunDay) -> str | None:
    """Say in one sentence how a vendor's clock contradicts a run's day, and what to do; None when they agree."""
    theirs = f"{vendor} says {seen.vendor_time:%Y-%m-%d %H:%M} UTC"
    if run.stated:
        day = seen.day(run.zone)
        if day == run.today:
            return None
        return (
            f"{theirs}, that is {day} in {run.zone.key}, and PAX8_PIPELINE_TODAY says {run.today}. "
            "Remove PAX8_PIPELINE_TODAY from .env and from the environment; it is for replays against a sandbox"
        )
    ahead = seen.local_time - seen.vendor_time
    if abs(ahead) > TOLERANCE:
        way = "ahead" if ahead > timedelta() else "behind"
        return (
            f"{theirs}, this machine's clock says {seen.local_time:%Y-%m-%d %H:%M} UTC, {_length(abs(ahead))} {way}. "
            "Set this machine's clock and switch on time synchronisation (timedatectl set-ntp true)"
        )
    # A run that passes midnight keeps the day it began with: what counts is the vendor's clock at that moment.
    began = seen.vendor_time - (seen.local_time - run.read_at)
    days = {(began + by).astimezone(run.zone).date() for by in (-TOLERANCE, timedelta(), TOLERANCE)}
    if run.today in days:
        return None
    return (
        f"{theirs}, so this run began on {began.astimezone(run.zone).date()} in {run.zone.key}, and it works with "
        f"{run.today}. Start it again"
    )


def compare(seen: Mapping[str, ClockSeen | None], run: RunDay) -> tuple[list[str], list[str]]:
    """Return what contradicts the run's day, a sentence for each vendor, and which vendors told no time."""
    wrong: list[str] = []
    silent: list[str] = []
    for vendor, found in seen.items():
        if found is None:
            silent.append(vendor)
        elif sentence := disagreement(vendor, found, run):
            wrong.append(sentence)
    return wrong, silent


def not_compared(silent: Sequence[str]) -> str:
    """Say which vendors' clocks could not be compared; "" when all could."""
    return f"{' and '.join(silent)} sent no Date header: the day was not compared with it" if silent else ""


def _length(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return (
        f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours" if minutes < 2880 else f"{span.days} days"
    )
