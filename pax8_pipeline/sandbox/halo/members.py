"""Reads one written element: the members that Halo knows, their types, and how Halo refuses.

It makes stored members from JSON; it knows the three bodies of a 400 and the members that must never be sent. What a
saved member causes is in `writes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pax8_pipeline.sandbox.halo import templates
from pax8_pipeline.sandbox.halo.rows import Row, as_double
from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.sandbox.halo.templates import Template


class HaloRefusal(Exception):
    """Halo refuses a call: the status and the body of the answer (None is an empty one, a str is HTML)."""

    def __init__(self, status: int, body: Any = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def conversion(text: str) -> HaloRefusal:
    """400 as a JSON reader's exception: a body or member that cannot be read."""
    return HaloRefusal(400, {"ClassName": "Newtonsoft.Json.JsonReaderException", "Message": text, "Data": None})


def message(text: str) -> HaloRefusal:
    """400 as a validation message."""
    return HaloRefusal(400, {"message": text})


def no_such_record(what: str, number: object) -> HaloRefusal:
    """400 as a result code: the record a write names does not exist."""
    return HaloRefusal(400, {"resultCode": 404, "errorMessage": f"There is no {what} with id {number}."})


@dataclass(frozen=True)
class Kind:
    """One writable schema: its template, and the members that the product must never send."""

    template: Template
    forbidden: tuple[str, ...] = ()


# The product must never send these members (docs/vendors/halo.md#writing, #licence, #invoice). They are reported as
# violations and ignored.
_NEVER = ("_match_thirdparty_id", "_match_integration_id", "_isimport", "_importtype", "_validateonly", "_novalidate")
CLIENT = Kind(templates.CLIENT, (*_NEVER, "inactive"))
LICENCE = Kind(templates.LICENCE, (*_NEVER, "deleted", "_create_recurring_invoice_line"))
HEADER = Kind(templates.HEADER, (*_NEVER, "posted", "voided", "create_recurring_invoice"))
LINE = Kind(templates.LINE, (*_NEVER, "entity_type", "ticket_id", "force_new"))
_QUANTITY = Kind(templates.QUANTITY)
_PRORATA = Kind(templates.PRORATA)
_NESTED = {
    "quantity_licences": _QUANTITY,
    "quantity_subscriptions": _QUANTITY,
    "quantity_users": _QUANTITY,
    "quantity_assets": _QUANTITY,
    "prorata_data": _PRORATA,
}


def elements_of(body: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (place, element) of a written array. Raises HaloRefusal for anything but a non-empty array of objects."""
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
    """Record each member that the product must never send (empty values come from read-backs and are harmless)."""
    if isinstance(element, Mapping):
        for name in kind.forbidden:
            if element.get(name):
                store.log_violation("POST", path, element, f"`{name}` was sent")


def read_members(element: Any, kind: Kind, place: str) -> Row:
    """Return the members that Halo will store, with checked types. Unknown ones are ignored."""
    if not isinstance(element, Mapping):
        raise conversion(f"Error converting value {element!r}. Path '{place}'.")
    read: Row = {}
    for name, value in element.items():
        if (
            name in kind.template.computed
            or name in kind.forbidden
            or name not in kind.template.members
            or value is None
        ):
            continue
        member_place = f"{place}.{name}"
        if name in _NESTED:
            rows = _list(value, member_place)
            read[name] = [read_members(row, _NESTED[name], f"{member_place}[{n}]") for n, row in enumerate(rows)]
        elif name == "lines":
            continue
        else:
            read[name] = _member(value, kind.template.members[name], member_place)
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
