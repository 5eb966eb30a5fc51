"""Reads and writes JSON with exact numbers. All JSON of the vendors goes through this module.

What a field means, and the types of money and dates, are in staging. Both vendors send money as JSON numbers without a
fixed scale (docs/vendors/pax8.md#formats, docs/vendors/halo.md#formats). So a number with a fraction or an exponent
becomes a Decimal, and is written with exactly its digits.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import simplejson

# A double holds any decimal number of up to 15 significant digits so that it can be printed without a change.
_DOUBLE_DIGITS = 15
# Beyond this power of ten a double overflows or loses digits near zero.
_DOUBLE_EXPONENT = 300


def loads(text: str | bytes) -> Any:
    """Parse JSON. Whole numbers become int, all others Decimal. Bytes are UTF-8; a BOM at the start is allowed.

    Raises ValueError for anything that is not one complete JSON document (NaN and Infinity are not JSON either), and
    for an object with the same key twice: nobody knows which of the two is right.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    try:
        return simplejson.loads(text, use_decimal=True, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"a JSON object has the key {twice[:80]!r} twice")
    return unique


def dumps(obj: Any) -> str:
    """Write compact JSON. A Decimal appears with exactly its digits; text has no ASCII escapes.

    Raises ValueError for NaN and Infinity, and TypeError for types that JSON does not have (dates: the caller formats
    them).
    """
    return simplejson.dumps(
        obj,
        use_decimal=True,
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
        namedtuple_as_object=False,
    )


def dumps_for_raw(obj: Any) -> str:
    """Write JSON for a raw table: as `dumps`, but a number that no double can hold becomes a string.

    DuckDB turns JSON numbers into doubles. Staging casts from text, so there a number and a string of the same digits
    are equal. Half a surrogate pair, which no UTF-8 database can store, becomes U+FFFD.
    """
    text = dumps(_for_raw(obj))
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _for_raw(obj: Any) -> Any:
    if isinstance(obj, dict):
        return {key: _for_raw(value) for key, value in obj.items()}
    if isinstance(obj, list | tuple):
        return [_for_raw(value) for value in obj]
    if isinstance(obj, Decimal):
        if obj.as_tuple().exponent == 0:
            # The vendor sent 2.01e2. Written as 201 it would be an id, which it is not.
            return Decimal(f"{obj}.0")
        return str(obj) if obj.is_finite() and not _fits_double(obj) else obj
    if isinstance(obj, int) and not isinstance(obj, bool):
        return obj if len(str(abs(obj))) <= _DOUBLE_DIGITS else str(obj)
    return obj


def _fits_double(number: Decimal) -> bool:
    return len(number.as_tuple().digits) <= _DOUBLE_DIGITS and abs(number.adjusted()) <= _DOUBLE_EXPONENT
