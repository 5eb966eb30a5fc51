"""Action `end_line`: a cancelled subscription has a line of its own; the line is switched off, then its licence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pax8_pipeline.billing.actions import ending
from pax8_pipeline.billing.actions.action import Call, TargetAction
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.target import Target


@dataclass(frozen=True)
class EndLine(TargetAction):
    """Switch a line off, then the licence that it follows, if it follows one (docs/architecture.md#write-cancellation).

    In this order: if the second write is lost, the client is not billed too much.
    """

    name: ClassVar[str] = "end_line"
    label: ClassVar[str] = "switch a line and its licence off"
    ends: ClassVar[bool] = True
    inverse: ClassVar[str | None] = "reopen_line"
    line_member: ClassVar[str | None] = "isinactive"
    line_may_change: ClassVar[frozenset[str]] = frozenset({"isinactive"})
    licence_may_change: ClassVar[frozenset[str]] = frozenset(ending.END_MEMBERS)
    restored: ClassVar[tuple[str, ...]] = ending.END_MEMBERS

    def calls(self, target: Target) -> list[Call]:
        """Send what is still on: the line, then the licence."""
        calls: list[Call] = []
        if target.line_inactive is not True:
            calls.append(Call("line", {"isinactive": True}))
        if target.licence is not None and target.licence_active is not False:
            off = ending.licence_off(self.expected, target.licence)
            calls.append(Call("licence", self._licence_fields(target, **off)))
        return calls

    def reached(self, target: Target) -> bool:
        """The line is off, and so is its licence."""
        licence_off = self.change.licence_id is None or target.licence_active is False
        return licence_off and target.line_inactive is True

    def half_done(self, target: Target) -> bool:
        """The line is off."""
        return target.line_inactive is True

    def as_before(self, target: Target) -> bool:
        """The line is there, so the next plan sees what is still on."""
        return target.line is not None

    def can_be_undone(self, before: Object, target: Target) -> bool:
        """As the write left it, or as an undo left it that broke off between its two writes."""
        back = self.undo_restores(before)
        broke_off = target.line_inactive is True and bool(back) and ending.restored(back, target.licence)
        changed = ending.texts_changed_since(self.expected, before, target.licence)
        return (self.reached(target) or broke_off) and not changed

    def _undo_texts(self, target: Target) -> Mapping[str, Any]:
        return ending.texts_now(target.licence)
