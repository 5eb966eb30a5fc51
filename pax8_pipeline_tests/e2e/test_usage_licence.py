"""Usage on the client's one monthly invoice, day by day over HTTP: each month billed once, price 0 in between.

The world lives its days, Halo makes the recurring invoice on its day of the month by itself, and what it billed is read
from Halo's own rows. The sandbox's oracle says what each month comes to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.sandbox.clock import add_months
from pax8_pipeline.sandbox.world import World
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.e2e.kit import Desk, desk
from pax8_pipeline_tests.e2e.nightly import night, open_entries, rows

FIRST = date(2026, 8, 4)
_FREE = (
    "{lines_changed_pct: null, lines_changed: null, lines_ended: null, money_delta: null, "
    "money_up: null, money_down: null, seats_up: null, seats_down: null}"
)
POLICY = """
guardrails: {{run: {free}, client: {free}}}
usage:
  first_month: 2026-07
  default_halo_item_id: {item}
  clients: {{{client}: {{target: licence, licence_id: {licence}}}}}
"""


class Tenant:
    """One client whose usage a licence carries, its ids in Halo, and the desk that syncs it."""

    def __init__(self, at: Desk, world: World, company: str, ids: dict[str, int]) -> None:
        self.at, self.world, self.company, self.ids = at, world, company, ids

    @property
    def licence(self) -> dict[str, Any]:
        return self.world.halo.licences[self.ids["licence_id"]]

    def sync(self) -> None:
        """One night that must come to a good end."""
        plan, outcome = night(self.at, usage=True)
        assert plan.complete, f"{self.world.today}: {plan.problem}"
        assert outcome is not None, f"{self.world.today}: {plan.held}"
        assert outcome.problems == [], self.world.today
        assert open_entries(self.at) == 0, self.world.today

    def live_to(self, day: date, *, nights: bool) -> None:
        """Let days pass, with the pipeline or without it."""
        while self.world.today < day:
            self.world.play_day()
            if nights:
                self.sync()

    def expected(self, month: str) -> Decimal:
        return self.world.expected_usage(month).clients[self.company].total

    def billed(self) -> dict[str, Decimal]:
        """What the usage line came to on each invoice Halo made, by day; what came to nothing left out."""
        found: dict[str, Decimal] = {}
        for invoice in self.world.halo.invoices.values():
            for line in invoice["lines"]:
                net = Decimal(line["qty_order"]) * Decimal(line["unit_price"])
                if line["recurring_invoice_line_id"] == self.ids["line_id"] and net:
                    found[invoice["invoice_date"][:10]] = net
        return found

    def own_invoices(self) -> list[str]:
        """References of usage invoices made for this client."""
        ours = (i for i in self.world.halo.invoices.values() if i["client_id"] == self.ids["client_id"])
        return [i["reference"] for i in ours if i["reference"].startswith("PAX8-USAGE")]

    def row(self, month: str) -> dict[str, Any]:
        """What the newest plan says of one month."""
        newest = "(SELECT arg_max(plan_id, made_at) FROM billing.plans)"
        query = f"SELECT * FROM billing.plan WHERE row_id = ? AND plan_id = {newest}"
        (found,) = rows(self.at, query, f"PAX8-USAGE {month} {self.company}")
        return found


@contextmanager
def tenant(folder: Path, due_day: int) -> Iterator[Tenant]:
    """A small world whose client with the most usage gets a usage licence; its monthly invoice is made on `due_day`."""
    world = World(8, FIRST, companies=4, subscriptions=12, usage=4)
    newest = world.expected_usage("2026-06").clients
    company = max(newest, key=lambda c: (newest[c].total, c))
    ids = world.usage_licence(company, due_day=due_day)
    item = next(iter(world.halo.items))
    text = POLICY.format(free=_FREE, item=item, client=ids["client_id"], licence=ids["licence_id"])
    (folder / "policy.yaml").write_text(text, encoding="utf-8")
    warehouse = Warehouse(folder / "warehouse.duckdb")
    warehouse.ensure_schema()
    with desk(folder, world) as at, warehouse.connect():
        yield Tenant(at, world, company, ids)


@pytest.fixture
def due_late(tmp_path: Path) -> Iterator[Tenant]:
    with tenant(tmp_path, 9) as made:
        yield made


@pytest.mark.timeout(400)
def test_three_months_are_each_billed_once_and_a_month_without_the_pipeline_bills_nothing_twice(
    due_late: Tenant,
) -> None:
    at = due_late
    expected: dict[str, Decimal] = {}
    for number, month in enumerate(("2026-07", "2026-08", "2026-09")):
        opening = add_months(FIRST, number)
        at.live_to(opening.replace(day=4), nights=False)
        at.live_to(opening.replace(day=8), nights=True)
        amount = at.expected(month)
        assert amount > 0
        assert (Decimal(at.licence["price"]), at.licence["count"]) == (amount, 1), month
        assert at.row(month)["verdict"] == "usage_set"
        at.live_to(opening.replace(day=11), nights=True)
        expected[opening.replace(day=9).isoformat()] = amount
        assert at.billed() == expected
        assert Decimal(at.licence["price"]) == 0, month
        assert at.row(month)["verdict"] == "usage_billed"
    # October: nobody runs the pipeline, and Halo makes its invoice all the same.
    at.live_to(date(2026, 11, 12), nights=False)
    assert at.billed() == expected
    at.sync()
    assert (at.row("2026-10")["verdict"], at.row("2026-09")["verdict"]) == ("usage_licence_late", "usage_billed")
    assert at.billed() == expected
    assert at.own_invoices() == []
    assert not at.world.halo.violations


def test_a_month_that_stood_on_the_licence_while_nobody_ran_the_pipeline_is_reported_as_billed_twice(
    due_late: Tenant,
) -> None:
    at = due_late
    at.live_to(date(2026, 8, 6), nights=True)
    amount = at.expected("2026-07")
    at.live_to(date(2026, 9, 10), nights=False)
    assert at.billed() == {"2026-08-09": amount, "2026-09-09": amount}
    at.sync()
    july = at.row("2026-07")
    assert (july["class"], july["verdict"]) == ("blocked", "usage_billed_twice")
    assert Decimal(at.licence["price"]) == 0
    assert at.row("2026-08")["verdict"] == "usage_licence_late"


def test_a_client_whose_invoice_is_made_before_pax8_approves_the_month_is_refused(tmp_path: Path) -> None:
    with tenant(tmp_path, 5) as at:
        at.live_to(date(2026, 8, 6), nights=True)
        july = at.row("2026-07")
        assert (july["class"], july["verdict"], july["unbilled_per_month"]) == (
            "blocked",
            "usage_licence_late",
            at.expected("2026-07"),
        )
        assert Decimal(at.licence["price"]) == 0
        assert not at.billed()
        assert not at.own_invoices()
