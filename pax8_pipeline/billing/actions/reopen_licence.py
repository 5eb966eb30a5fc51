"""Action `reopen_licence`: takes back `end_licence`. Only an undo plans it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pax8_pipeline.billing.actions import ending
from pax8_pipeline.billing.actions.action import Call, TargetAction
from pax8_pipeline.billing.actions.target import Target


@dataclass(frozen=True)
class ReopenLicence(TargetAction):
    """Give a licence the count, status and end date that it had; its line is not sent."""

    name: ClassVar[str] = "reopen_licence"
    label: ClassVar[str] = "switch a licence on again that shares its line"
    line_may_change: ClassVar[frozenset[str]] = frozenset({"isinactive"})  # a setting of Halo's may flip it
    licence_may_change: ClassVar[frozenset[str]] = frozenset({*ending.END_MEMBERS, "count"})

    def calls(self, target: Target) -> list[Call]:
        """Send the licence as it was."""
        if self.change.licence_id is None or not self.expected.restore:
            return []
        return [Call("licence", self._licence_fields(target, **self.expected.restore))]

    def reached(self, target: Target) -> bool:
        """The licence is as it was, and the line is there."""
        restore = self.expected.restore
        return target.line is not None and (not restore or ending.restored(restore, target.licence))

    def took_effect(self, target: Target) -> bool:
        """The licence is as it was, whether or not its line is still there."""
        restore = self.expected.restore
        return ending.restored(restore, target.licence) if restore else target.licence_active is True

    def as_before(self, target: Target) -> bool:
        """The licence is there, so a person can plan the undo again."""
        return target.licence is not None
