"""Time and chance as parameters, so that a test can replace them: the clock, the wall clock, waiting, random numbers.
How long to wait is in `retry`.
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
    """Four functions, all in seconds. `clock` never goes back; `wall` is seconds since 1970 (UTC); `sleep` waits;
    `random` returns a number from 0 up to (not including) 1.
    """

    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = _wait
    random: Callable[[], float] = random.random
