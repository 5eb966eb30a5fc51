"""Action `withdraw_licence`: takes back `create_licence`. Only an undo plans it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pax8_pipeline.billing.actions.action import Call, TargetAction
from pax8_pipeline.billing.actions.compare import same
from pax8_pipeline.billing.actions.drift import licence_drift
from pax8_pipeline.billing.actions.target import Target


@dataclass(frozen=True)
class WithdrawLicence(TargetAction):
    """Switch a licence off and set its count to 0. Nothing is deleted."""

    name: ClassVar[str] = "withdraw_licence"
    label: ClassVar[str] = "switch a new licence off"
    takes_back: ClassVar[bool] = True
    licence_may_change: ClassVar[frozenset[str]] = frozenset({"is_active", "status", "count"})

    def drift(self, target: Target) -> list[str]:
        """The licence must be as it was made; a line that follows it is taken back by a row of its own."""
        if target.licence is None:
            return [f"licence {self.change.licence_id} is gone"]
        return licence_drift(self.expected, target.licence)

    def calls(self, target: Target) -> list[Call]:
        """Send the licence."""
        off = {"is_active": False, "status": "Cancelled", "count": 0}
        return [Call("licence", self._licence_fields(target, **off))]

    def reached(self, target: Target) -> bool:
        """The licence is off and counts 0."""
        return target.licence_active is False and same((target.licence or {}).get("count"), 0)

    def as_before(self, target: Target) -> bool:
        """The licence is there, so a person can plan the undo again."""
        return target.licence is not None
