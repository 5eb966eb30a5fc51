"""Keeps secrets and tokens out of log lines and messages.

Here belongs: the list of values that must never be shown, and the log filter that masks them. Not here: where
secrets are read (`settings`). No module logs a secret on purpose; this is for what libraries log and vendors
echo.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from urllib.parse import quote, quote_plus

MASK = "***"

# Shorter values would blank out ordinary words; no vendor issues secrets as short as this.
_SHORTEST = 5
# Tokens come and go; a run sees few of them. Secrets of the configuration are registered again with each
# client.
_kept: deque[str] = deque(maxlen=256)
_lock = threading.Lock()

_PATTERNS = (
    re.compile(r"(?i)(bearer\s+|basic\s+)[A-Za-z0-9._~+/=-]{4,}"),
    re.compile(
        r"(?i)([\"']?(?:client_secret|access_token|refresh_token|id_token|password)[\"']?\s*[=:]\s*[\"']?)"
        r"[^\s\"'&,}]+"
    ),
    re.compile(r"(://)[^/\s@:]+:[^/\s@]+(?=@)"),
)

# Those whose records can carry a URL, a header or a body of ours.
_LOGGERS = (
    "urllib3",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
    "requests",
    "pax8_pipeline.transport.request_log",
)


def keep_secret(value: str) -> None:
    """From now on show `value`, as it is or URL-encoded, as asterisks only."""
    if len(value) < _SHORTEST:
        return
    with _lock:
        for spelling in dict.fromkeys((value, quote(value, safe=""), quote_plus(value))):
            if spelling not in _kept:
                _kept.append(spelling)


def redact(text: str) -> str:
    """Return `text` with every kept secret, and whatever looks like one by its name, masked."""
    with _lock:
        values = sorted(_kept, key=len, reverse=True)
    for value in values:
        if value in text:
            text = text.replace(value, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{MASK}", text)
    return text


class RedactFilter(logging.Filter):
    """Masks secrets in a record's text, arguments and traceback before any handler sees them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never drops a record."""
        try:
            text = record.getMessage()
        except (
            TypeError,
            ValueError,
        ):  # arguments that do not fit the text: what logging itself would report
            text = f"{record.msg} {record.args}"
        record.msg, record.args = redact(text), None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


_FILTER = RedactFilter()


def guard_loggers() -> None:
    """Put the filter on every logger that may speak of our requests; safe to call again and again.

    A filter on a logger sees only what is logged there, not what its children log: hence the list of names.
    To guard all of a process, add a `RedactFilter` to its handlers as well.
    """
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
