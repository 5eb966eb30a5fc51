"""Action `create_licence`: a licence for a subscription that Halo has none for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pax8_pipeline.billing.actions.compare import Object, flag
from pax8_pipeline.billing.actions.creation import (
    CreationAction,
    HaloReading,
    day_or_none,
    member_differences,
    money_or_none,
    text,
    text_or_none,
    whole,
    whole_or_none,
)
from pax8_pipeline.billing.actions.seat_expectation import SeatExpectation
from pax8_pipeline.billing.actions.target import requested_quantity

_READERS = {
    "id_field": text,
    "subscription_id": text,
    "name": text,
    "count": whole,
    "price": money_or_none,
    "purchase_price": money_or_none,
    "billing_cycle": text_or_none,
    "term_duration": text_or_none,
    "start_date": day_or_none,
    "end_date": day_or_none,
    "product_id": text_or_none,
    "item_id": whole_or_none,
}
# Sent under the name that Halo has for it; a date with its time, as Halo writes one.
_DATES = ("start_date", "end_date")
_SUBSCRIPTION_TYPE = 1  # docs/vendors/halo.md#licence
_ALL_SITES = -1


@dataclass(frozen=True)
class CreateLicence(CreationAction):
    """Make a licence that carries the Pax8 subscription id, with the quantity that Pax8 states."""

    name: ClassVar[str] = "create_licence"
    label: ClassVar[str] = "make a licence"
    inverse: ClassVar[str | None] = "withdraw_licence"
    readers = _READERS
    key_member = "subscription_id"
    makes = "licence"
    turn = 2

    def drift(self, reading: HaloReading) -> list[str]:
        """Nothing in Halo is needed but the client; a count below one is never made."""
        if not self.change.client_id:
            return ["the plan names no Halo client"]
        return [] if self.planned["count"] > 0 else [f"its count would be {self.planned['count']}"]

    def find(self, reading: HaloReading) -> list[Object]:
        """Return the client's licences that carry the subscription id."""
        return [row for row in reading.licences if self._id_of(row) == self.key]

    def body(self, reading: HaloReading) -> dict[str, Any]:
        """Return the new licence."""
        return {
            "client_id": self.change.client_id,
            "site_id": _ALL_SITES,
            "type": _SUBSCRIPTION_TYPE,
            **self._members(),
        }

    def differences(self, made: Object) -> list[str]:
        """Compare all that was sent."""
        sent = self._members()
        found = member_differences({**sent, self.planned["id_field"]: made.get(self.planned["id_field"])}, made)
        if made.get("client_id") != self.change.client_id:
            found.append(f"its client is {made.get('client_id')}, not {self.change.client_id}")
        if self._id_of(made) != self.key:
            found.append(f"its {self.planned['id_field']} is {made.get(self.planned['id_field'])!r}")
        if flag(made.get("deleted"), absent=False) is not False:
            found.append("it is deleted")
        return found

    def describe(self, made: Object) -> str:
        """Return its number in Halo."""
        return f"licence {made.get('id')}"

    def target_of(self, made: Object) -> Mapping[str, int]:
        """Return the licence."""
        return {"licence_id": int(made["id"])}

    def undo_expectation(self, made: Object) -> SeatExpectation:
        """Return its count and that it is active."""
        return SeatExpectation(
            licence_count=made.get("count"), licence_active=True, licence_requested=requested_quantity(made)
        )

    def _members(self) -> dict[str, Any]:
        planned = self.planned
        members = {
            "name": planned["name"],
            "count": planned["count"],
            "is_active": True,
            "status": "Active",
            "distributor": "Pax8",
            "price": planned["price"],
            "purchase_price": planned["purchase_price"],
            "billing_cycle": planned["billing_cycle"],
            "term_duration": planned["term_duration"],
            **{name: planned[name] and f"{planned[name]}T00:00:00" for name in _DATES},
            "third_party_productid": planned["product_id"],
            "item_id": planned["item_id"],
            planned["id_field"]: self.key,
        }
        return {name: value for name, value in members.items() if value is not None}

    def _id_of(self, row: Object) -> str:
        return str(row.get(self.planned["id_field"]) or "").strip().lower()
