"""One limit of requests for each vendor over a rolling window, shared by all threads.

It decides when a request may be sent, and adapts the limit to the vendor's answers. Whether a request is sent again is
decided in `tries`; `quota` reads a refusal.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress

# Below this share of the limit, requests are sent at once; after it they are spaced evenly, so that the last callers do
# not all wait for a whole window. Never more than the limit is sent in a window.
_FREE_SHARE = 0.9
# A limit that may grow is multiplied by this factor, after a window in which at least this share was used and nothing
# refused.
_GROWTH, _USED_SHARE = 1.25, 0.5
# After a refusal without a stated time: wait until this share of the window's requests has left the window.
_ROOM_SHARE = 0.1


class RateLimiter:
    """Allows at most `limit` requests in any `window_s` seconds, for all callers together.

    A caller books the earliest free moment under the lock and sleeps outside it. So no caller polls, and all are served
    in order. `clock` and `sleep` are in seconds. `ceiling`: the limit may grow up to it while nothing is refused, and
    each refusal halves it. Without a ceiling only `restrict` changes the limit.
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
            raise ValueError("a rate limit needs at least one request and a window above zero")
        self.limit = limit
        self.window_s = window_s
        self._ceiling = ceiling
        self._grow_at = clock() + window_s
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._booked: list[float] = []  # moments allowed, past and future, in order
        self._paused_until = float("-inf")
        self._spaced_until = float("-inf")

    def acquire(self) -> None:
        """Wait until one request may be sent. A pause that starts meanwhile also holds callers that already wait."""
        while True:
            with self._lock:
                moment = self._book()
            wait = moment - self._clock()
            if wait > 0:
                self._sleep(wait)
            with self._lock:
                if self._paused_until <= max(moment, self._clock()):
                    return
                with suppress(ValueError):  # it left the window during the sleep
                    self._booked.remove(moment)  # the pause came after the booking: book again, after the pause

    def pause(self, seconds: float) -> None:
        """Let all callers wait for so many seconds from now (the Retry-After of a 429)."""
        self.pause_until(self._clock() + seconds)

    def pause_until(self, moment: float) -> None:
        """Let all callers wait until this moment of the clock. A moment before the current pause ends changes nothing.

        After the pause, requests are spaced evenly for one window, because the vendor counts more requests than we do.
        """
        with self._lock:
            self._paused_until = max(self._paused_until, moment)
            self._spaced_until = max(self._spaced_until, moment + self.window_s)

    def record_refusal(self) -> float:
        """Record a refusal (429). Return how many seconds it takes until the window has room again.

        The window has room when the oldest tenth of our own requests has left it; it is at least a tenth of the window,
        because others may share the limit. A limit with a ceiling is halved, once for all requests that were refused at
        the same time.
        """
        with self._lock:
            now = self._clock()
            if self._ceiling is not None and now >= self._paused_until:
                self.limit = max(self.limit // 2, 1)
            self._grow_at = now + 2 * self.window_s
            sent = self._booked[: bisect_right(self._booked, now)]
            recent = sent[bisect_right(sent, now - self.window_s) :]
            leaves = recent[int(len(recent) * _ROOM_SHARE)] + self.window_s - now if recent else 0.0
            return max(leaves if len(recent) >= self.limit * _USED_SHARE else 0.0, self.window_s * _ROOM_SHARE)

    def restrict(self, limit: int, window_s: float) -> None:
        """Use a limit that the vendor named, if it allows fewer requests per second than ours."""
        with self._lock:
            if limit / window_s < self.limit / self.window_s:
                self.limit, self.window_s = max(limit, 1), window_s
                self._ceiling = None if self._ceiling is None else self.limit

    def used(self) -> float:
        """The share of the limit that was used in the window that ends now, from 0 to 1."""
        with self._lock:
            now = self._clock()
            return self._count(now, upto=now) / self.limit

    def _book(self) -> float:
        now = self._clock()
        self._grow(now)
        del self._booked[: bisect_right(self._booked, now - self.window_s)]
        moment = max(now, self._paused_until)
        if self._booked:
            last = self._booked[-1]
            moment = max(moment, last)
            if self._count(moment) >= self.limit * _FREE_SHARE or moment < self._spaced_until:
                moment = max(moment, last + self.window_s / self.limit)
        if len(self._booked) >= self.limit:
            moment = max(moment, self._booked[-self.limit] + self.window_s)
        self._booked.append(moment)  # never before the last one, so the list stays in order
        return moment

    def _grow(self, now: float) -> None:
        if self._ceiling is None or now < self._grow_at:
            return
        if self._count(now, upto=now) >= self.limit * _USED_SHARE:
            self.limit = min(self._ceiling, int(self.limit * _GROWTH) + 1)
        self._grow_at = now + self.window_s

    def _count(self, moment: float, upto: float = float("inf")) -> int:
        return bisect_right(self._booked, upto) - bisect_right(self._booked, moment - self.window_s)
