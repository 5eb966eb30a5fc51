"""A clock for the clients of both vendors on which a wait costs no time: it goes forward by itself when they wait.

What they do between two tries, how often they try and when they give up stays as it is; only nobody sits through it.
The waits themselves are proved, by their numbers, in the tests of `transport`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from pax8_pipeline.transport import connect
from pax8_pipeline.transport.timing import Timing


class Clock:
    """Seconds that pass, and seconds that were skipped. Two threads that wait at once wait beside each other."""

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
def without_waiting() -> Iterator[Clock]:
    """Clients that are made meanwhile go by such a clock."""
    clock = Clock()
    timing = Timing(clock=clock.monotonic, sleep=clock.wait)
    with patch.object(connect, "Timing", lambda: timing):
        yield clock
