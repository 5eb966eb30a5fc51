"""Action `set_line_price`: a line gets another price for one unit and period. It is only ever proposed to a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pax8_pipeline.billing.actions.action import Call, TargetAction
from pax8_pipeline.billing.actions.compare import Object, number, same
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation, SeatExpectation
from pax8_pipeline.billing.actions.target import Target
from pax8_pipeline.billing.model import Change


@dataclass(frozen=True)
class SetLinePrice(TargetAction):
    """Give a line another price. The change's `before` and `after` are prices; its quantity stays."""

    name: ClassVar[str] = "set_line_price"
    label: ClassVar[str] = "set the price of a line"
    inverse: ClassVar[str | None] = "set_line_price"
    line_member: ClassVar[str | None] = "unit_price"
    line_may_change: ClassVar[frozenset[str]] = frozenset({"unit_price"})

    @classmethod
    def from_change(cls, change: Change) -> Self:
        """Read what the change expects. Raises BadExpectation, also when it names no price before or after."""
        made = super().from_change(change)
        if number(change.after) is None or made.expected.line_price is None:
            raise BadExpectation(f"row {change.row_id}: the planned price is missing")
        return made

    def calls(self, target: Target) -> list[Call]:
        """Send the whole line with its price changed."""
        return [Call("line", {"unit_price": number(self.change.after)})]

    def reached(self, target: Target) -> bool:
        """The line's price is the planned one."""
        return target.line is not None and same(_price(target), self.change.after)

    def as_before(self, target: Target) -> bool:
        """The price is the one that the plan saw."""
        return target.line is not None and same(_price(target), self.expected.line_price)

    def describe(self, target: Target) -> str:
        """The price that a later reading shows."""
        return f"line price {_price(target) if target.line else 'none'}"

    def undo_expectation(self, before: Object, target: Target) -> SeatExpectation:
        """As of every target, and the price as it is now."""
        return super().undo_expectation(before, target).with_line_price(_price(target))


def _price(target: Target) -> Any:
    return (target.line or {}).get("unit_price")
