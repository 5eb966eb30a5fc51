"""What the plan saw of a line and its licence (member `expect` of a planned change), typed.

The JSON is read once, strictly, and written the same again. It is compared with Halo in `drift`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pax8_pipeline.billing.actions.compare import calendar_day, number
from pax8_pipeline.errors import PipelineError


class BadExpectation(PipelineError):
    """The stored expectation of a planned change cannot be read; nothing is written for that change."""


@dataclass(frozen=True)
class UndoState:
    """What an undo expects and puts back beside: members of the licence as they were read.

    `licence_texts`: what must still stand there. `restore`: what is written.
    """

    licence_texts: Mapping[str, Any]
    restore: Mapping[str, Any]


@dataclass(frozen=True)
class SeatExpectation:
    """How the target of a change looked when it was planned. Numbers are kept as they were written.

    `licence_requested`: a quantity ordered from Halo and under way. `line_price`: only where the price is to change.
    `end_date`: when the subscription ended (ISO). `entry_date`: the day of a part-period entry that is to be added (ISO).
    `undo`: only in a plan that takes back another one.
    """

    licence_count: int | str | None = None
    licence_active: bool | None = None
    licence_requested: str | None = None
    line_quantity: int | str | None = None
    line_inactive: bool | None = None
    licences_on_line: int | None = None
    line_price: int | str | None = None
    end_date: str | None = None
    entry_date: str | None = None
    undo: UndoState | None = field(default=None)

    @property
    def licence_texts(self) -> Mapping[str, Any]:
        """Members of the licence that must still be as they were read."""
        return self.undo.licence_texts if self.undo else {}

    @property
    def restore(self) -> Mapping[str, Any]:
        """Members of the licence that an undo puts back."""
        return self.undo.restore if self.undo else {}

    @classmethod
    def from_json(cls, expect: Mapping[str, Any]) -> SeatExpectation:
        """Read the stored JSON. Raises BadExpectation naming the member that cannot be read."""
        if unknown := sorted(expect.keys() - _READERS.keys()):
            raise BadExpectation(f"the plan expects something that this version does not know: {', '.join(unknown)}")
        read = {name: reader(name, expect.get(name)) for name, reader in _READERS.items()}
        texts, restore = read.pop("licence_texts"), read.pop("restore")
        undo = None if texts is None and restore is None else UndoState(texts or {}, restore or {})
        return cls(**read, undo=undo)

    def with_line_price(self, price: Any) -> SeatExpectation:
        """Return the same with the price that the line must have."""
        return replace(self, line_price=None if price is None else str(price))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON that the plan stores."""
        first = {
            "licence_count": self.licence_count,
            "licence_active": self.licence_active,
            "licence_requested": self.licence_requested,
        }
        last = {
            "line_quantity": self.line_quantity,
            "line_inactive": self.line_inactive,
            "licences_on_line": self.licences_on_line,
            **({} if self.line_price is None else {"line_price": self.line_price}),
        }
        if self.undo is None:
            entry = {} if self.entry_date is None else {"entry_date": self.entry_date}
            return {**first, **last, "end_date": self.end_date, **entry}
        texts, restore = dict(self.undo.licence_texts), dict(self.undo.restore)
        return {**first, "licence_texts": texts, **last, "restore": restore}


def _reader(wanted: str, fits: Callable[[Any], bool]) -> Callable[[str, Any], Any]:
    """Return a reader of one member: nothing, or a value that `fits`. It raises BadExpectation for any other."""

    def read(name: str, value: Any) -> Any:
        if value is None or fits(value):
            return value
        raise BadExpectation(f"the plan does not say what to expect: {name} is {value!r}, not {wanted}")

    return read


_number = _reader("a number", lambda value: not isinstance(value, bool) and number(value) is not None)
_flag = _reader("true or false", lambda value: isinstance(value, bool))
_members = _reader("a list of members", lambda value: isinstance(value, Mapping))
_READERS = {
    "licence_count": _number,
    "licence_active": _flag,
    "licence_requested": _reader("text", lambda value: isinstance(value, str)),
    "line_quantity": _number,
    "line_price": _number,
    "line_inactive": _flag,
    "licences_on_line": _reader("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "end_date": _reader("a date", lambda value: isinstance(value, str) and calendar_day(value) is not None),
    "entry_date": _reader("a date", lambda value: isinstance(value, str) and calendar_day(value) is not None),
    "licence_texts": _members,
    "restore": _members,
}
