"""Action `set_line_quantity`: a line with its own stated quantity gets another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pax8_pipeline.billing.actions.action import Call
from pax8_pipeline.billing.actions.quantity import QuantityAction
from pax8_pipeline.billing.actions.target import Target, is_manual


@dataclass(frozen=True)
class SetLineQuantity(QuantityAction):
    """Give a manual line another quantity."""

    name: ClassVar[str] = "set_line_quantity"
    label: ClassVar[str] = "set the quantity of a manual line"
    inverse: ClassVar[str | None] = "set_line_quantity"
    line_member: ClassVar[str | None] = "qty_order"
    line_may_change: ClassVar[frozenset[str]] = frozenset({"qty_order"})
    shares_calls: ClassVar[bool] = True

    def drift(self, target: Target) -> list[str]:
        """As for every target; and the line must still have its own quantity."""
        found = super().drift(target)
        if target.line is not None and not is_manual(target.line):
            found.append("the line's quantity is computed now")
        return found

    def calls(self, target: Target) -> list[Call]:
        """Send the whole line with its quantity changed."""
        return [Call("line", {"qty_order": self.quantity})]

    def reached(self, target: Target) -> bool:
        """The line's quantity is the planned one."""
        return target.line is not None and self.is_planned(target.line.get("qty_order"))

    def as_before(self, target: Target) -> bool:
        """The quantity is the one that the plan saw."""
        return target.line is not None and self.is_old(target.line.get("qty_order"))
