"""JSON text in and out with every number exact; nothing else parses or writes JSON of a vendor.

Here belongs: text <-> Python objects. Not here: what a field means, typing of money or dates (staging).
Money is a JSON number of no fixed scale at both vendors (docs/vendors/pax8.md#formats, docs/vendors/halo.md#formats),
so a number with a fraction or an exponent becomes a Decimal and goes out with exactly its digits.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import simplejson

# A double holds any decimal number of up to 15 significant digits so that it can be printed back unchanged.
_DOUBLE_DIGITS = 15
# Beyond this power of ten a double overflows or loses digits near zero.
_DOUBLE_EXPONENT = 300


def loads(text: str | bytes) -> Any:
    """Parse JSON; whole numbers become int, all others Decimal. Bytes are UTF-8, a leading BOM is allowed.

    Raises ValueError for anything that is not one whole JSON document (NaN and Infinity are not JSON either), and for
    an object with the same key twice: whichever of the two were taken, the other may be the one that was meant.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    try:
        return simplejson.loads(text, use_decimal=True, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"a JSON object has the key {twice[:80]!r} twice")
    return found


def dumps(obj: Any) -> str:
    """Write compact JSON; a Decimal appears with exactly its digits, text stays readable (no ASCII escapes).

    Raises ValueError for NaN and Infinity, TypeError for what JSON does not have (dates: their owner's task).
    """
    return simplejson.dumps(
        obj,
        use_decimal=True,
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
        namedtuple_as_object=False,
    )


def stored(obj: Any) -> str:
    """Write JSON for a raw table: like `dumps`, but a number no double can hold becomes a string.

    DuckDB turns JSON numbers into doubles. Staging casts from text, so a number and a string of the same
    digits read alike there. Half a surrogate pair, which no UTF-8 database can hold, becomes U+FFFD.
    """
    text = dumps(_storable(obj))
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _storable(obj: Any) -> Any:
    if isinstance(obj, dict):
        return {key: _storable(value) for key, value in obj.items()}
    if isinstance(obj, list | tuple):
        return [_storable(value) for value in obj]
    if isinstance(obj, Decimal):
        if obj.as_tuple().exponent == 0:
            # It came as 2.01e2: written as 201 it would be an id, which it is not.
            return Decimal(f"{obj}.0")
        return str(obj) if obj.is_finite() and not _fits_double(obj) else obj
    if isinstance(obj, int) and not isinstance(obj, bool):
        return obj if len(str(abs(obj))) <= _DOUBLE_DIGITS else str(obj)
    return obj


def _fits_double(number: Decimal) -> bool:
    return len(number.as_tuple().digits) <= _DOUBLE_DIGITS and abs(number.adjusted()) <= _DOUBLE_EXPONENT
