"""Action `create_line`: a line on a recurring invoice that follows a licence, or has its own quantity.

It is sent to `POST /RecurringInvoice/Lines`, which gets one line and no list of lines: nothing can be left out of it, so
no other line can be lost (docs/vendors/halo.md#line).
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pax8_pipeline.billing.actions import differences
from pax8_pipeline.billing.actions.compare import Object, flag, same
from pax8_pipeline.billing.actions.creation import (
    CreationAction,
    HaloReading,
    member_differences,
    money,
    money_or_none,
    text,
    whole,
)
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation, SeatExpectation
from pax8_pipeline.billing.actions.target import followed_licences, is_manual, lines_by_id
from pax8_pipeline.text.plurals import plural

# How a line's quantity is found, by the policy's word (docs/vendors/halo.md#line), and the member that has the link.
TYPES = {"manual": 0, "licence": 1, "subscription": 4}
_LINKS = {1: "quantity_licences", 4: "quantity_subscriptions"}
_READERS = {
    "id_field": text,
    "subscription_id": text,
    "item_id": whole,
    "text": text,
    "quantity": whole,
    "price": money,
    "cost": money_or_none,
    "type": whole,
}
MARK = "Ref: PAX8-LINE "


@dataclass(frozen=True)
class CreateLine(CreationAction):
    """Put a line on a recurring invoice, with the price that the plan shows, and the subscription id in its text."""

    name: ClassVar[str] = "create_line"
    label: ClassVar[str] = "make a line"
    inverse: ClassVar[str | None] = "withdraw_line"
    readers = _READERS
    key_member = "subscription_id"
    makes = "line"
    turn = 3

    @classmethod
    def read_planned(cls, expect: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read the line; its type must be one that is known. Raises BadExpectation."""
        planned = super().read_planned(expect)
        if planned["type"] not in TYPES.values():
            raise BadExpectation(f"the plan does not say what to make: type {planned['type']} is not known")
        return planned

    @property
    def is_linked(self) -> bool:
        """Whether its quantity comes from a licence."""
        return self.planned["type"] in _LINKS

    def drift(self, reading: HaloReading) -> list[str]:
        """The recurring invoice must be there and on; a linked line needs one active licence with the planned count."""
        header = reading.recurring_invoice(self.change.recurring_invoice_id)
        if header is None:
            return [f"recurring invoice {self.change.recurring_invoice_id} is gone"]
        found = []
        if flag(header.get("disabled"), absent=False) is not False:
            found.append("the recurring invoice is disabled, or says so in a way that cannot be read")
        return found + (self._licence_drift(reading) if self.is_linked else [])

    def find(self, reading: HaloReading) -> list[Object]:
        """Return the lines that name the subscription, and those that follow its licence."""
        licences = {row.get("id") for row in self._licences(reading)}
        return [line for line in reading.lines() if self._has_mark(line) or licences & set(followed_licences(line))]

    def body(self, reading: HaloReading) -> dict[str, Any]:
        """Return the new line, whole."""
        planned = self.planned
        line = {
            "ihid": self.change.recurring_invoice_id,
            "item_longdescription": f"{MARK}{self.key}",
            "qty_order": planned["quantity"],
            "baseprice": planned["price"],
            **self._members(),
        }
        if self.is_linked:
            link = {"kind": planned["type"], "licence_id": self._licences(reading)[0]["id"], "qty_free": 0}
            line[_LINKS[planned["type"]]] = [{**link, "minimum_qty": 0, "pro_rata": 1}]
        return line

    def differences(self, made: Object) -> list[str]:
        """Compare item, text, price, switch, kind of quantity, quantity and the subscription id."""
        found = member_differences(self._members(), made)
        if not self._has_mark(made):
            found.append(f"its text does not have {MARK}{self.key}")
        if made.get("ihid") not in (None, self.change.recurring_invoice_id):
            found.append(f"it is on recurring invoice {made.get('ihid')}, not {self.change.recurring_invoice_id}")
        if is_manual(made) and not same(made.get("qty_order"), self.planned["quantity"]):
            found.append(f"its quantity is {made.get('qty_order')}, not {self.planned['quantity']}")
        if self.is_linked and len(followed_licences(made)) != 1:
            found.append(f"it follows {plural(len(followed_licences(made)), 'licence')}, not 1")
        return found

    def unplanned(self, before: HaloReading, after: HaloReading, made: Object) -> list[str]:
        """Every other line and member of the recurring invoice must be equal, and the link must be to the licence."""
        invoice = self.change.recurring_invoice_id
        old, new = before.recurring_invoice(invoice), after.recurring_invoice(invoice)
        if old is None or new is None:
            return [f"recurring invoice {invoice} is gone"]
        found = [f"recurring invoice {invoice}: {s}" for s in differences.unplanned({}, old, new)]
        if self.is_linked and followed_licences(made) != [row.get("id") for row in self._licences(before)]:
            found.append(f"line {made.get('id')} follows licences {followed_licences(made)}")
        return found

    def done_by_others(self, before: HaloReading, after: HaloReading, made: Object) -> list[str]:
        """Say which other lines somebody put on the recurring invoice meanwhile."""
        invoice = self.change.recurring_invoice_id
        old, new = before.recurring_invoice(invoice) or {}, after.recurring_invoice(invoice) or {}
        own = made.get("id")
        without = {**new, "lines": [line for i, line in lines_by_id(new).items() if i != own]}
        return [f"recurring invoice {invoice}: {s}" for s in differences.done_by_others(old, without, 1)]

    def describe(self, made: Object) -> str:
        """Return its number in Halo, and its recurring invoice."""
        return f"line {made.get('id')} of recurring invoice {made.get('ihid') or self.change.recurring_invoice_id}"

    def target_of(self, made: Object) -> Mapping[str, int]:
        """Return the line."""
        return {"line_id": int(made["id"])}

    def undo_expectation(self, made: Object) -> SeatExpectation:
        """Return that it is on, and its quantity where it has its own."""
        quantity = str(made["qty_order"]) if is_manual(made) else None
        return SeatExpectation(line_quantity=quantity, line_inactive=False)

    def _members(self) -> dict[str, Any]:
        planned = self.planned
        members = {
            "_itemid": planned["item_id"],
            "item_shortdescription": planned["text"],
            "unit_price": planned["price"],
            "unit_cost": planned["cost"],
            "isinactive": False,
            "recurring_invoice_quantity_type": planned["type"],
        }
        return {name: value for name, value in members.items() if value is not None}

    def _licences(self, reading: HaloReading) -> list[Object]:
        field = self.planned["id_field"]
        return [row for row in reading.licences if str(row.get(field) or "").strip().lower() == self.key]

    def _licence_drift(self, reading: HaloReading) -> list[str]:
        found = self._licences(reading)
        if len(found) != 1:
            return [
                f"{plural(len(found), 'licence carries', 'licences carry')} subscription {self.key}, not 1; the line waits for it"
            ]
        (licence,) = found
        if flag(licence.get("is_active")) is not True or flag(licence.get("deleted"), absent=False) is not False:
            return [f"licence {licence.get('id')} is not active"]
        if not same(licence.get("count"), self.planned["quantity"]):
            return [f"licence {licence.get('id')} counts {licence.get('count')}, not {self.planned['quantity']}"]
        return []

    def _has_mark(self, line: Object) -> bool:
        return f"{MARK}{self.key}".lower() in html.unescape(str(line.get("item_longdescription") or "")).lower()
