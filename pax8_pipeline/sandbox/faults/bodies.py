"""Bodies that a fault sends instead of the vendor's: error pages, and lists that are short, shifted or empty.

Pure functions: a body in, a body out. When they are used is decided in `middleware.py`.
"""

from __future__ import annotations

from typing import Any

from pax8_pipeline.text import jsontext

HTML = (
    "<!DOCTYPE html><html><head><title>{status} {reason}</title></head>"
    "<body><center><h1>{status} {reason}</h1></center><hr><center>gateway</center></body></html>"
)
REASONS = {
    403: "Forbidden",
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
    """Return the list without its last rows and with unchanged totals; None if it is not a list or has no rows."""
    data = _parsed(body)
    rows_found = _rows(data)
    if not rows_found:
        return None
    del rows_found[-rows:]
    return jsontext.dumps(data).encode()


def shifted(body: bytes, body_before: bytes) -> bytes | None:
    """Return the page with the last row of the page before in front, without its own last; None if it is no list."""
    data, before = _parsed(body), _parsed(body_before)
    found, found_before = _rows(data), _rows(before)
    if not found or not found_before:
        return None
    found[:] = [found_before[-1], *found[:-1]]
    return jsontext.dumps(data).encode()


def emptied(body: bytes) -> bytes | None:
    """Return the list without rows and with totals of 0; None if it is not a list."""
    data = _parsed(body)
    list_rows = _rows(data)
    if list_rows is None:
        return None
    list_rows.clear()
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
    """Return the rows of either vendor's list: an array, `content`, or the only array beside `record_count`."""
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
