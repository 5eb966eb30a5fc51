"""Puts the parts together: one rate limit, one token, pooled connections, for one vendor.

Here belongs: which part gets which setting. Not here: what any of them does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from pax8_pipeline.transport.client import FreshRefused, Transport
from pax8_pipeline.transport.oauth import TokenRequest, TokenSource
from pax8_pipeline.transport.quota import Quota
from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline.transport.request_log import RequestEvent, RequestLog
from pax8_pipeline.transport.retry import RetryPolicy
from pax8_pipeline.transport.session import HttpSession, checked_url
from pax8_pipeline.transport.timing import Timing

# Requests do not arrive in the rhythm in which they leave: what left evenly may arrive closer together.
_WINDOW_MARGIN_S = 1.0


class Limits(Protocol):
    """What both vendors' configurations say about rate, threads, time-outs and retries (times in seconds)."""

    @property
    def rate_limit(self) -> int:
        """Requests in any `rate_window_s`."""

    @property
    def rate_window_s(self) -> float:
        """Length of the rolling window."""

    @property
    def rate_ceiling(self) -> int | None:
        """What `rate_limit` may grow to while nothing is refused; None: it does not grow."""

    @property
    def threads(self) -> int:
        """Requests under way at once."""

    @property
    def connect_timeout_s(self) -> float:
        """For a connection."""

    @property
    def read_timeout_s(self) -> float:
        """Between two pieces of an answer."""

    @property
    def retry(self) -> RetryPolicy:
        """When and how often to ask again."""


@dataclass(frozen=True)
class VendorProfile:
    """What is true of one vendor, whoever asks: addresses, token, and what its refusals mean.

    `fresh_refused`: what a 401 on a fresh token means there. `may_write` False: nothing but GET is ever sent. `never`:
    resources (the first part of a path) that are never called.
    """

    vendor: str
    api_url: str
    token_url: str
    token_request: TokenRequest
    fresh_refused: FreshRefused
    may_write: bool
    never: Collection[str] = ()


def connect(
    profile: VendorProfile,
    limits: Limits,
    *,
    timing: Timing | None = None,
    limiter: RateLimiter | None = None,
    on_request: Callable[[RequestEvent], None] | None = None,
    on_quota: Callable[[Quota], None] | None = None,
) -> Transport:
    """Make a vendor's Transport. `limiter`: a budget shared with another client of the same vendor.

    Raises ConfigError for an address that is malformed or would send secrets unencrypted.
    """
    timing = timing or Timing()
    if limiter is None:
        window_s = limits.rate_window_s + _WINDOW_MARGIN_S
        limiter = RateLimiter(
            limits.rate_limit, window_s, clock=timing.clock, sleep=timing.sleep, ceiling=limits.rate_ceiling
        )
    log = RequestLog(profile.vendor, on_request)

    def session(url: str, variable: str) -> HttpSession:
        return HttpSession(
            checked_url(url, variable),
            connect_s=limits.connect_timeout_s,
            read_s=limits.read_timeout_s,
            threads=limits.threads,
            clock=timing.clock,
        )

    tokens = TokenSource(
        profile.token_request,
        session(profile.token_url, profile.token_request.address),
        timing=timing,
        retry=limits.retry,
        limiter=limiter,
        log=log,
    )
    return Transport(
        vendor=profile.vendor,
        wire=session(profile.api_url, f"{profile.vendor.upper()}_API_URL"),
        tokens=tokens,
        limiter=limiter,
        retry=limits.retry,
        timing=timing,
        threads=limits.threads,
        fresh_refused=profile.fresh_refused,
        may_write=profile.may_write,
        log=log,
        on_quota=on_quota,
        never=profile.never,
    )
