"""Reads the number of requests and the window from the text of a refusal (429). Pure.

Halo names both in words ("300 requests per 5 minutes"). The wording differs between versions
(docs/vendors/halo.md#limits).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NUMBER = r"(?P<requests>\d{1,3}(?:[ ,.]\d{3})+|\d+)"
_WINDOW = r"(?P<count>\d+(?:\.\d+)?)?\s*-?\s*(?P<unit>s|m|h|sec|secs|seconds?|min|mins|minutes?|hours?)\b"
_PER = r"[^\d.;!?/]{0,40}?(?:\b(?:per|in|every|within)\b|/)[^\d.;!?]{0,20}?"
# Examples: "300 requests per 5 minutes", "700 calls in a rolling 5-minute window", "maximum admitted 300 per 5m",
# "limit 300 / 300 s". A number without one of these words near it may be a status or a number of minutes.
_TEXTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_NUMBER}\s+(?:requests?|calls?)\b{_PER}{_WINDOW}",
        rf"\b(?:limit|maximum|max|admitted|quota|allowed)\b[^\d.;!?]{{0,20}}\b{_NUMBER}\b{_PER}{_WINDOW}",
    )
)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST_WINDOW_S = 86400.0
# A text of other words may hold a name; it is not kept.
_WORDS = frozenset(
    [
        "a",
        "admitted",
        "allowed",
        "an",
        "any",
        "api",
        "call",
        "calls",
        "every",
        "h",
        "hour",
        "hours",
        "in",
        "is",
        "limit",
        "m",
        "max",
        "maximum",
        "min",
        "mins",
        "minute",
        "minutes",
        "of",
        "per",
        "quota",
        "request",
        "requests",
        "rolling",
        "s",
        "sec",
        "second",
        "seconds",
        "secs",
        "the",
        "window",
        "within",
    ]
)


@dataclass(frozen=True)
class Quota:
    """A limit that a vendor named: `requests` in any `window_s` seconds.

    `text`: the vendor's words for it in small letters; "" where they have a word that is not one of limits.
    """

    requests: int
    window_s: float
    text: str = field(default="", compare=False)


def read_quota(text: str) -> Quota | None:
    """Return the limit that a refusal names. None: no limit, or one that cannot be (0, above a day)."""
    match = next(filter(None, (pattern.search(text) for pattern in _TEXTS)), None)
    if match is None:
        return None
    requests = int(re.sub(r"[ ,.]", "", match["requests"]))
    window_s = float(match["count"] or 1) * _SECONDS[match["unit"][0].lower()]
    if requests <= 0 or not 0 < window_s <= _LONGEST_WINDOW_S:
        return None
    return Quota(requests, window_s, _without_names(match[0]))


def _without_names(text: str) -> str:
    """Return a text in small letters, on one line; "" when it has a word that is not one of limits."""
    small = " ".join(text.lower().split())
    return small if set(re.findall(r"[^\W\d_]+", small)) <= _WORDS else ""


def usable_requests(quota: Quota) -> int:
    """Return how many requests of a vendor's limit we use: nine tenths, because other integrations share it."""
    return max(quota.requests * 9 // 10, 1)
