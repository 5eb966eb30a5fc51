"""Where time and chance come from, so that a test can bring its own.

Here belongs: the clock, the wall clock, waiting, random numbers. Not here: how long to wait (`retry`).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


@dataclass(frozen=True)
class Timing:
    """Four functions, all in seconds: `clock` never goes back, `wall` is seconds since 1970 (UTC),
    `sleep` waits, `random` gives a number from 0 up to (not including) 1."""

    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = _wait
    random: Callable[[], float] = random.random
