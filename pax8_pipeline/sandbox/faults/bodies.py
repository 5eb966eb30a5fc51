"""Bodies a fault puts in the place of the vendor's: error pages, and lists that are short, shifted or empty.

Here belongs: pure functions, body in and body out. Not here: when they are used (`middleware.py`).
"""

from __future__ import annotations

from typing import Any

from pax8_pipeline.text import jsontext

HTML = (
    "<!DOCTYPE html><html><head><title>{status} {reason}</title></head>"
    "<body><center><h1>{status} {reason}</h1></center><hr><center>gateway</center></body></html>"
)
REASONS = {
    408: "Request Timeout",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


def html(status: int) -> bytes:
    """An error page as a gateway writes it."""
    return HTML.format(status=status, reason=REASONS.get(status, "OK")).encode()


def pax8_rate_body(path: str, style: str) -> tuple[bytes, str]:
    """Body and content type of Pax8's 429; `style` is envelope or text."""
    if style == "envelope":
        instance = path.replace("/pax8/v1", "/public/v1", 1)
        error = {"type": "TOO_MANY_REQUESTS", "message": "Too many requests", "instance": instance}
        return jsontext.dumps(error | {"status": 429, "details": []}).encode(), "application/json"
    return b"Too many requests", "text/plain"


def halo_rate_body(limit: int | None) -> tuple[bytes, str]:
    """Body and content type of Halo's 429: text that names `limit` and the window, or neither (None)."""
    text = "Too many requests" if limit is None else f"API calls quota exceeded! Maximum admitted {limit} per 5m."
    return text.encode(), "text/plain"


def shortened(body: bytes, rows: int) -> bytes | None:
    """The list without its last rows, totals as they were; None for what is no list or has no rows."""
    data = _parsed(body)
    found = _rows(data)
    if not found:
        return None
    del found[-rows:]
    return jsontext.dumps(data).encode()


def shifted(body: bytes, body_before: bytes) -> bytes | None:
    """The page with the last row of the page before it in front and its own last row gone; None for no lists."""
    data, before = _parsed(body), _parsed(body_before)
    found, found_before = _rows(data), _rows(before)
    if not found or not found_before:
        return None
    found[:] = [found_before[-1], *found[:-1]]
    return jsontext.dumps(data).encode()


def emptied(body: bytes) -> bytes | None:
    """The list with no rows and totals of 0; None for what is no list."""
    data = _parsed(body)
    found = _rows(data)
    if found is None:
        return None
    found.clear()
    if isinstance(data, dict):
        if "record_count" in data:
            data["record_count"] = 0
        if isinstance(data.get("page"), dict):
            data["page"] |= {"totalElements": 0, "totalPages": 0}
    return jsontext.dumps(data).encode()


def _parsed(body: bytes) -> Any:
    try:
        return jsontext.loads(body)
    except ValueError:
        return None


def _rows(data: Any) -> list[Any] | None:
    """The rows of a list answer of either vendor: a bare array, `content`, or the one array beside `record_count`."""
    if isinstance(data, list):
        return data
    if not isinstance(data, dict):
        return None
    if "page" in data or "content" in data:
        content = data.get("content")
        return content if isinstance(content, list) else None
    if "record_count" in data:
        return next((value for value in data.values() if isinstance(value, list)), None)
    return None
