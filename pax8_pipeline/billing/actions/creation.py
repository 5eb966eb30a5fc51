"""The interface of actions that make something in Halo that was not there before: a client, a licence, a line.

Each new thing carries an id of Pax8 (its key), by which it is searched before and after it is made. The order of steps
is in `applying/creations.py`; what is sent and compared is in the module of each action.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

from pax8_pipeline.billing.actions.action import Action
from pax8_pipeline.billing.actions.compare import Object, calendar_day, same, show
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation, SeatExpectation
from pax8_pipeline.billing.actions.target import lines_by_id
from pax8_pipeline.billing.model import Change
from pax8_pipeline.values import decimal

NewThing = Literal["client", "licence", "line"]
Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class HaloReading:
    """What was read of Halo around one creation, all of it whole.

    `licences`: those of the client, inactive ones too. `clients`: those that may be the company, with custom fields.
    `recurring_invoices`: all of them, the one that is written as it is now.
    """

    clients: Sequence[Object] = ()
    licences: Sequence[Object] = ()
    recurring_invoices: Sequence[Object] = field(default=())

    def recurring_invoice(self, invoice_id: int | None) -> Object | None:
        """Return one recurring invoice, None when it is gone."""
        return next((row for row in self.recurring_invoices if row.get("id") == invoice_id), None)

    def lines(self) -> list[Object]:
        """Return the lines of all recurring invoices."""
        return [line for row in self.recurring_invoices for line in lines_by_id(row).values()]


@dataclass(frozen=True)
class CreationAction(Action):
    """An action that makes one thing. It is made once: a thing with its key is never made again."""

    planned: Mapping[str, Any]  # the members of the thing, read by `readers`

    readers: ClassVar[Mapping[str, Reader]]
    key_member: ClassVar[str]
    makes: ClassVar[NewThing]
    turn: ClassVar[int]  # what others need is made first

    @classmethod
    def from_change(cls, change: Change) -> Self:
        """Read what the change expects. Raises BadExpectation."""
        try:
            return cls(change, cls.read_planned(change.expect))
        except BadExpectation as error:
            raise BadExpectation(f"row {change.row_id}: {error}") from error

    @classmethod
    def read_planned(cls, expect: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read the members of the thing from the plan's JSON. Raises BadExpectation."""
        return read_members(expect, cls.makes, cls.readers)

    @property
    def key(self) -> str:
        """The id of Pax8 that the thing carries, lower case."""
        return str(self.planned[self.key_member]).lower()

    @abstractmethod
    def drift(self, reading: HaloReading) -> list[str]:
        """Say what it needs and Halo does not have; any sentence means: do not make it."""

    @abstractmethod
    def find(self, reading: HaloReading) -> list[Object]:
        """Return what Halo has with this key, or what may stand for it."""

    @abstractmethod
    def body(self, reading: HaloReading) -> dict[str, Any]:
        """Return what is sent."""

    @abstractmethod
    def differences(self, made: Object) -> list[str]:
        """Say how a thing in Halo differs from the planned one; none means that it is done."""

    @abstractmethod
    def describe(self, made: Object) -> str:
        """Name a thing in Halo for a person, with its id."""

    def unplanned(self, before: HaloReading, after: HaloReading, made: Object) -> list[str]:
        """Say what else changed in Halo between two readings that this write must not change."""
        return []

    def done_by_others(self, before: HaloReading, after: HaloReading, made: Object) -> list[str]:
        """Say what others did meanwhile beside it that a person should know and that is no fault."""
        return []

    def target_of(self, made: Object) -> Mapping[str, int]:
        """Return the ids by which the inverse finds the thing: members of a plan row."""
        return {}

    def undo_expectation(self, made: Object) -> SeatExpectation:
        """Return what the inverse expects of the thing as it is now."""
        return SeatExpectation()


def read_members(expect: Mapping[str, Any], name: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Read the planned members of a new thing strictly. Raises BadExpectation that names what cannot be read."""
    members = expect.get(name)
    if not isinstance(members, Mapping) or set(expect) != {name}:
        raise BadExpectation(f"the plan does not say what to make: {name} is missing or not alone in {sorted(expect)}")
    if members.keys() != readers.keys():
        odd = sorted(members.keys() ^ readers.keys())
        raise BadExpectation(f"the plan does not say what to make: {', '.join(odd)} is missing or not known")
    read = {}
    for member, reader in readers.items():
        try:
            read[member] = reader(members[member])
        except (TypeError, ValueError) as error:
            raise BadExpectation(f"the plan does not say what to make: {member}: {error}") from error
    return read


def text(value: Any) -> str:
    """Return a text that must not be empty. Raises ValueError."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is no text")
    return value


def text_or_none(value: Any) -> str | None:
    """Return a text or nothing. Raises ValueError."""
    return None if value is None else text(value)


def whole(value: Any) -> int:
    """Return a whole number. Raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no whole number")
    return value


def whole_or_none(value: Any) -> int | None:
    """Return a whole number or nothing. Raises ValueError."""
    return None if value is None else whole(value)


def money(value: Any) -> Decimal:
    """Return an amount that the plan stores as text. Raises ValueError."""
    return decimal(text(value))


def money_or_none(value: Any) -> Decimal | None:
    """Return an amount or nothing. Raises ValueError."""
    return None if value is None else money(value)


def day_or_none(value: Any) -> str | None:
    """Return an ISO date or nothing. Raises ValueError."""
    return None if value is None else date.fromisoformat(text(value)).isoformat()


def member_differences(sent: Mapping[str, Any], made: Object) -> list[str]:
    """Say which sent members a thing in Halo does not have as they were sent."""
    return [
        f"its {name} is {show(made.get(name))}, not {show(value)}"
        for name, value in sent.items()
        if not _same(made.get(name), value)
    ]


def _same(shown: Any, sent: Any) -> bool:
    if isinstance(sent, str) and calendar_day(sent) is not None:
        return calendar_day(shown) == calendar_day(sent)
    return same(shown, sent)
