"""Reading one written element: which members Halo knows, which types they take, and how it refuses.

Here belongs: from JSON to the members Halo stores, the three bodies of a 400, the members nobody may send. Not here:
what a saved member causes (`writes.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pax8_pipeline.sandbox.halo.invoice_templates import (
    HEADER_COMPUTED,
    HEADER_DECOR,
    HEADER_ROW,
    LINE_COMPUTED,
    LINE_DECOR,
    LINE_ROW,
    PRORATA_ROW,
    QUANTITY_ROW,
)
from pax8_pipeline.sandbox.halo.rows import Row, as_double
from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.sandbox.halo.templates import LICENCE_COMPUTED, LICENCE_DECOR, LICENCE_ROW


class Refusal(Exception):
    """Halo refuses a call: the status and the body to answer with (None is an empty one, a str is HTML)."""

    def __init__(self, status: int, body: Any = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def conversion(text: str) -> Refusal:
    """400 as a JSON reader's exception: a body or member that cannot be read."""
    return Refusal(400, {"ClassName": "Newtonsoft.Json.JsonReaderException", "Message": text, "Data": None})


def message(text: str) -> Refusal:
    """400 as a validation message."""
    return Refusal(400, {"message": text})


def no_such_record(what: str, number: object) -> Refusal:
    """400 as a result code: the record a write names does not exist."""
    return Refusal(400, {"resultCode": 404, "errorMessage": f"There is no {what} with id {number}."})


@dataclass(frozen=True)
class Kind:
    """One writable schema: the members it keeps with their types, and those it works out itself."""

    known: Mapping[str, Any]
    computed: frozenset[str]
    forbidden: tuple[str, ...]


# Members whose use is a promise broken (docs/vendors/halo.md#writing, #licence, #invoice): reported as violations, not
# obeyed.
_NEVER = (
    "_match_thirdparty_id",
    "_match_integration_id",
    "_isimport",
    "_importtype",
    "_validateonly",
    "_novalidate",
)
LICENCE = Kind(
    {**LICENCE_DECOR, **LICENCE_ROW}, LICENCE_COMPUTED, (*_NEVER, "deleted", "_create_recurring_invoice_line")
)
HEADER = Kind(
    {**HEADER_DECOR, **HEADER_ROW}, HEADER_COMPUTED, (*_NEVER, "posted", "voided", "create_recurring_invoice")
)
LINE = Kind({**LINE_DECOR, **LINE_ROW}, LINE_COMPUTED, (*_NEVER, "entity_type", "ticket_id", "force_new"))
_QUANTITY = Kind(QUANTITY_ROW, frozenset({"licence_name"}), ())
_PRORATA = Kind(PRORATA_ROW, frozenset(), ())
_NESTED = {
    "quantity_licences": _QUANTITY,
    "quantity_subscriptions": _QUANTITY,
    "quantity_users": _QUANTITY,
    "quantity_assets": _QUANTITY,
    "prorata_data": _PRORATA,
}


def elements_of(body: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place, element) of a written array; refuses anything but a non-empty array of objects."""
    if not isinstance(body, list):
        raise conversion(
            "Cannot deserialize the current JSON object because the type requires a JSON array (e.g. [1,2]) "
            "to deserialize correctly. Path ''."
        )
    if not body:
        raise message("No data was provided.")
    for number, element in enumerate(body):
        if not isinstance(element, Mapping):
            raise conversion(f"Error converting value {element!r}. Path '[{number}]'.")
        yield f"[{number}]", element


def report_forbidden(store: HaloStore, path: str, element: Any, kind: Kind) -> None:
    """Note each member the pipeline has promised never to send (empty values are harmless read-backs)."""
    if isinstance(element, Mapping):
        for name in kind.forbidden:
            if element.get(name):
                store.log_violation("POST", path, element, f"`{name}` was sent")


def read_members(element: Any, kind: Kind, place: str) -> Row:
    """The members Halo will keep: known ones with a value, types checked; unknown ones are ignored
    silently.
    """
    if not isinstance(element, Mapping):
        raise conversion(f"Error converting value {element!r}. Path '{place}'.")
    read: Row = {}
    for name, value in element.items():
        if name in kind.computed or name in kind.forbidden or name not in kind.known or value is None:
            continue
        where = f"{place}.{name}"
        if name in _NESTED:
            rows = _list(value, where)
            read[name] = [read_members(row, _NESTED[name], f"{where}[{n}]") for n, row in enumerate(rows)]
        elif name == "lines":
            continue
        else:
            read[name] = _member(value, kind.known[name], where)
    return read


def _member(value: Any, sample: Any, place: str) -> Any:
    if isinstance(sample, bool):
        return _checked(value, isinstance(value, bool), "boolean", place)
    if isinstance(sample, int):
        return _checked(value, isinstance(value, int) and not isinstance(value, bool), "integer", place)
    if isinstance(sample, Decimal):
        _checked(value, isinstance(value, (int, Decimal)) and not isinstance(value, bool), "double", place)
        return as_double(value)
    if isinstance(sample, str):
        text = _checked(value, isinstance(value, str), "string", place)
        return _moment(text, place) if sample.startswith("1900-") else text
    return _list(value, place)


def _checked(value: Any, fits: bool, kind: str, place: str) -> Any:
    if not fits:
        raise conversion(f"Could not convert value to {kind}: {value}. Path '{place}'.")
    return value


def _list(value: Any, place: str) -> list[Any]:
    return list(_checked(value, isinstance(value, list), "array", place))


def _moment(text: str, place: str) -> str:
    """A written date as it is stored: without offset, to the second."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise conversion(f"Could not convert string to DateTime: {text}. Path '{place}'.") from None
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.replace(microsecond=0).isoformat(timespec="seconds")
