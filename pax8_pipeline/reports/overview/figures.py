"""The money of this month and of last month: paid to Pax8, billed to clients, margin; each currency by itself.

Contains: adding up, and what each figure is. Does not contain: layout (`templates`), decisions. An amount that is not known
is None, never 0. Money is Decimal; "a month" means that a yearly price counts with a twelfth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.model import Plan
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

Row = Mapping[str, Any]
Sums = Mapping[str, Decimal | None]

SEVERAL = 2


@dataclass(frozen=True)
class Seats:
    """What the subscriptions of one plan cost and bill a month, by currency, and for how many that is known."""

    day: date
    rows: Sequence[Row]
    cost: Sums
    billed: Sums
    margin: Sums

    def known(self, name: str) -> str:
        """Return for how many subscriptions a figure is known: `cost`, `billed` or `margin`."""
        known = sum(row[name] is not None for row in self.rows)
        everything = "" if known == len(self.rows) else f"{known:,} of "
        return f"{everything}{plural(len(self.rows), 'subscription')}"


@dataclass(frozen=True)
class Month:
    """The money of one month. `usage_month` is the month before, whose usage is invoiced in this one."""

    month: str
    usage_month: str
    seats: Seats | None
    invoices: Sums = field(default_factory=dict)
    invoiced_usage_cost: Sums = field(default_factory=dict)
    usage_billed: Sums = field(default_factory=dict)
    usage_cost: Sums = field(default_factory=dict)

    @property
    def paid(self) -> Sums:
        """What Pax8's invoices of the month charge the partner."""
        return self.invoices

    @property
    def billed(self) -> Sums:
        """What clients are billed: subscriptions a month, and invoices of usage. Nothing is known without a plan."""
        return _added(self.seats.billed, self.usage_billed) if self.seats else {}

    @property
    def margin(self) -> Sums:
        """What is left of subscriptions and of usage whose cost and price are both known."""
        return _added(self.seats.margin, self.usage_margin) if self.seats else {}

    @property
    def usage_margin(self) -> Sums:
        """What is left of invoiced usage."""
        return {
            currency: None
            if amount is None or self.usage_cost.get(currency) is None
            else amount - _sure(self.usage_cost[currency])
            for currency, amount in self.usage_billed.items()
        }


@dataclass(frozen=True)
class Money:
    """Last month and this month side by side."""

    before: Month
    now: Month

    @property
    def currencies(self) -> list[str]:
        """All currencies, the one with the most money first."""
        sizes: dict[str, Decimal] = defaultdict(Decimal)
        for month in (self.before, self.now):
            for sums in (month.paid, month.billed, month.usage_cost):
                for currency, amount in sums.items():
                    sizes[currency] += abs(amount or Decimal(0))
        return sorted(sizes, key=lambda currency: (-sizes[currency], currency))


def load_money(connection: Connection, plan: Plan) -> Money:
    """Return the money of the month of a plan, and of the month before."""
    now = f"{plan.today:%Y-%m}"
    before = _previous(now)
    earlier = _previous(before)
    invoices = _rows(connection, "pax8_invoices", {"months": [before, now]})
    usage = _rows(connection, "usage_of_month", {"months": [earlier, before]})
    seats = load_seats(connection, plan.plan_id, plan.today)
    months = ((before, earlier, _seats_of_month(connection, before)), (now, before, seats))
    return Money(*(_month(month, usage_month, found, invoices, usage) for month, usage_month, found in months))


def load_seats(connection: Connection, plan_id: str, day: date) -> Seats:
    """Return what each subscription of a plan costs and bills a month; after its writes, where there were any."""
    rows = _rows(connection, "seats", {"plan_id": plan_id})
    for row in rows:
        row["currency"] = row["billed_currency"]
        same = row["cost_currency"] == row["billed_currency"]
        known = same and row["cost"] is not None and row["billed"] is not None
        row["margin"] = row["billed"] - row["cost"] if known else None
    return Seats(
        day,
        rows,
        cost=_summed(rows, "cost", "cost_currency"),
        billed=_summed(rows, "billed", "billed_currency"),
        margin=_summed(rows, "margin", "currency"),
    )


def _seats_of_month(connection: Connection, month: str) -> Seats | None:
    first = date.fromisoformat(f"{month}-01")
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    plans = _rows(connection, "plan_of_month", {"first": first, "last": last})
    return load_seats(connection, plans[0]["plan_id"], plans[0]["today"]) if plans else None


def _month(month: str, usage_month: str, seats: Seats | None, invoices: Sequence[Row], usage: Sequence[Row]) -> Month:
    own = [row for row in invoices if row["month"] == month]
    used = [row for row in usage if row["month"] == usage_month]
    return Month(
        month,
        usage_month,
        seats,
        invoices={row["currency"]: row["cost"] if row["is_known"] else None for row in own},
        invoiced_usage_cost={row["currency"]: row["usage_cost"] if row["is_known"] else None for row in own},
        usage_billed={row["currency"]: row["invoiced"] for row in used if row["invoiced"] is not None},
        usage_cost={row["currency"]: row["invoiced_cost"] for row in used if row["invoiced"] is not None},
    )


def _summed(rows: Iterable[Row], name: str, currency: str) -> dict[str, Decimal | None]:
    """Add up what is known; None for a currency of which nothing is known."""
    sums: dict[str, Decimal | None] = {}
    for row in rows:
        so_far = sums.setdefault(row[currency], None)
        if row[name] is not None:
            sums[row[currency]] = (so_far or Decimal(0)) + row[name]
    return sums


def _added(one: Sums, other: Sums) -> dict[str, Decimal | None]:
    """Add two sums by currency; what only one of them has counts by itself."""
    sums = {}
    for currency in dict.fromkeys((*one, *other)):
        known = [amount for amount in (one.get(currency), other.get(currency)) if amount is not None]
        sums[currency] = sum(known, Decimal(0)) if known else None
    return sums


def _sure(amount: Decimal | None) -> Decimal:
    return amount or Decimal(0)


def _previous(month: str) -> str:
    return f"{date.fromisoformat(f'{month}-01') - timedelta(days=1):%Y-%m}"


def _rows(connection: Connection, name: str, values: Row) -> list[dict[str, Any]]:
    return dicts(connection.execute(load_sql(f"reports/overview/{name}.sql"), dict(values)))
