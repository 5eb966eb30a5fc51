"""A clock for the clients of both vendors on which a wait takes no time: it jumps forward when they wait.

What they do between two tries, how often they try and when they give up does not change. The waits themselves are
proved, by their numbers, in the tests of `transport`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from pax8_pipeline.transport import connect
from pax8_pipeline.transport.timing import Timing


class SkippingClock:
    """Seconds that pass, and seconds that were skipped. Two threads that wait at the same time wait in parallel."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.skipped = 0.0

    def monotonic(self) -> float:
        """Never goes back."""
        return time.monotonic() + self.skipped

    def wait(self, seconds: float) -> None:
        """Let so many seconds have passed."""
        until = self.monotonic() + seconds
        threading.Event().wait(min(seconds, 0.01))  # other threads get their turn
        with self._lock:
            self.skipped = max(self.skipped, until - time.monotonic())


@contextmanager
def without_waiting() -> Iterator[SkippingClock]:
    """Clients that are made in this block use such a clock."""
    clock = SkippingClock()
    timing = Timing(clock=clock.monotonic, sleep=clock.wait)
    with patch.object(connect, "Timing", lambda: timing):
        yield clock
