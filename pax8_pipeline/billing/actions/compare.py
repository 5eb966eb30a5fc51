"""Compares single values of Halo's JSON (Decimal numbers) as Halo means them: numbers, flags, dates and "nothing".

Which members are compared is in `differences` and `drift`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pax8_pipeline.values import decimal

Object = Mapping[str, Any]

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?", re.ASCII)


def same(a: Any, b: Any) -> bool:
    """Return whether two values are one for Halo: 20, 20.0 and "20" are one number; missing, null and "" are nothing."""
    a, b = (None if v == "" else v for v in (a, b))
    if isinstance(a, bool) or isinstance(b, bool):
        return flag(a, absent=False) is not None and flag(a, absent=False) is flag(b, absent=False)
    if a is None or b is None:
        return a is None and b is None
    x, y = number(a), number(b)
    return x == y if x is not None and y is not None else str(a) == str(b)


def number(value: Any) -> Decimal | None:
    """Return a value as a number, None when it is none."""
    try:
        return decimal(value)
    except ValueError:
        return None


def flag(value: Any, *, absent: bool | None = None) -> bool | None:
    """Return what a flag says; None when it cannot be read. `absent`: what a flag that was left out means."""
    if value is None or value == "":
        return absent
    return _FLAGS.get(str(value).strip().lower())


def calendar_day(value: Any) -> date | None:
    """Return the calendar day in front of a date as the vendors send it, None when it is none."""
    text = str(value or "").strip()
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def show(value: Any) -> str:
    """Return a value as a sentence names it."""
    return "nothing" if value is None else str(value)


def show_flag(value: bool | None, yes: str, no: str) -> str:
    """Return a flag (`flag`) as a sentence names it."""
    return "in a state that cannot be read" if value is None else yes if value else no
