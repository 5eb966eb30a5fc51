"""Keeps secrets and tokens out of log lines and messages.

It holds the list of values that must never be shown, and the log filter that masks them. Secrets are read in
`settings`. No module logs a secret on purpose; this is for what libraries log and what vendors repeat in their answers.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from urllib.parse import quote, quote_plus

MASK = "***"

# A shorter value would mask ordinary words. No vendor gives out secrets as short as this.
_SHORTEST = 5
# Tokens change, and a run sees few of them. The secrets of the configuration are registered again with each client.
_secrets: deque[str] = deque(maxlen=256)
_lock = threading.Lock()

_PATTERNS = (
    re.compile(r"(?i)(bearer\s+|basic\s+)[A-Za-z0-9._~+/=-]{4,}"),
    re.compile(
        r"(?i)([\"']?(?:client_secret|access_token|refresh_token|id_token|password)[\"']?\s*[=:]\s*[\"']?)"
        r"[^\s\"'&,}]+"
    ),
    re.compile(r"(://)[^/\s@:]+:[^/\s@]+(?=@)"),
)

# The loggers whose records can contain a URL, a header or a body of ours.
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


def register_secret(value: str) -> None:
    """Mask `value` and its URL-encoded forms from now on. Values below 5 characters are ignored."""
    if len(value) < _SHORTEST:
        return
    with _lock:
        for spelling in dict.fromkeys((value, quote(value, safe=""), quote_plus(value))):
            if spelling not in _secrets:
                _secrets.append(spelling)


def redact(text: str) -> str:
    """Return `text` with every registered secret masked, and also every value whose name says that it is a secret."""
    with _lock:
        values = sorted(_secrets, key=len, reverse=True)
    for value in values:
        if value in text:
            text = text.replace(value, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{MASK}", text)
    return text


class RedactFilter(logging.Filter):
    """Masks secrets in a record's text, arguments and traceback before any handler sees them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record; never drop it."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit the text: logging itself would report this
            text = f"{record.msg} {record.args}"
        record.msg, record.args = redact(text), None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


_FILTER = RedactFilter()


def guard_loggers() -> None:
    """Put the filter on every logger that may log our requests. It can be called more than once.

    A filter on a logger sees only the records of that logger, not those of its children: so there is a list of names. To
    protect a whole process, add a `RedactFilter` to its handlers too.
    """
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
