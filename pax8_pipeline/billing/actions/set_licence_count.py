"""Action `set_licence_count`: a line follows the licence, so only the licence's count is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pax8_pipeline.billing.actions.action import Call
from pax8_pipeline.billing.actions.quantity import QuantityAction
from pax8_pipeline.billing.actions.target import Target


@dataclass(frozen=True)
class SetLicenceCount(QuantityAction):
    """Give the licence another count; Halo makes the line's quantity and its part-period entry from it."""

    name: ClassVar[str] = "set_licence_count"
    label: ClassVar[str] = "set the count of a licence"
    inverse: ClassVar[str | None] = "set_licence_count"
    licence_may_change: ClassVar[frozenset[str]] = frozenset({"count"})
    shares_calls: ClassVar[bool] = True

    def calls(self, target: Target) -> list[Call]:
        """Send the count alone."""
        return [Call("licence", self._licence_fields(target, count=self.quantity))]

    def reached(self, target: Target) -> bool:
        """The count is the planned one, and the line still bills this licence."""
        return self.took_effect(target) and target.follows(self.change.licence_id)

    def took_effect(self, target: Target) -> bool:
        """The count is the planned one, whatever line follows the licence by now."""
        return target.licence is not None and self.is_planned(target.licence.get("count"))

    def as_before(self, target: Target) -> bool:
        """The count is the one that the plan saw."""
        return target.licence is not None and self.is_old(target.licence.get("count"))
