"""Action `set_usage_licence`: an earlier version billed a month's usage by the price of a licence.

None is written any more (docs/decisions/0001-no-usage-licence.md). Ledgers still hold them: they are settled by
reading, count as billed, and only a person can take one back.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, Self

from pax8_pipeline.billing.actions.action import Call, TargetAction
from pax8_pipeline.billing.actions.compare import number, same, show
from pax8_pipeline.billing.actions.seat_expectation import SeatExpectation
from pax8_pipeline.billing.actions.target import Target
from pax8_pipeline.billing.model import Change

_STORED = Decimal("0.0001")  # Halo keeps a price with so many places


@dataclass(frozen=True)
class SetUsageLicence(TargetAction):
    """Read only: price and cost of a licence with count 1 were a month's usage."""

    name: ClassVar[str] = "set_usage_licence"
    label: ClassVar[str] = "set the price of a licence to a month's usage (earlier versions)"
    is_usage: ClassVar[bool] = True
    retired: ClassVar[bool] = True

    @classmethod
    def from_change(cls, change: Change) -> Self:
        """Take the change as it is: only what `took_effect` and `as_before` need is read of its JSON."""
        return cls(change, SeatExpectation())

    def drift(self, target: Target) -> list[str]:
        """Never write it."""
        return ["a usage licence is not written any more"]

    def calls(self, target: Target) -> list[Call]:
        """Send nothing."""
        return []

    def reached(self, target: Target) -> bool:
        """Count 1 with the planned price and cost."""
        licence, expect = target.licence or {}, self.change.expect
        return (
            same(licence.get("count"), 1)
            and _same_money(licence.get("price"), expect.get("price"))
            and _same_money(licence.get("purchase_price"), expect.get("unit_cost"))
        )

    def as_before(self, target: Target) -> bool:
        """Count and price are those that the plan saw."""
        licence, expect = target.licence, self.change.expect
        return (
            licence is not None
            and same(licence.get("count"), expect.get("licence_count"))
            and _same_money(licence.get("price"), expect.get("licence_price"))
        )

    def describe(self, target: Target) -> str:
        """Return what a later reading shows, with the price."""
        return f"{super().describe(target)}, price {show((target.licence or {}).get('price'))}"

    def undo_by_hand(self, detail: str) -> tuple[str, str] | None:
        """Say what a person does."""
        return (
            "usage_licence",
            f"a usage licence is not written any more: set the price of licence {self.change.licence_id} in Halo by hand",
        )


def _same_money(shown: Any, planned: Any) -> bool:
    """Compare two prices as Halo keeps them; none is 0."""
    a, b = ((number(value) or Decimal(0)).quantize(_STORED, ROUND_HALF_UP) for value in (shown, planned))
    return a == b
