"""A log of requests, and rate limits over a rolling window. What follows from them is in `middleware.py`."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_KEPT = 200_000


@dataclass(frozen=True)
class Exchange:
    """One request and its result. `status` 0: the client saw none."""

    vendor: str
    method: str
    path: str
    query: str
    status: int
    fault: str = ""


class TrafficLog:
    """The last requests, oldest first. `log["pax8"]` is the number that a vendor got since the start or `clear`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: deque[Exchange] = deque(maxlen=_KEPT)
        self._totals: Counter[str] = Counter()

    def add(self, exchange: Exchange) -> None:
        """Add one exchange."""
        with self._lock:
            self._rows.append(exchange)
            self._totals[exchange.vendor] += 1

    def __getitem__(self, vendor: str) -> int:
        with self._lock:
            return self._totals[vendor]

    def totals(self) -> dict[str, int]:
        """How many requests each vendor got."""
        with self._lock:
            return dict(self._totals)

    def __iter__(self) -> Iterator[Exchange]:
        with self._lock:
            return iter(list(self._rows))

    def __len__(self) -> int:
        with self._lock:
            return len(self._rows)

    def clear(self) -> None:
        """Remove all entries."""
        with self._lock:
            self._rows.clear()
            self._totals.clear()

    def paths(self, vendor: str, method: str = "*") -> list[str]:
        """Return the paths that a vendor got, in order."""
        return [row.path for row in self if row.vendor == vendor and method in ("*", row.method)]


class RollingLimit:
    """At most `limit` counted requests in any `window` seconds. `seconds` is a monotonic clock."""

    def __init__(self, limit: int, window: float, seconds: Callable[[], float]) -> None:
        self.limit = limit
        self.window = window
        self._seconds = seconds
        self._times: deque[float] = deque()

    def wait(self) -> float:
        """Return the seconds until one more request is allowed; 0 for now."""
        now = self._seconds()
        while self._times and self._times[0] <= now - self.window:
            self._times.popleft()
        if len(self._times) < self.limit:
            return 0.0
        return self._times[0] + self.window - now

    def count(self) -> None:
        """Count a request."""
        self._times.append(self._seconds())


def default_limits(seconds: Callable[[], float]) -> dict[str, RollingLimit]:
    """Return the vendors' limits: Pax8 1000 successful calls a minute, Halo 300 (`rate_limit`) in five."""
    return {"pax8": RollingLimit(1000, 60, seconds), "halo": RollingLimit(300, 300, seconds)}
