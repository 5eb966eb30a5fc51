"""How often a request is repeated, and after how long. Pure: no HTTP, no waiting.

Which failures allow another try is decided in `client`.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class RetryPolicy:
    """Limits for repeating a request. `tries` includes the first. All times are in seconds.

    `deadline_s` limits one call: no try starts after it. After a 429 without a time, the wait lasts until the window
    has room (`RateLimiter.record_refusal`), longer with each refusal in a row; all these waits together may last
    `refusals_for_s`. A Retry-After above `retry_after_max_s` is cut to it, so that a wrong header cannot stop the run.
    """

    tries: int = 8
    deadline_s: float = 900.0
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0
    retry_after_max_s: float = 300.0
    # A 429 means a full window, not a fault. So it is waited for longer than the longest window (Halo's 300 s).
    refusals_for_s: float = 420.0

    def backoff(self, tried: int, chance: float) -> float:
        """Return the wait after `tried` failures: doubled each time, with full jitter (`chance` from 0 to 1)."""
        # The cap on the exponent keeps the number finite, however many tries are configured.
        return min(self.backoff_max_s, self.backoff_s * 2.0 ** min(tried - 1, 30)) * chance

    def refusal_wait(self, refused: int, asked: float | None, room_s: float) -> float:
        """Return the wait after the 429 number `refused` in a row.

        `asked`: its Retry-After in seconds, None if it named none. Without it: `room_s`, the seconds until the window
        has room, times `refused`.
        """
        if asked is not None:
            return min(max(asked, 0.0), self.retry_after_max_s)
        return min(room_s * refused, self.retry_after_max_s)


def retry_after(header: str | None, *, server_now: float) -> float | None:
    """Read a Retry-After header (seconds or an HTTP date). Return seconds from now; None if it is absent or unreadable.

    `server_now` (seconds since 1970) is the vendor's clock if its answer had a date. So a wrong clock here does not
    change the wait.
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
    """Read an HTTP date. Return seconds since 1970; None if it is not one."""
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
