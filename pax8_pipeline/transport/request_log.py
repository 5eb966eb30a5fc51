"""Records requests: in the debug log, and for a caller who counts them.

Nothing here can contain a secret: no headers, no bodies, no query.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RequestEvent:
    """One request that was sent. `status` None: no answer came. `seconds`: from sending to the end of the answer."""

    vendor: str
    method: str
    path: str
    status: int | None
    seconds: float


class RequestLog:
    """Writes one debug line for each request and passes it to `on_request`, which any thread may call."""

    def __init__(self, vendor: str, on_request: Callable[[RequestEvent], None] | None) -> None:
        self._vendor = vendor
        self._on_request = on_request

    def record(self, method: str, path: str, status: int | None, seconds: float) -> None:
        """Record a request that was sent, with the status of its answer (None: no answer came)."""
        log.debug("%s %s %s: %s in %.3f s", self._vendor, method, path, status or "no answer", seconds)
        if self._on_request is not None:
            self._on_request(RequestEvent(self._vendor, method, path, status, seconds))
