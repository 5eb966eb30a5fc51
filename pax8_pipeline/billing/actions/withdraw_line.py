"""Action `withdraw_line`: takes back `create_line`. Only an undo plans it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pax8_pipeline.billing.actions.action import Call, TargetAction
from pax8_pipeline.billing.actions.target import Target


@dataclass(frozen=True)
class WithdrawLine(TargetAction):
    """Switch a line off. Nothing is deleted."""

    name: ClassVar[str] = "withdraw_line"
    label: ClassVar[str] = "switch a new line off"
    takes_back: ClassVar[bool] = True
    line_member: ClassVar[str | None] = "isinactive"
    line_may_change: ClassVar[frozenset[str]] = frozenset({"isinactive"})

    def calls(self, target: Target) -> list[Call]:
        """Send the whole line, switched off."""
        return [Call("line", {"isinactive": True})]

    def reached(self, target: Target) -> bool:
        """The line is off."""
        return target.line_inactive is True

    def as_before(self, target: Target) -> bool:
        """The line is there, so a person can plan the undo again."""
        return target.line is not None
