"""What the clients of both vendors share: their connection, and many reads at once.

The endpoints are in `pax8.client` and `halo.client`. A vendor's addresses, token and refusals are in the
`VendorProfile` that each of them makes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Self, TypeVar

from pax8_pipeline.clock import ClockSeen
from pax8_pipeline.transport.connect import ConnectionLimits, VendorProfile, connect
from pax8_pipeline.transport.parallel import map_all
from pax8_pipeline.transport.quota import Quota
from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline.transport.request_log import RequestEvent
from pax8_pipeline.transport.timing import Timing

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]


class VendorClient:
    """One account at one vendor. Thread-safe. Close it, or use it as a context manager.

    `limiter`: a rate limit shared with another client of the same account. `on_request`, `on_quota`: called after each
    request, and when the vendor states its limit. Raises ConfigError for an address that is malformed or would send
    secrets unencrypted.
    """

    def __init__(
        self,
        profile: VendorProfile,
        limits: ConnectionLimits,
        *,
        timing: Timing | None = None,
        limiter: RateLimiter | None = None,
        on_request: Callable[[RequestEvent], None] | None = None,
        on_quota: Callable[[Quota], None] | None = None,
    ) -> None:
        self._threads = limits.threads
        self._transport = connect(
            profile, limits, timing=timing, limiter=limiter, on_request=on_request, on_quota=on_quota
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    @property
    def clock(self) -> ClockSeen | None:
        """The vendor's clock beside ours, from the last answer with a date; None before the first."""
        return self._transport.clock

    @property
    def limiter(self) -> RateLimiter:
        """The shared rate limit."""
        return self._transport.limiter

    def many(self, fn: Callable[[Item], Result], ids: Iterable[Item], progress: Progress | None = None) -> list[Result]:
        """Apply one of the client's reads to many ids at once. Results have the order of the ids; the first error ends
        the call and is raised.
        """
        return map_all(fn, ids, self._threads, progress)
