"""Telling others that a request went out: the debug log, and whoever counts.

Here belongs: what is told of a request. Not here: anything that could hold a secret (no headers, no bodies,
no query).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RequestEvent:
    """One request that was sent. `status` None: no answer came. `seconds`: how long it took, reading included."""

    vendor: str
    method: str
    path: str
    status: int | None
    seconds: float


class RequestLog:
    """Writes one debug line per request and hands it to `on_request`, which any thread may call."""

    def __init__(self, vendor: str, on_request: Callable[[RequestEvent], None] | None) -> None:
        self._vendor = vendor
        self._on_request = on_request

    def note(self, method: str, path: str, status: int | None, seconds: float) -> None:
        """A request was sent and answered, or lost."""
        log.debug("%s %s %s: %s in %.3f s", self._vendor, method, path, status or "no answer", seconds)
        if self._on_request is not None:
            self._on_request(RequestEvent(self._vendor, method, path, status, seconds))
