"""What a kind of write is: the interface that every module of one action implements, in three families
(the third is in `creation`).

An action object is one planned change together with what is to be done for it. The order of steps is in `applying`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal, Self

from pax8_pipeline.billing.actions.compare import Object, flag
from pax8_pipeline.billing.actions.drift import target_drift
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation, SeatExpectation, UndoState
from pax8_pipeline.billing.actions.target import Target, followed_licences, is_manual, requested_quantity
from pax8_pipeline.billing.model import Change, State


@dataclass(frozen=True)
class Action(ABC):
    """One planned change and how it is written. Subclasses add `expected`, the typed form of the change's `expect`."""

    change: Change

    name: ClassVar[str]  # as the plan and the ledger store it; also the name of its module
    label: ClassVar[str]  # what it does, for people: the ledger's claim says "about to ..."
    is_usage: ClassVar[bool] = False  # it charges metered usage, which guardrails count apart
    ends: ClassVar[bool] = False  # it stops billing, so Pax8 is asked once more before it
    takes_back: ClassVar[bool] = False  # it switches off what this product made, so Pax8 need not have cancelled it
    inverse: ClassVar[str | None] = None  # the action that takes it back

    @classmethod
    @abstractmethod
    def from_change(cls, change: Change) -> Self:
        """Read what the change expects. Raises BadExpectation."""

    def undo_by_hand(self, detail: str) -> tuple[str, str] | None:
        """Return why it is not taken back from here, as a reason code and what a person does; None where a plan can.

        `detail` is what the ledger says of the verified write.
        """
        return None


@dataclass(frozen=True)
class Call:
    """One write to Halo. `kind` licence: `fields` are the members sent. `kind` line: the members changed on the line."""

    kind: Literal["licence", "line"]
    fields: dict[str, Any]


@dataclass(frozen=True)
class TargetAction(Action):
    """An action on a line of a recurring invoice, on the licence that it follows, or on both."""

    expected: SeatExpectation

    line_member: ClassVar[str | None] = None  # the member of its line that it sends
    line_may_change: ClassVar[frozenset[str]] = frozenset()  # also what Halo itself changes in consequence
    licence_may_change: ClassVar[frozenset[str]] = frozenset()
    restored: ClassVar[tuple[str, ...]] = ()  # members of the licence that its inverse puts back
    shares_calls: ClassVar[bool] = False  # many of them may go in one call

    @classmethod
    def from_change(cls, change: Change) -> Self:
        """Read what the change expects. Raises BadExpectation."""
        try:
            return cls(change, SeatExpectation.from_json(change.expect))
        except BadExpectation as error:
            raise BadExpectation(f"row {change.row_id}: {error}") from error

    def drift(self, target: Target) -> list[str]:
        """Say how the target differs from what the plan saw; any difference means: do not write."""
        return target_drift(self.change, self.expected, target)

    @abstractmethod
    def calls(self, target: Target) -> list[Call]:
        """Return what is sent, in order. With two calls the second is sent once the first is read back (`half_done`)."""

    @abstractmethod
    def reached(self, target: Target) -> bool:
        """Return whether the target is as the plan wants it."""

    def half_done(self, target: Target) -> bool:
        """Return whether the first of two calls has taken effect."""
        return False

    def took_effect(self, target: Target) -> bool:
        """Return whether an open write took effect, by a later reading."""
        return self.reached(target)

    @abstractmethod
    def as_before(self, target: Target) -> bool:
        """Return whether an open write that did not take effect may be planned again, by a later reading."""

    def settle(self, target: Target) -> State:
        """Return what an open write came to: verified, failed (it is planned again) or drifted."""
        if self.took_effect(target):
            return "verified"
        return "failed" if self.as_before(target) else "drifted"

    def describe(self, target: Target) -> str:
        """Return what a later reading shows of the target."""
        licence, line = target.licence or {}, target.line or {}
        return (
            f"licence {licence.get('count', 'none')} {'active' if target.licence_active else 'inactive'}, "
            f"line quantity {line.get('qty_order', 'none')} {'inactive' if target.line_inactive else 'active'}"
        )

    def can_be_undone(self, before: Object, target: Target) -> bool:
        """Return whether the target is still as the write left it. `before`: the state in the ledger's claim."""
        return self.reached(target)

    def undo_expectation(self, before: Object, target: Target) -> SeatExpectation:
        """Return what the inverse expects of the target as it is now, and what it puts back."""
        line, licence = target.line or {}, target.licence
        return SeatExpectation(
            licence_count=None if licence is None else licence.get("count"),
            licence_active=None if licence is None else target.licence_active is True,
            licence_requested=None if licence is None else requested_quantity(licence),
            line_quantity=str(line["qty_order"]) if line and is_manual(line) else None,
            line_inactive=flag(line.get("isinactive")) is True,
            licences_on_line=len(followed_licences(line)) or None,
            undo=UndoState(self._undo_texts(target), self.undo_restores(before)),
        )

    def undo_restores(self, before: Object) -> dict[str, Any]:
        """Return the members of the licence that the inverse puts back. `before`: the state in the ledger's claim."""
        licence = before.get("licence") or {}
        return {name: licence[name] for name in self.restored if name in licence}

    def _undo_texts(self, target: Target) -> Mapping[str, Any]:
        return {}

    def _licence_fields(self, target: Target, **members: Any) -> dict[str, Any]:
        """Return members of the licence with what Halo needs to find it."""
        client = (target.licence or {}).get("client_id", self.change.client_id)
        return {"id": self.change.licence_id, "client_id": client, **members}


@dataclass(frozen=True)
class DocumentAction(Action):
    """An action that makes a document of its own, found again by its key (`applying/usage_invoices.py` writes them)."""

    @property
    @abstractmethod
    def key(self) -> str:
        """What the document is known by; it is in its reference."""

    @property
    @abstractmethod
    def first_day(self) -> date:
        """The first day that a search for the document must cover."""

    @property
    @abstractmethod
    def made_before(self) -> Sequence[str]:
        """The plans that made the document before and that Halo no longer shows it for."""

    @abstractmethod
    def validation_errors(self) -> list[str]:
        """Say why it must not be sent, whatever the plan allows."""

    @abstractmethod
    def body(self, writer: str) -> dict[str, Any]:
        """Return what is sent, with the identity of the data folder that sends it."""

    @abstractmethod
    def find(self, documents: Iterable[Object]) -> list[Object]:
        """Return the documents that may be this one already."""

    @abstractmethod
    def differences(self, document: Object, *, fresh: bool) -> list[str]:
        """Say how a document differs from the planned one; none means that it is done. `fresh`: made just now."""


def line_members_allowed(actions: Iterable[TargetAction]) -> dict[int, set[str]]:
    """Return by line id which members some actions may change together."""
    allowed: dict[int, set[str]] = {}
    for action in actions:
        if action.change.line_id is not None and action.line_may_change:
            allowed.setdefault(action.change.line_id, set()).update(action.line_may_change)
    return allowed
