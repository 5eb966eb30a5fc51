"""Counts the tries of one call and waits between them, or gives up with the error at hand.

Here belongs: the bounds of asking again (tries and deadline). Not here: which failures may be asked again.
"""

from __future__ import annotations

from typing import NoReturn

from pax8_pipeline.errors import RateLimited, VendorError
from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline.transport.retry import RetryPolicy, http_date, retry_after
from pax8_pipeline.transport.session import Answer
from pax8_pipeline.transport.timing import Timing


class RetryState:
    """The tries of one call to one vendor."""

    def __init__(self, policy: RetryPolicy, timing: Timing, limiter: RateLimiter) -> None:
        self._policy = policy
        self._timing = timing
        self._limiter = limiter
        self._latest = timing.clock() + policy.deadline_s
        self._refused = 0
        self._refused_since = 0.0
        self._failed = 0
        self.made = 0

    def failed(self, error: VendorError, answer: Answer | None = None) -> None:
        """After a failed try: wait (exponential, full jitter), or raise `error` if this was the last.

        An `answer` that names a longer wait (503 with Retry-After) gets it.
        """
        self.made += 1
        self._failed += 1
        self._refused = 0
        wait = self._policy.backoff(self._failed, self._timing.random())
        asked = None if answer is None else self._asked(answer)
        if asked is not None:
            wait = max(wait, self._policy.refusal_wait(1, asked, 0.0))
        if self._failed >= self._policy.tries or self._timing.clock() + wait > self._latest:
            self._give_up(error)
        self._timing.sleep(wait)

    def refused(self, answer: Answer, error: RateLimited) -> None:
        """After a 429: hold everybody for as long as it asks, or raise `error` once that lasts too long.

        Refusals are not counted as tries: many callers share one window, and it is bound to pass.
        """
        self.made += 1
        self._refused += 1
        if self._refused == 1:
            self._refused_since = self._timing.clock()
        wait = self._policy.refusal_wait(self._refused, self._asked(answer), self._limiter.refuse())
        self._limiter.pause(wait)  # the next try waits there, with everybody else
        latest = min(self._latest, self._refused_since + self._policy.refusals_for_s)
        if self._timing.clock() + wait > latest:
            self._give_up(error)

    def _asked(self, answer: Answer) -> float | None:
        server_now = http_date(answer.headers.get("Date"))
        return retry_after(
            answer.headers.get("Retry-After"),
            server_now=self._timing.wall() if server_now is None else server_now,
        )

    def _give_up(self, error: VendorError) -> NoReturn:
        tries = "1 try" if self.made == 1 else f"{self.made} tries"
        error.args = (f"{error.args[0]} (given up after {tries})", *error.args[1:])
        raise error
