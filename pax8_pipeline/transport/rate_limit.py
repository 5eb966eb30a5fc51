"""One budget of requests per vendor over a rolling window, shared by all threads that talk to it.

Here belongs: when a request may leave. Not here: whether to send one again (`retry`), HTTP.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress

# Below this share of the window's budget requests leave at once; above it they are spaced evenly, so that a
# long read does not spend everything in a burst and then stand still for the rest of the window.
_FREE_SHARE = 0.5


class RateLimiter:
    """Grants at most `limit` requests in any `window_s` seconds, whoever asks.

    A caller books the earliest free moment under the lock and sleeps outside it, so nobody spins and nobody
    is overtaken. `clock` and `sleep` are in seconds.
    """

    def __init__(
        self, limit: int, window_s: float, *, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        if limit < 1 or window_s <= 0:
            raise ValueError("a rate limit needs at least one request and a window longer than nothing")
        self.limit = limit
        self.window_s = window_s
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._booked: list[float] = []  # moments granted, past and future, in order
        self._closed_until = float("-inf")
        self._spaced_until = float("-inf")

    def acquire(self) -> None:
        """Wait until one request may leave. A pause called meanwhile holds those who already wait, too."""
        while True:
            with self._lock:
                moment = self._book()
            wait = moment - self._clock()
            if wait > 0:
                self._sleep(wait)
            with self._lock:
                if self._closed_until <= max(moment, self._clock()):
                    return
                with suppress(ValueError):  # already forgotten: it left the window while we slept
                    self._booked.remove(moment)  # the pause came after the booking: book anew behind it

    def pause(self, seconds: float) -> None:
        """Hold everybody for so many seconds from now (a 429's Retry-After)."""
        self.pause_until(self._clock() + seconds)

    def pause_until(self, moment: float) -> None:
        """Hold everybody until this moment of the clock; an earlier one than already set changes nothing.

        Afterwards requests leave spaced for one window: the vendor counts more than we do.
        """
        with self._lock:
            self._closed_until = max(self._closed_until, moment)
            self._spaced_until = max(self._spaced_until, moment + self.window_s)

    def used(self) -> float:
        """Share of the budget spent in the window that ends now, from 0 to 1."""
        with self._lock:
            now = self._clock()
            return self._count(now, upto=now) / self.limit

    def _book(self) -> float:
        now = self._clock()
        del self._booked[: bisect_right(self._booked, now - self.window_s)]
        moment = max(now, self._closed_until)
        if self._booked:
            last = self._booked[-1]
            moment = max(moment, last)
            if self._count(moment) >= self.limit * _FREE_SHARE or moment < self._spaced_until:
                moment = max(moment, last + self.window_s / self.limit)
        if len(self._booked) >= self.limit:
            moment = max(moment, self._booked[-self.limit] + self.window_s)
        self._booked.append(moment)  # never before the last one: stays in order
        return moment

    def _count(self, moment: float, upto: float = float("inf")) -> int:
        return bisect_right(self._booked, upto) - bisect_right(self._booked, moment - self.window_s)
