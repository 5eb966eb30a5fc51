"""Counts the tries of one call and waits between them, or gives up with the last error.

It applies the limits of `RetryPolicy` (tries and deadline). Which failures allow another try is decided in `client`.
"""

from __future__ import annotations

from typing import NoReturn

from pax8_pipeline.errors import RateLimited, VendorError
from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline.transport.retry import RetryPolicy, http_date, retry_after
from pax8_pipeline.transport.session import Answer
from pax8_pipeline.transport.timing import Timing


class RetryState:
    """The tries of one call to one vendor. `made`: all tries so far."""

    def __init__(self, policy: RetryPolicy, timing: Timing, limiter: RateLimiter) -> None:
        self._policy = policy
        self._timing = timing
        self._limiter = limiter
        self._deadline = timing.clock() + policy.deadline_s
        self._refusals = 0
        self._refused_since = 0.0
        self._failures = 0
        self.made = 0

    def wait_after_failure(self, error: VendorError, answer: Answer | None = None) -> None:
        """After a failed try: wait (exponential, full jitter), or raise `error` if it was the last one.

        If `answer` names a longer wait (503 with Retry-After), that wait is used.
        """
        self.made += 1
        self._failures += 1
        self._refusals = 0
        wait = self._policy.backoff(self._failures, self._timing.random())
        asked = None if answer is None else self._retry_after(answer)
        if asked is not None:
            wait = max(wait, self._policy.refusal_wait(1, asked, 0.0))
        if self._failures >= self._policy.tries or self._timing.clock() + wait > self._deadline:
            self._give_up(error)
        self._timing.sleep(wait)

    def wait_after_refusal(self, answer: Answer, error: RateLimited) -> None:
        """After a 429: let all callers wait as long as it asks, or raise `error` when this has lasted too long.

        Refusals are not counted as tries: many callers share one window, and it always ends.
        """
        self.made += 1
        self._refusals += 1
        if self._refusals == 1:
            self._refused_since = self._timing.clock()
        wait = self._policy.refusal_wait(self._refusals, self._retry_after(answer), self._limiter.record_refusal())
        self._limiter.pause(wait)  # the next try waits there, with all other callers
        deadline = min(self._deadline, self._refused_since + self._policy.refusals_for_s)
        if self._timing.clock() + wait > deadline:
            self._give_up(error)

    def _retry_after(self, answer: Answer) -> float | None:
        vendor_time = http_date(answer.headers.get("Date"))
        return retry_after(
            answer.headers.get("Retry-After"), server_now=self._timing.wall() if vendor_time is None else vendor_time
        )

    def _give_up(self, error: VendorError) -> NoReturn:
        tries = "1 try" if self.made == 1 else f"{self.made} tries"
        error.args = (f"{error.args[0]} (given up after {tries})", *error.args[1:])
        raise error
