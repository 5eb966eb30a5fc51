"""What the clients of both vendors share: their connection, and many reads at once.

The endpoints are in `pax8.client` and `halo.client`. A vendor's addresses, token and refusals are in the
`VendorProfile` that each of them makes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypedDict, TypeVar, Unpack

from pax8_pipeline.clock import ClockSeen
from pax8_pipeline.transport.client import VendorProfile
from pax8_pipeline.transport.connect import ConnectionLimits, connect
from pax8_pipeline.transport.parallel import map_all
from pax8_pipeline.transport.quota import Quota
from pax8_pipeline.transport.timing import Timing

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]


class ClientOptions(TypedDict, total=False):
    """What a client may be given: time (for tests), and what to call when the vendor states its limit."""

    timing: Timing
    on_quota: Callable[[Quota], None]


class VendorClient:
    """One account at one vendor. Thread-safe. Close it, or use it as a context manager.

    Raises ConfigError for an address that is malformed or would send secrets unencrypted.
    """

    def __init__(self, profile: VendorProfile, limits: ConnectionLimits, **options: Unpack[ClientOptions]) -> None:
        self._threads = limits.threads
        self._transport = connect(profile, limits, **options)

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
    def limit_headers(self) -> tuple[str, ...]:
        """The names of the headers about a limit of requests that the vendor sent so far."""
        return self._transport.limit_headers

    def raw(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Read one answer as it is sent. For `doctor --probe`, which asks how a vendor answers; runs use typed reads."""
        return self._transport.get_json(path, params)

    def many(self, fn: Callable[[Item], Result], ids: Iterable[Item], progress: Progress | None = None) -> list[Result]:
        """Apply one of the client's reads to many ids at once, in their order. The first error ends it."""
        return map_all(fn, ids, self._threads, progress)
