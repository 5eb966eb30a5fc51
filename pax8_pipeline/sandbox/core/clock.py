"""The world's clock: a day that is set or played, and a moment in it. What a new day brings is in `simulation.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

_MORNING = time(6, 0)  # the night's jobs are done, and nobody has logged in yet
_LAST_MOMENT = timedelta(hours=17, minutes=59)  # real time may pass, but never into the next day


class WorldClock:
    """A calendar day at six in the morning UTC. With `run`, the seconds of a real clock are added.

    By default the clock does not move, so that two worlds made in the same way are exactly equal.
    """

    def __init__(self, today: date) -> None:
        self._today = today
        self._seconds: Callable[[], float] | None = None
        self._started = 0.0

    @property
    def today(self) -> date:
        """The world's calendar day (UTC)."""
        return self._today

    def now(self) -> datetime:
        """The world's moment as an aware datetime in UTC."""
        moment = datetime.combine(self._today, _MORNING, UTC)
        if self._seconds is None:
            return moment
        return moment + min(timedelta(seconds=self._seconds() - self._started), _LAST_MOMENT)

    def set(self, day: date) -> None:
        """Set the clock to the morning of `day`."""
        self._today = day
        if self._seconds is not None:
            self._started = self._seconds()

    def run(self, seconds: Callable[[], float]) -> None:
        """Let time pass within the day, as `seconds` (such as time.monotonic) counts it."""
        self._seconds = seconds
        self._started = seconds()


def month_start(day: date) -> date:
    """The first day of the month of `day`."""
    return day.replace(day=1)


def add_months(first: date, months: int) -> date:
    """The first day of the month `months` after (or before) the month of `first`."""
    index = first.year * 12 + first.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def month_end(day: date) -> date:
    """The last day of the month of `day`."""
    return add_months(day, 1) - timedelta(days=1)


def add_years(day: date, years: int) -> date:
    """Return the same calendar day `years` later; 29 February becomes the 28th in other years."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
