"""Action `add_pro_rata_entry`: a manual line gets a part-period entry, whose quantity Halo adds to the line with the
next invoice (docs/vendors/halo.md#pro-rata). The line's own quantity is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from pax8_pipeline.billing.actions.action import Call, TargetAction
from pax8_pipeline.billing.actions.compare import calendar_day, flag, number, same
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation
from pax8_pipeline.billing.actions.target import Target, is_manual
from pax8_pipeline.billing.model import Change


@dataclass(frozen=True)
class AddProRataEntry(TargetAction):
    """Add an entry for the seats that are more or fewer, dated on the day of the plan."""

    name: ClassVar[str] = "add_pro_rata_entry"
    label: ClassVar[str] = "add a part-period entry to a manual line"
    line_member: ClassVar[str | None] = "prorata_data"
    line_may_change: ClassVar[frozenset[str]] = frozenset({"prorata_data"})

    @classmethod
    def from_change(cls, change: Change) -> Self:
        """Read what the change expects. Raises BadExpectation, also when it names no quantity or no day."""
        action = super().from_change(change)
        if change.quantity_after is None or number(action.expected.line_quantity) is None:
            raise BadExpectation(f"row {change.row_id}: the planned quantity is missing")
        if action.expected.entry_date is None:
            raise BadExpectation(f"row {change.row_id}: the day of the entry (entry_date) is missing")
        return action

    @property
    def quantity(self) -> int | Decimal:
        """How many more or fewer, as it is sent."""
        value = (self.change.quantity_after or Decimal(0)) - (number(self.expected.line_quantity) or Decimal(0))
        return int(value) if value == value.to_integral_value() else value.normalize()

    def drift(self, target: Target) -> list[str]:
        """As for every target; and the line must have its own quantity and no entry that waits."""
        found = super().drift(target)
        if target.line is not None and not is_manual(target.line):
            found.append("the line's quantity is computed now")
        if _waiting(target):
            found.append("a part-period entry waits on the line already")
        return found

    def calls(self, target: Target) -> list[Call]:
        """Send the whole line with one entry more."""
        line = target.line or {}
        entry = {
            "date": f"{self.expected.entry_date}T00:00:00",
            "quantity": self.quantity,
            "unitprice": line.get("unit_price"),
            "unitcost": line.get("unit_cost"),
            "shortdescription": f"Pro rata: {line.get('item_shortdescription') or ''}".strip(),
        }
        return [Call("line", {"prorata_data": [*(line.get("prorata_data") or ()), entry]})]

    def reached(self, target: Target) -> bool:
        """The entry waits on the line, or an invoice was made of it and the line has the planned quantity."""
        if any(self._is_own(entry) for entry in _waiting(target)):
            return True
        return target.line is not None and same(target.line.get("qty_order"), self.change.quantity_after)

    def as_before(self, target: Target) -> bool:
        """The quantity is the one that the plan saw, and no entry waits."""
        is_old = target.line is not None and same(target.line.get("qty_order"), self.expected.line_quantity)
        return is_old and not _waiting(target)

    def undo_by_hand(self, detail: str) -> tuple[str, str] | None:
        """Say what a person does: whether Halo deletes an entry that is left out is not known."""
        return (
            "pro_rata_entry",
            "a part-period entry is never taken back from here: delete it on the line in Halo by hand",
        )

    def _is_own(self, entry: Any) -> bool:
        if not isinstance(entry, Mapping):
            return False
        day = calendar_day(entry.get("date"))
        return same(entry.get("quantity"), self.quantity) and day == calendar_day(self.expected.entry_date)


def _waiting(target: Target) -> list[Any]:
    """Return the entries of the line that no invoice has been made of; one that cannot be read is one of them."""
    entries = (target.line or {}).get("prorata_data") or ()
    return [e for e in entries if not isinstance(e, Mapping) or flag(e.get("isinvoiced"), absent=False) is not True]
