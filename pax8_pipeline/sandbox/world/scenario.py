"""A scripted day on which every kind of event that makes the two sides differ happens once: the demo's last day.

Recording an event is in `recorder.py`, random days are in `simulation.py`, the rules for a verdict in
`oracle/subscriptions.py`. Each event happens to another company, so that no client reaches a guardrail.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pax8_pipeline.sandbox.pax8.store import Row
from pax8_pipeline.sandbox.world.generate_pax8 import make_company
from pax8_pipeline.sandbox.world.recorder import EventRecorder
from pax8_pipeline.sandbox.world.systems import Systems

_MODEST = Decimal(600)  # the money per period that an event may change: well within the default guardrails


class ScriptedDay(EventRecorder):
    """Makes one event of each kind happen in a world, each to another company."""

    def __init__(self, world: Systems, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._used: set[str] = set()

    def play(self) -> None:
        """Make one event of each kind happen, in a fixed order."""
        self._seats("increase", self._followed, by=3)
        self._seats("increase_manual", self._manual, by=2, verdict="increase")
        self._seats("decrease", self._followed, by=-2)
        self._end("cancel", self._pick(self._followed))
        self._end("cancel_manual", self._pick(self._manual))
        self._pending_cancel()
        self._trial()
        self._seats("annual", self._annual, by=1, verdict="increase")
        self._two_of_one_product()
        self._rebuy()
        self._unmatched_company()
        self._unassigned_usage()
        self._unbilled()
        self._billed_by_pax8()
        self._seats("currency_mismatch", self._in_dollars, by=2, currencyCode="EUR")
        self._ambiguous()
        self._line_inactive()
        self._seats("unknown_term", self._followed, by=1, billingTerm="Biennial-Plus")
        self._seats("unknown_status", self._followed, by=1, status="Hibernating")
        self._computed_elsewhere()
        self.change("stuck_pending", self._pick(self._followed), "in_step", status="PendingAutomated")

    # Changes a sync writes --------------------------------------------------------------------------------

    def _seats(self, kind: str, fits: Callable[[Row], bool], *, by: int, verdict: str = "", **fields: Any) -> None:
        """Change the seats of a subscription that fits, with other members; the verdict is `kind` unless given."""
        row = self._pick(fits)
        self.change(kind, row, verdict or kind, **fields, quantity=row["quantity"] + by)

    def _end(self, kind: str, row: Row) -> None:
        yesterday = (self.world.today - timedelta(days=1)).isoformat()
        self.change(kind, row, "cancel", status="Cancelled", endDate=yesterday)

    def _two_of_one_product(self) -> None:
        row = self._pick(self._followed)
        twin = self.buy(row["companyId"], row["productName"], quantity=4, price=row["price"], days_ago=90)
        self.world.bill_in_halo(twin["id"])
        self.change("two_of_one_product", row, "increase", quantity=row["quantity"] + 1)
        self.record("two_of_one_product_twin", twin, "in_step")

    def _rebuy(self) -> None:
        old = self._pick(self._followed)
        self._end("rebuy_old", old)
        new = self.buy(old["companyId"], old["productName"], quantity=old["quantity"], price=old["price"])
        self.record("rebuy_new", new, "unbilled", details={"instead_of": old["id"]})

    # Changes a sync reports -------------------------------------------------------------------------------

    def _pending_cancel(self) -> None:
        row = self._pick(self._followed)
        end = (self.world.today + timedelta(days=12)).isoformat()
        self.change("pending_cancel", row, "pending_cancel", status="PendingCancel", endDate=end)

    def _trial(self) -> None:
        company = self._company()
        row = self.buy(company, "Quillsign Business", quantity=5, price=Decimal(0), status="Trial", term="Trial")
        self.record("trial", row, "trial")

    def _unmatched_company(self) -> None:
        """Add a new company that nobody has mapped. A Halo client with the same name tempts a sync to guess."""
        company = make_company(self.rng, "Meridian Garden Centre", self.world.today)
        company["externalId"] = "GC-2291"
        self.world.pax8.add_company(company)
        self.world.halo.add_client(name=company["name"], currencyisocode=company["_currency"])
        for name, seats in (("Contora 365 Business Standard", 14), ("Bastion Mail Shield", 14)):
            self.record("unmatched_company", self.buy(company["id"], name, quantity=seats), "unmatched_company")

    def _unassigned_usage(self) -> None:
        world = self.world
        for group in world.pax8.groups.values():
            if group["_assignment"] == "assigned":
                continue
            row = world.pax8.subscriptions[group["subscriptionId"]]
            details = {
                "shape": group["_assignment"],
                "item_shape": group["_itemShape"],
                "summary_id": group["id"],
                "resource_group": group["resourceGroup"],
                "vendor_name": group["vendorName"],
            }
            self.record("unassigned_usage", row, "unassigned_usage", details=details)

    def _unbilled(self) -> None:
        row = self.buy(self._company(), "Keyring Business Vault", quantity=11, days_ago=8)
        self.record("unbilled", row, "unbilled")

    def _billed_by_pax8(self) -> None:
        row = self._pick(self._followed)
        self.world.pax8.change_company(row["companyId"], {"billOnBehalfOfEnabled": True})
        self.change("billed_by_pax8", row, "billed_by_pax8", quantity=row["quantity"] + 4)

    def _ambiguous(self) -> None:
        row = self._pick(self._followed)
        second = self.world.halo_generator.follow_twice(self.world.links.lines[row["id"]])
        details = {"second_line_id": second}
        self.change("ambiguous", row, "ambiguous", details=details, quantity=row["quantity"] + 1)

    def _line_inactive(self) -> None:
        row = self._pick(self._followed)
        self.world.oracle.line(self.world.links.lines[row["id"]])["isinactive"] = True
        self.change("line_inactive", row, "line_inactive", quantity=row["quantity"] + 1)

    def _computed_elsewhere(self) -> None:
        row = self._pick(self._manual)
        line = self.world.oracle.line(self.world.links.lines[row["id"]])
        line["recurring_invoice_quantity_type"] = 2
        self.change("computed_elsewhere", row, "computed_elsewhere", quantity=row["quantity"] + 3)

    # Choosing ------------------------------------------------------------------------------------------------

    def _pick(self, fits: Callable[[Row], bool]) -> Row:
        """Return an ordinary subscription that fits, of a company without events so far."""
        candidates = [row for row in self._ordinary() if row["companyId"] not in self._used and fits(row)]
        if not candidates:
            raise ValueError("this world is too small for its story: give it more companies")
        row = self.rng.choice(candidates)
        self._used.add(row["companyId"])
        return row

    def _company(self) -> str:
        """Return a mapped company without events so far."""
        return str(self._pick(self._followed)["companyId"])

    def _ordinary(self) -> Iterator[Row]:
        """Yield active, mapped, billed seats of moderate money, of clients with enough lines."""
        world = self.world
        for row in world.pax8.subscriptions.values():
            if row["status"] != "Active" or world.oracle.verdict(row["id"]) != "in_step":
                continue
            if row["id"] not in world.links.lines:
                continue
            if not row["price"] or not 4 <= row["quantity"] <= 40:
                continue
            if len(world.pax8.subscriptions_of[row["companyId"]]) < 4:
                continue
            if row["price"] * row["quantity"] <= _MODEST or row["billingTerm"] == "Annual":
                yield row

    def _type(self, row: Row) -> int:
        return int(self.world.oracle.line(self.world.links.lines[row["id"]])["recurring_invoice_quantity_type"])

    def _followed(self, row: Row) -> bool:
        return row["billingTerm"] == "Monthly" and self._type(row) == 4

    def _annual(self, row: Row) -> bool:
        return row["billingTerm"] == "Annual" and self._type(row) == 4

    def _in_dollars(self, row: Row) -> bool:
        return self._followed(row) and row["currencyCode"] == "USD"

    def _manual(self, row: Row) -> bool:
        return row["billingTerm"] == "Monthly" and self._type(row) == 0
