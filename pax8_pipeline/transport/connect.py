"""Connects the parts of a Transport for one vendor: one rate limit, one token, pooled connections. What each part does
is in its own module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pax8_pipeline.transport.client import Transport, VendorProfile
from pax8_pipeline.transport.oauth import TokenSource
from pax8_pipeline.transport.quota import Quota
from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline.transport.retry import RetryPolicy
from pax8_pipeline.transport.session import HttpSession, checked_url
from pax8_pipeline.transport.timing import Timing

# Requests that are sent evenly may arrive closer together. So our window is longer than the vendor's.
_WINDOW_MARGIN_S = 1.0


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """How fast and how patiently a vendor is asked. Times are in seconds.

    `rate_limit`: requests in any `rate_window_s`; it may grow up to `rate_ceiling` while nothing is refused (None: it
    does not grow). `threads`: the most requests at the same time. `read_timeout_s`: between two pieces of an answer.
    """

    rate_limit: int
    rate_window_s: float
    rate_ceiling: int | None = None
    threads: int
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)


def connect(
    profile: VendorProfile,
    limits: ConnectionLimits,
    *,
    timing: Timing | None = None,
    on_quota: Callable[[Quota], None] | None = None,
) -> Transport:
    """Return a vendor's Transport.

    Raises ConfigError for an address that is malformed or would send secrets unencrypted.
    """
    timing = timing or Timing()
    window_s = limits.rate_window_s + _WINDOW_MARGIN_S
    limiter = RateLimiter(
        limits.rate_limit, window_s, clock=timing.clock, sleep=timing.sleep, ceiling=limits.rate_ceiling
    )

    tokens = TokenSource(
        profile.token_request,
        _session(profile.token_url, profile.token_request.address, limits, timing),
        timing=timing,
        retry=limits.retry,
        limiter=limiter,
    )
    return Transport(
        profile,
        _session(profile.api_url, f"{profile.vendor.upper()}_API_URL", limits, timing),
        tokens,
        limiter=limiter,
        retry=limits.retry,
        timing=timing,
        threads=limits.threads,
        on_quota=on_quota,
    )


def _session(url: str, variable: str, limits: ConnectionLimits, timing: Timing) -> HttpSession:
    return HttpSession(
        checked_url(url, variable),
        connect_s=limits.connect_timeout_s,
        read_s=limits.read_timeout_s,
        threads=limits.threads,
        clock=timing.clock,
    )
