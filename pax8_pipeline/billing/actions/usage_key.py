"""The key of a usage invoice (`PAX8-USAGE <yyyy-mm> <Pax8 company>`), found in any text."""

from __future__ import annotations

import re
from typing import Any

# staging.halo_invoices finds keys by the same words. A key ends where its company's id and its -adjN end: -adj10 is
# not -adj1. What a person hung behind it ("... copy") leaves it the same key.
_KEY = re.compile(
    r"pax8-usage \d{4}-\d{2} (?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-adj\d+)?|[0-9a-z]+(?:-[0-9a-z]+)*)"
)
_SPACE = re.compile(r"\s+", re.ASCII)


def keys_in(*texts: Any) -> frozenset[str]:
    """Return the usage keys that stand in some texts, lower case."""
    return frozenset(key for text in texts for key in _KEY.findall(comparable(text)))


def comparable(text: Any) -> str:
    """Return a text as keys and references are compared: lower case, with single spaces."""
    return _SPACE.sub(" ", str(text or "")).strip().lower()
