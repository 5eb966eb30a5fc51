"""Records requests in the debug log. Nothing here can contain a secret: no headers, no bodies, no query."""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)


def log_request(vendor: str, method: str, path: str, status: int | None, seconds: float) -> None:
    """Record a request that was sent: the status of its answer (None: no answer came), and how long that took."""
    _log.debug("%s %s %s: %s in %.3f s", vendor, method, path, status or "no answer", seconds)
