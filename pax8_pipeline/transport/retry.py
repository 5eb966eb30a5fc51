"""How often and after how long something is asked again. Pure: no HTTP, no waiting.

Here belongs: numbers and how they grow. Not here: which failures may be asked again (`http` for reads and
writes).
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class RetryPolicy:
    """`tries` includes the first. All times in seconds.

    `deadline_s` bounds one call as a whole: no new try is begun after it. After a 429 that names no time the wait lasts
    until the window has room (`RateLimiter.refuse`), longer with each refusal in a row; all of them together may last
    `refusals_for_s`. A Retry-After beyond `retry_after_max_s` is cut to it, so that a wrong header cannot stop the night.
    """

    tries: int = 8
    deadline_s: float = 900.0
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0
    retry_after_max_s: float = 300.0
    # A 429 is no fault but a full window: it is sat out for longer than the longest window there is (Halo's 300 s).
    refusals_for_s: float = 420.0

    def backoff(self, tried: int, chance: float) -> float:
        """Wait after `tried` failures: doubling from `backoff_s`, full jitter (`chance` from 0 to 1)."""
        # A cap on the exponent keeps the float finite however many tries are configured.
        return min(self.backoff_max_s, self.backoff_s * 2.0 ** min(tried - 1, 30)) * chance

    def refusal_wait(self, refused: int, asked: float | None, room_s: float) -> float:
        """Wait after the `refused`-th 429 in a row: its Retry-After `asked` (seconds, None if it named none), else until the
        window has room in `room_s` seconds, once more as long for each refusal before.
        """
        if asked is not None:
            return min(max(asked, 0.0), self.retry_after_max_s)
        return min(room_s * refused, self.retry_after_max_s)


def retry_after(header: str | None, *, server_now: float) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date, as seconds from now; None if absent or unreadable.

    `server_now` (seconds since 1970) is the vendor's own clock where its answer told it, so that a wrong
    clock here does not lengthen or cut the wait.
    """
    if header is None:
        return None
    text = header.strip()
    try:
        seconds = float(text)
    except ValueError:
        moment = http_date(text)
        return None if moment is None else max(0.0, moment - server_now)
    return seconds if 0 <= seconds < float("inf") else None


def http_date(text: str | None) -> float | None:
    """Read an HTTP date as seconds since 1970; None if it is not one."""
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
