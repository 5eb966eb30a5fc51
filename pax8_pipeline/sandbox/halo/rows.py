"""Small parts of every row of Halo: empty values, dates, doubles, and a row from its template.

The templates are in `templates.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

EMPTY_DATE = "1900-01-01T00:00:00"  # Halo's "no date" (docs/vendors/halo.md#formats)
ZERO = Decimal("0.0")
AGENT = (31, "Pax8 Pipeline (API)")  # the agent of the application: id and name in the change logs


def as_double(value: Decimal | int | float) -> Decimal:
    """A number as a .NET double comes back in JSON: binary precision, always with a decimal point."""
    return Decimal(f"{value}.0") if type(value) is int else Decimal(repr(float(value)))


def stamp(moment: datetime) -> str:
    """A moment in UTC as Halo writes it: no offset (docs/vendors/halo.md#formats)."""
    utc = moment.astimezone(UTC) if moment.tzinfo else moment
    return utc.replace(tzinfo=None).isoformat(timespec="seconds")


def day_stamp(day: date) -> str:
    """A date as Halo writes it: midnight without offset."""
    return f"{day.isoformat()}T00:00:00"


def read_day(text: str | None) -> date | None:
    """The date in a Halo time, or None for Halo's empty dates (any year below 1910)."""
    if not text:
        return None
    day = date.fromisoformat(text[:10])
    return day if day.year >= 1910 else None


def new_row(template: Row, fields: Mapping[str, Any]) -> Row:
    """Return a row to store: the template with the given members; doubles in Halo's form."""
    row = {k: (copy.deepcopy(v) if isinstance(v, list) else v) for k, v in template.items()}
    for name, value in fields.items():
        default = template.get(name)
        if isinstance(value, float) or (isinstance(default, Decimal) and isinstance(value, (int, Decimal))):
            row[name] = as_double(value)
        elif isinstance(value, datetime):
            row[name] = stamp(value)
        elif isinstance(value, date):
            row[name] = day_stamp(value)
        else:
            row[name] = copy.deepcopy(value) if isinstance(value, (list, dict)) else value
    return row
