"""Action `reopen_line`: takes back `end_line`. Only an undo plans it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pax8_pipeline.billing.actions import ending
from pax8_pipeline.billing.actions.action import Call, TargetAction
from pax8_pipeline.billing.actions.target import Target


@dataclass(frozen=True)
class ReopenLine(TargetAction):
    """Put the licence back, then switch the line on: the opposite order of the end, so that nothing is billed too soon."""

    name: ClassVar[str] = "reopen_line"
    label: ClassVar[str] = "switch a line and its licence on again"
    line_member: ClassVar[str | None] = "isinactive"
    line_may_change: ClassVar[frozenset[str]] = frozenset({"isinactive"})
    licence_may_change: ClassVar[frozenset[str]] = frozenset(ending.END_MEMBERS)

    def calls(self, target: Target) -> list[Call]:
        """Send the licence as it was, then the line."""
        calls: list[Call] = []
        if self.change.licence_id is not None and self.expected.restore:
            calls.append(Call("licence", self._licence_fields(target, **self.expected.restore)))
        if target.line_inactive is not False:
            calls.append(Call("line", {"isinactive": False}))
        return calls

    def reached(self, target: Target) -> bool:
        """The line is on, and the licence is as it was."""
        restore = self.expected.restore
        return target.line_inactive is False and (not restore or ending.restored(restore, target.licence))

    def half_done(self, target: Target) -> bool:
        """The licence is as it was."""
        return ending.restored(self.expected.restore, target.licence)

    def as_before(self, target: Target) -> bool:
        """The line is there, so a person can plan the undo again."""
        return target.line is not None
