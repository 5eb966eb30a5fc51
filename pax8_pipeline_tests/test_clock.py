"""The day of a run beside the vendors' clocks: every way in which they can agree or not, as moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pax8_pipeline.clock import ClockSeen, RunDay, compare, disagreement, not_compared


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# zone, PAX8_PIPELINE_TODAY, settings read at (ours), our clock and theirs when they answered, what is wrong ("" nothing).
# All clocks in UTC.
CASES: dict[str, tuple[str, str, str, str, str, str]] = {
    "in step": ("UTC", "", "2026-08-20 06:00", "2026-08-20 06:01", "2026-08-20 06:01", ""),
    "ten minutes": ("UTC", "", "2026-08-20 06:00", "2026-08-20 06:10", "2026-08-20 06:00", ""),
    "eleven minutes ahead": ("UTC", "", "2026-08-20 06:00", "2026-08-20 06:11", "2026-08-20 06:00", "11 minutes ahead"),
    "eleven minutes behind": ("UTC", "", "2026-08-20 05:49", "2026-08-20 05:49", "2026-08-20 06:00", "11 minutes behind"),
    "a year ahead": ("UTC", "", "2027-06-05 06:00", "2027-06-05 06:00", "2026-08-20 06:00", "289 days ahead"),
    "an hour behind": ("UTC", "", "2026-08-20 05:00", "2026-08-20 05:00", "2026-08-20 06:00", "60 minutes behind"),
    # The day changes between two answers, or a few seconds apart on both sides of midnight.
    "over midnight": ("UTC", "", "2026-08-31 23:50", "2026-09-01 00:20", "2026-09-01 00:20", ""),
    "over midnight, both clocks near it": ("UTC", "", "2026-08-31 23:59", "2026-08-31 23:59", "2026-09-01 00:01", ""),
    "over midnight, ours first": ("UTC", "", "2026-09-01 00:01", "2026-09-01 00:01", "2026-08-31 23:59", ""),
    "over two midnights": ("UTC", "", "2026-08-30 23:50", "2026-09-01 00:20", "2026-09-01 00:20", ""),
    "over the end of a year": ("UTC", "", "2026-12-31 23:55", "2027-01-01 00:05", "2027-01-01 00:05", ""),
    # The policy's zone decides which day a moment is.
    "far east": ("Pacific/Auckland", "", "2026-08-20 13:00", "2026-08-20 13:00", "2026-08-20 13:00", ""),
    "far west": ("America/Los_Angeles", "", "2026-08-20 05:00", "2026-08-20 05:00", "2026-08-20 05:00", ""),
    "stated, far west": ("America/Los_Angeles", "2026-08-19", "x", "2026-08-20 05:00", "2026-08-20 05:00", ""),
    "stated, far west, by UTC": (
        "America/Los_Angeles", "2026-08-20", "x", "2026-08-20 05:00", "2026-08-20 05:00", "that is 2026-08-19",
    ),
    "stated, far east": ("Pacific/Auckland", "2026-08-21", "x", "2026-08-20 13:00", "2026-08-20 13:00", ""),
    # The night when clocks change: 2026-03-29 and 2026-10-25 in London, the hour that is not and the one that is twice.
    "spring forward": ("Europe/London", "", "2026-03-29 00:30", "2026-03-29 01:30", "2026-03-29 01:30", ""),
    "fall back": ("Europe/London", "", "2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 01:30", ""),
    "fall back, before midnight there": ("Europe/London", "", "2026-10-24 22:55", "2026-10-24 23:05", "2026-10-24 23:05", ""),
    "a clock that missed the change": (
        "Europe/London", "", "2026-10-25 03:30", "2026-10-25 03:30", "2026-10-25 02:30", "60 minutes ahead",
    ),
    "leap day": ("UTC", "", "2028-02-29 06:00", "2028-02-29 06:00", "2028-02-29 06:00", ""),
    "leap day, stated": ("UTC", "2028-02-29", "x", "2026-08-20 06:00", "2028-02-29 06:00", ""),
    "leap day forgotten": ("UTC", "2028-03-01", "x", "2028-02-29 06:00", "2028-02-29 06:00", "PAX8_PIPELINE_TODAY says 2028-03-01"),
    # A stated day is compared by its date alone: a replay's machine has its own time.
    "stated, another year here": ("UTC", "2026-08-20", "x", "2026-11-25 17:00", "2026-08-20 06:00", ""),
    "stated, left behind": ("UTC", "2026-07-01", "x", "2026-08-20 06:00", "2026-08-20 06:00", "Remove PAX8_PIPELINE_TODAY"),
    "stated, ahead": ("UTC", "2027-06-05", "x", "2026-08-20 06:00", "2026-08-20 06:00", "Remove PAX8_PIPELINE_TODAY"),
}  # fmt: skip


@pytest.mark.parametrize(("zone", "stated", "read", "ours", "theirs", "wrong"), CASES.values(), ids=CASES)
def test_days_and_clocks(zone: str, stated: str, read: str, ours: str, theirs: str, wrong: str) -> None:
    read_at = at(ours if read == "x" else read)
    today = date.fromisoformat(stated) if stated else read_at.astimezone(ZoneInfo(zone)).date()
    found = disagreement("Halo", ClockSeen(at(theirs), at(ours)), RunDay(today, bool(stated), read_at, ZoneInfo(zone)))
    assert (found is None) == (wrong == ""), found
    assert wrong in (found or "")


def test_a_day_kept_from_an_earlier_run_is_found_out() -> None:
    """A process that lives for days must not go on with the day it was started on."""
    now = at("2026-08-20 06:00")
    found = disagreement("Pax8", ClockSeen(now, now), RunDay(date(2026, 8, 18), False, now, ZoneInfo("UTC")))
    assert found is not None
    assert "it works with 2026-08-18. Start it again" in found


def test_a_vendor_that_tells_no_time_is_named_and_the_other_still_compared() -> None:
    now = at("2026-08-20 06:00")
    run = RunDay(date(2026, 8, 20), False, now, ZoneInfo("UTC"))
    off = ClockSeen(now + timedelta(hours=3), now)
    wrong, silent = compare({"Pax8": None, "Halo": off}, run)
    assert (len(wrong), silent) == (1, ["Pax8"])
    assert not_compared(silent) == "Pax8 sent no Date header: the day was not compared with it"
    assert not_compared([]) == ""
