"""Action `end_licence`: one of several licences of a line ends; the line goes on billing the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pax8_pipeline.billing.actions import ending
from pax8_pipeline.billing.actions.action import Call, TargetAction
from pax8_pipeline.billing.actions.compare import Object, same
from pax8_pipeline.billing.actions.target import Target


@dataclass(frozen=True)
class EndLicence(TargetAction):
    """Give a licence count 0 and switch it off; its line stays on."""

    name: ClassVar[str] = "end_licence"
    label: ClassVar[str] = "switch a licence off that shares its line"
    ends: ClassVar[bool] = True
    inverse: ClassVar[str | None] = "reopen_licence"
    line_may_change: ClassVar[frozenset[str]] = frozenset({"isinactive"})  # a setting of Halo's may flip it
    licence_may_change: ClassVar[frozenset[str]] = frozenset({*ending.END_MEMBERS, "count"})
    restored: ClassVar[tuple[str, ...]] = (*ending.END_MEMBERS, "count")

    def calls(self, target: Target) -> list[Call]:
        """Send the licence alone."""
        off = ending.licence_off(self.expected, target.licence)
        return [Call("licence", self._licence_fields(target, **off, count=0))]

    def reached(self, target: Target) -> bool:
        """The licence is off and counts 0; the line is there."""
        if target.line is None or target.licence is None:
            return False
        return target.licence_active is False and same(target.licence.get("count"), 0)

    def took_effect(self, target: Target) -> bool:
        """The licence is off and counts 0, whether or not its line is still there."""
        return target.licence_active is False and same((target.licence or {}).get("count"), 0)

    def as_before(self, target: Target) -> bool:
        """The licence is there, so the next plan sees what is still on."""
        return target.licence is not None

    def can_be_undone(self, before: Object, target: Target) -> bool:
        """As the write left it, with the status and end date that it wrote."""
        return self.reached(target) and not ending.texts_changed_since(self.expected, before, target.licence)

    def _undo_texts(self, target: Target) -> Mapping[str, Any]:
        return ending.texts_now(target.licence)
