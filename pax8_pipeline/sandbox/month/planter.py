"""Plays the end of months in a world, and says what a correct comparison finds in each.

Errors are in `errors`, harmless cases in `lookalikes`: each is one function that does something to both systems and
says what is true of it. What nobody touched agrees. So the right result is known without any comparing, and nothing of
the product is used.

The days of a month M: on the 1st Halo makes its invoices, on the 4th Pax8 makes its own, on the 6th people make their
mistakes on them. On the 15th seats change, which is on the invoices of the next month.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pax8_pipeline.sandbox.core.clock import add_months, month_end
from pax8_pipeline.sandbox.halo import writes
from pax8_pipeline.sandbox.halo.nightly import make_due_invoices
from pax8_pipeline.sandbox.halo.rows import read_day
from pax8_pipeline.sandbox.pax8 import invoice_items, invoices
from pax8_pipeline.sandbox.pax8.store import Row
from pax8_pipeline.sandbox.world.recorder import EventRecorder
from pax8_pipeline.sandbox.world.world import World

# "before" Halo's invoices; "between" both; "replaced", "items" or "after": on Pax8's; "middle" of the month before.
Phase = str


@dataclass(frozen=True)
class Planted:
    """What is true of one charge: `subject` (a subscription, or the product of an item) and its `charge` (seats, pro_rata,
    one_time, usage, ...) have this class. `lasting`: also in the months after it.
    """

    kind: str
    subject: str
    charge: str
    expected: str
    lasting: bool = False


Plant = Callable[["MonthEnds"], list[Planted]]


class MonthEnds(EventRecorder):
    """A world whose months end one after the other. `expected` has what was planted for each month, yyyy-mm."""

    def __init__(self, world: World, plants: dict[Phase, dict[str, Plant]]) -> None:
        super().__init__(world, random.Random(f"{world.seed}|month ends"))
        self.full_world = world
        self.plants = plants
        self.month = date(1970, 1, 1)
        self.expected: dict[str, list[Planted]] = {}
        # Changed on the 15th: whose part period, or seats, Pax8 will put on its invoice in a wrong way.
        self.wrong_days: list[Row] = []
        self.lagging: list[Row] = []
        self._used: set[str] = set()
        self._lasting: list[Planted] = []

    # Days -------------------------------------------------------------------------------------------------

    def play(self, month: date) -> None:
        """Play a month from the middle of the one before it to the 6th."""
        self.month = month
        self.full_world.clock.set(add_months(month, -1).replace(day=15))
        found = self._plant("middle")
        self.full_world.clock.set(month)
        found += self._plant("before")
        for invoice_id in make_due_invoices(self.full_world.halo):
            self.full_world.halo.invoices[invoice_id]["posted"] = True
        self.full_world.clock.set(month.replace(day=2))
        found += self._plant("between")
        self.full_world.clock.set(month.replace(day=invoices.APPROVED_ON))
        invoices.generate(self.full_world.pax8, month)
        self.full_world.clock.set(month.replace(day=6))
        # A replaced invoice has new items: what is planted on an item comes after it.
        found += self._plant("replaced") + self._plant("items") + self._plant("after")
        self.full_world.pax8.touch()
        self.expected[f"{month:%Y-%m}"] = [*self._lasting, *found]
        self._lasting += [one for one in found if one.lasting]

    def _plant(self, phase: Phase) -> list[Planted]:
        return [one for plant in self.plants.get(phase, {}).values() for one in plant(self)]

    # Choosing ---------------------------------------------------------------------------------------------

    def pick(self, fits: Callable[[Row], bool] = lambda row: True, *, manual: bool = False) -> Row:
        """Return a subscription that nothing was planted on: monthly seats that are billed and in step. `manual`: by a
        line whose quantity was typed in.
        """
        for row in self._ordinary():
            line = self.line(row)
            if (line["recurring_invoice_quantity_type"] == 0) == manual and fits(row):
                self.use(row)
                return row
        raise ValueError("this world is too small: give it more subscriptions")

    def use(self, row: Row) -> None:
        """Keep a subscription from being chosen again."""
        self._used.add(row["id"])

    def _ordinary(self) -> Iterator[Row]:
        pax8, links = self.full_world.pax8, self.full_world.links
        until = (add_months(self.month, -2)).isoformat()
        for row in pax8.subscriptions.values():
            company = pax8.companies[row["companyId"]]
            if row["id"] in self._used or row["id"] not in links.lines or company["billOnBehalfOfEnabled"]:
                continue
            if row["status"] == "Active" and row["billingTerm"] == "Monthly" and row["price"] and not row["endDate"]:
                snapshots = pax8.snapshots(row["id"])
                quiet = (snapshots[-1]["updatedDate"] or "")[:10] < until and row["startDate"] < until
                if quiet and row["quantity"] >= 6 and not self.line(row)["isinactive"]:
                    yield row

    # What is there ----------------------------------------------------------------------------------------

    def line(self, row: Row) -> Row:
        """The Halo line of a subscription."""
        return self.full_world.oracle.line(self.full_world.links.lines[row["id"]])

    def licence(self, row: Row) -> Row | None:
        """The Halo licence of a subscription; None when a manual line bills it."""
        return self.full_world.halo.licences.get(self.full_world.links.lines[row["id"]].licence_id or 0)

    def header(self, row: Row) -> Row:
        """The recurring invoice of a subscription."""
        return self.full_world.halo.recurring_invoices[self.full_world.links.lines[row["id"]].recurring_invoice_id]

    def set_seats(self, row: Row, quantity: int) -> None:
        """Change Halo's quantity as a correct sync does."""
        licence = self.licence(row)
        if licence is None:
            self.line(row)["qty_order"] = Decimal(quantity)
        else:
            writes.set_licence_members(self.full_world.halo, licence, {"count": quantity})

    def pax8_invoice(self, row: Row) -> Row:
        """The valid Pax8 invoice of the month in the currency of a subscription."""
        partner = self.full_world.pax8.companies[row["companyId"]]["_partner"]
        return next(
            one for one in self.full_world.pax8.invoices.values()
            if one["invoiceDate"] == self.month.isoformat() and one["_partner"] == partner
            and one["currencyCode"] == row["currencyCode"] and one["status"] not in ("Void", "Credited")
            and one["_kind"] != "second"
        )  # fmt: skip

    def item(self, row: Row) -> Row:
        """The seats of a subscription on the Pax8 invoice of the month."""
        items = invoice_items_of(self, row)
        return next(one for one in items if one["subscriptionId"] == row["id"] and one["type"] == "subscription")

    def day_before(self, day: int) -> date:
        """A day of the month before."""
        return add_months(self.month, -1).replace(day=day)

    def add_part(self, row: Row, quantity: Decimal, start: date) -> Row:
        """Put a part period from `start` to the end of its month on the Pax8 invoice of the month; return it."""
        item = self.add_item(row, "prorate", startPeriod=start.isoformat(), endPeriod=month_end(start).isoformat())
        share = Decimal((month_end(start) - start).days + 1) / month_end(start).day
        price, cost = ((Decimal(row[name]) * share).quantize(Decimal("0.01")) for name in ("price", "partnerCost"))
        return invoice_items.priced(item, quantity, price, cost)

    def move_part(self, row: Row, start: date) -> None:
        """Let the part period of a subscription on the Pax8 invoice of the month begin on `start`."""
        items = invoice_items_of(self, row)
        (part,) = (one for one in items if one["subscriptionId"] == row["id"] and one["type"] == "prorate")
        items.remove(part)
        self.add_part(row, Decimal(part["quantity"]), start)

    def bill_part(self, row: Row, quantity: int, price: Decimal) -> None:
        """Put a part period on the Halo invoice of the month."""
        made, line = self.bill(row)
        part = {k: v for k, v in line.items() if k not in ("id", "ihid")} | {"qty_order": quantity, "unit_price": price}
        made["lines"].append(self.full_world.halo.line_row(part, made))

    def add_item(self, row: Row, kind: str, **members: Any) -> Row:
        """Put one more item on the Pax8 invoice of the month; return it."""
        items = invoice_items_of(self, row)
        item = {**self.item(row), "type": kind, **members}
        item["id"] = str(uuid5(NAMESPACE_URL, f"{item['id']}|{kind}|{len(items)}"))
        # Pax8 does not send the id of every item.
        item["productName"] = item["description"] = f"{item['productName']} {item['id'][:8]}"
        items.append(item)
        return item

    def bill(self, row: Row) -> tuple[Row, Row]:
        """The Halo invoice of the month that bills a subscription, and its line there."""
        link = self.full_world.links.lines[row["id"]]
        for made in self.full_world.halo.invoices.values():
            if made["recurring_invoice_id"] == link.recurring_invoice_id and not made["voided"]:
                lines = made["lines"] if read_day(made["period_start_date"]) == self.month else []
                for line in lines:
                    if line["recurring_invoice_line_id"] == link.line_id:
                        return made, line
        raise ValueError(f"no Halo invoice of {self.month:%Y-%m} bills {row['id']}")

    def bill_again(self, made: Row, lines: list[Row]) -> Row:
        """Make one more Halo invoice like `made`, with other lines, a week after it."""
        copies = [{k: v for k, v in line.items() if k not in ("id", "ihid")} for line in lines]
        day = (self.month + timedelta(days=7)).isoformat() + "T00:00:00"
        members = {k: v for k, v in made.items() if k not in ("id", "lines", "invoice_date", "voided")}
        new_id = self.full_world.halo.add_invoice(lines=copies, **members, invoice_date=day)
        return self.full_world.halo.invoices[new_id]


def invoice_items_of(month: MonthEnds, row: Row) -> list[Row]:
    """The items of the Pax8 invoice of the month that has a subscription."""
    return invoices.items_of(month.full_world.pax8, month.pax8_invoice(row))


def requantify(item: Row, quantity: int) -> None:
    """Give an item another quantity, with its money."""
    invoice_items.priced(item, Decimal(quantity), Decimal(item["price"]), Decimal(item["cost"]))


def seats(kind: str, row: Row, expected: str, *, lasting: bool = False) -> list[Planted]:
    """What is true of the seats of one subscription."""
    return [Planted(kind, row["id"], "seats", expected, lasting)]
