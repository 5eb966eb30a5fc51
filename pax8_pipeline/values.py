"""Reads ids, numbers, months and dates strictly: a value that only looks like one is refused, never repaired.

Each function reads one value, or says why it cannot. The caller adds the place: file, row, key or option. The SQL
functions with the same names (warehouse/sql/functions.sql) read values in the same way.

A spreadsheet turns 201 into 2.01E+02, `201,00` or a date; a YAML reader turns 0231 into 153; `int()` accepts 1_000 and
Arabic digits. Each of these would be another record than the one that was meant, so none of them is accepted as an id.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any, Literal

# What is known of Halo's own Pax8 integration: two writers of one quantity fight each other for ever.
IntegrationState = Literal["off", "on", "unknown"]

# These are removed around a value. Any other space (no-break, zero-width) is part of it and makes it unreadable.
SPACES = " \t\r\n"
LARGEST_ID = 2**63 - 1
TOO_LARGE = 10**18  # DECIMAL(28,10)

_DIGITS = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
# The grammar of a JSON number (RFC 8259): both vendors send numbers in this form, and a policy may use it.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])", re.ASCII)


def halo_id(value: Any) -> int:
    """Return a Halo id. Raises ValueError with the reason."""
    return _id(value, negative=False)


def recurring_invoice_id(value: Any) -> int:
    """Return the id of a Halo recurring invoice, which is negative in Halo's API. Raises ValueError."""
    return _id(value, negative=True)


def id_in_halo(value: Any) -> int | None:
    """Return the id in a member of a Halo object, of either sign; None when there is none (also 0 and -1)."""
    try:
        halo_object_id = recurring_invoice_id(value)
    except ValueError:
        return None
    return None if halo_object_id == -1 else halo_object_id


def pax8_id(value: Any) -> str:
    """Return a Pax8 id (a UUID) in lower case, as ids are compared. Raises ValueError with the reason."""
    text = value.strip(SPACES) if isinstance(value, str) else ""
    if _UUID.fullmatch(text):
        return text.lower()
    raise ValueError(
        f"{_shown(value)} is not a Pax8 id: write it as Pax8 shows it, such as 5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11"
    )


def whole_number(value: Any) -> int:
    """Return a whole number. Raises ValueError with the reason."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip(SPACES)):
        return int(value)
    raise ValueError(f"{_shown(value)} is not a whole number: write digits only, such as 25")


def decimal(value: Any) -> Decimal:
    """Return a finite number with exactly its digits. Raises ValueError with the reason."""
    text = value.strip(SPACES) if isinstance(value, str) else str(value)
    # Decimal() also accepts 1_000, Arabic digits and NaN. TOO_LARGE: the warehouse cannot store such an amount.
    number = Decimal(text) if _NUMBER.fullmatch(text) else None
    if number is None or abs(number) >= TOO_LARGE:
        raise ValueError(f"{_shown(value)} is not a number: write digits and one dot, such as 2500 or 12.5")
    return number


def day(value: Any) -> date:
    """Return a calendar date. Raises ValueError with the reason."""
    text = value.strip(SPACES) if isinstance(value, str) else ""
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{_shown(value)} is not a day of the calendar") from None
    raise ValueError(f"{_shown(value)} is not a date: write it as yyyy-mm-dd, such as 2026-08-06")


def month(value: Any) -> str:
    """Return a month as yyyy-mm. Raises ValueError with the reason."""
    text = value.strip(SPACES) if isinstance(value, str) else ""
    if _MONTH.fullmatch(text) and text >= "1900":
        return text
    raise ValueError(f"{_shown(value)} is not a month: write it as yyyy-mm, such as 2026-08")


def _id(value: Any, *, negative: bool) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        text = str(value) if abs(value) <= LARGEST_ID else ""
    else:
        text = value.strip(SPACES) if isinstance(value, str) else ""
    digits = text.removeprefix("-") if negative else text
    if _DIGITS.fullmatch(digits) and int(digits) <= LARGEST_ID:
        return int(text)
    kind, sample = ("recurring invoice id", "-94") if negative else ("Halo id", "231")
    raise ValueError(
        f"{_shown(value)} is not a {kind}: write the digits only as Halo shows them, such as {sample}, without leading "
        "zeros, dots, spaces or separators"
    )


def _shown(value: Any) -> str:
    """Return a value for a message, with every invisible character spelt out: they make most ids unreadable."""
    return ascii(value)[:80] if isinstance(value, str) and not value.isprintable() else repr(value)[:80]
