"""Formats single values for people: numbers, money, dates, counts; and data as JSON for programs.

It contains the only code that writes an amount or a date in a report. Not here: tables (`table`), plurals
(`text.plurals`), escaping (`text.plaintext`, the templates).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

NOT_KNOWN = "not known"
_CENT = Decimal("0.01")


def plain(value: Any, nothing: str = "") -> str:
    """Return a value in short: 20 and not 20.0000000000, yes and no, `nothing` for None and for an empty list."""
    if value is None or value == []:
        return nothing
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, list):
        return ", ".join(plain(item, nothing) for item in value)
    return str(value)


def money(amount: Decimal | None, currency: str | None = None, *, signed: bool = False) -> str:
    """Return an amount with two decimals, thousands separators and its currency; empty for None.

    With `signed` an amount above zero has a plus sign. An amount that rounds to zero never has a sign.
    """
    if amount is None:
        return ""
    # Without it an amount such as -0.001 would be written as -0.00.
    amount = abs(amount) if not round(amount, 2) else amount
    text = f"{amount:+,.2f}" if signed and amount >= _CENT / 2 else f"{amount:,.2f}"
    return f"{text} {currency}" if currency else text


def known_money(amount: Decimal | None, currency: str | None = None, *, signed: bool = False) -> str:
    """Return an amount like `money`, and `not known` for None: an unknown amount never looks like 0."""
    return NOT_KNOWN if amount is None else money(amount, currency, signed=signed)


def amounts(sums: Mapping[str, Decimal], nothing: str = "0.00") -> str:
    """Return amounts by currency, which are never added up: `1,204.50 USD, 12.00 EUR`."""
    return ", ".join(money(sums[currency], currency) for currency in sorted(sums) if sums[currency]) or nothing


def percent(value: Decimal | None) -> str:
    """Return a percentage with one decimal; empty for None."""
    return "" if value is None else f"{value:,.1f} %"


def count(number: int) -> str:
    """Return a whole number with thousands separators."""
    return f"{number:,}"


def number(value: Decimal | int) -> str:
    """Return a number with thousands separators and no more decimals than it has: 20,907.316."""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def day(value: date) -> str:
    """Return a date for a sentence: 20 August 2026. Tables keep 2026-08-20, which sorts."""
    return f"{value.day} {value:%B %Y}"


def month_name(month: str) -> str:
    """Return a month such as 2026-08 for a sentence: August 2026."""
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"


def moment(value: datetime) -> str:
    """Return a time (UTC, as the warehouse stores it) to the minute."""
    return f"{value:%Y-%m-%d %H:%M} UTC"


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """Return data as JSON text. Decimals are decimal text, so that no reader makes a double of money."""
    return json.dumps(value, indent=indent, default=_json_value, ensure_ascii=False)


def _json_value(value: Any) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
