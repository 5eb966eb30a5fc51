"""One budget of requests per vendor over a rolling window, shared by all threads that talk to it.

Contains: when a request may leave, and how the budget follows what the vendor says. Does not contain: whether to send
a request again (`retry`), reading a refusal (`quota`), HTTP.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress

# Below this share of the window's budget requests leave at once; the rest are spaced evenly, so that those who ask last
# are not all held until the window has passed. No order of sending lets more than the budget through in a window.
_FREE_SHARE = 0.9
# A budget that may grow does so by this factor, once a window went by in which this share was used and nothing refused.
_GROWTH, _USED_SHARE = 1.25, 0.5
# After a refusal without a stated time: wait until this share of the window's requests has left it.
_ROOM_SHARE = 0.1


class RateLimiter:
    """Grants at most `limit` requests in any `window_s` seconds, whoever asks.

    A caller books the earliest free moment under the lock and sleeps outside it, so nobody spins and nobody
    is overtaken. `clock` and `sleep` are in seconds. `ceiling`: the limit may grow up to it while nothing is refused, and
    each refusal halves it; without one the limit only changes by `restrict`.
    """

    def __init__(
        self,
        limit: int,
        window_s: float,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        ceiling: int | None = None,
    ) -> None:
        if limit < 1 or window_s <= 0:
            raise ValueError("a rate limit needs at least one request and a window longer than nothing")
        self.limit = limit
        self.window_s = window_s
        self._ceiling = ceiling
        self._grow_at = clock() + window_s
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

    def refuse(self) -> float:
        """Take note of a refusal (429); return how many seconds it takes until the window has room again.

        That is when the oldest tenth of our own requests leaves the window, and at least a tenth of the window: others may
        share it. A limit with a ceiling is halved, once for all requests that were refused together.
        """
        with self._lock:
            now = self._clock()
            if self._ceiling is not None and now >= self._closed_until:
                self.limit = max(self.limit // 2, 1)
            self._grow_at = now + 2 * self.window_s
            sent = self._booked[: bisect_right(self._booked, now)]
            recent = sent[bisect_right(sent, now - self.window_s) :]
            leaves = recent[int(len(recent) * _ROOM_SHARE)] + self.window_s - now if recent else 0.0
            return max(leaves if len(recent) >= self.limit * _USED_SHARE else 0.0, self.window_s * _ROOM_SHARE)

    def restrict(self, limit: int, window_s: float) -> None:
        """Take over a limit that the vendor named, if it allows fewer requests in a second than ours."""
        with self._lock:
            if limit / window_s < self.limit / self.window_s:
                self.limit, self.window_s = max(limit, 1), window_s
                self._ceiling = None if self._ceiling is None else self.limit

    def used(self) -> float:
        """Share of the budget spent in the window that ends now, from 0 to 1."""
        with self._lock:
            now = self._clock()
            return self._count(now, upto=now) / self.limit

    def _book(self) -> float:
        now = self._clock()
        self._grow(now)
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

    def _grow(self, now: float) -> None:
        if self._ceiling is None or now < self._grow_at:
            return
        if self._count(now, upto=now) >= self.limit * _USED_SHARE:
            self.limit = min(self._ceiling, int(self.limit * _GROWTH) + 1)
        self._grow_at = now + self.window_s

    def _count(self, moment: float, upto: float = float("inf")) -> int:
        return bisect_right(self._booked, upto) - bisect_right(self._booked, moment - self.window_s)
