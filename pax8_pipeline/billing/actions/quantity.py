"""What the actions share that set a quantity: reading the planned one, and telling the old one from a third one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from pax8_pipeline.billing.actions.action import TargetAction
from pax8_pipeline.billing.actions.compare import same
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation
from pax8_pipeline.billing.model import Change


@dataclass(frozen=True)
class QuantityAction(TargetAction):
    """An action that sets one number: the change's `quantity_after`, where the plan saw `before`."""

    @classmethod
    def from_change(cls, change: Change) -> Self:
        """Read what the change expects. Raises BadExpectation, also when it names no quantity."""
        if change.quantity_after is None:
            raise BadExpectation(f"row {change.row_id}: the planned quantity is missing")
        return super().from_change(change)

    @property
    def quantity(self) -> int | Decimal:
        """The planned quantity as it is sent: a whole number as int (a licence's count is one), anything else as it is."""
        value = self.change.quantity_after or Decimal(0)
        return int(value) if value == value.to_integral_value() else value.normalize()

    def is_planned(self, shown: Any) -> bool:
        """Return whether a number in Halo is the planned one."""
        return same(shown, self.change.quantity_after)

    def is_old(self, shown: Any) -> bool:
        """Return whether a number in Halo is the one that the plan saw; a third one is somebody else's."""
        return same(shown, self.change.before)
