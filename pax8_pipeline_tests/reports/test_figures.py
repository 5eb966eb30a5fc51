"""The money of two months: last month comes from its own last plan, what is not known stays unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from pax8_pipeline.billing.planning import planner
from pax8_pipeline.reports.overview.figures import Money, load_money
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.vendor_data import VendorData, plan_context, subscription


def planned(warehouse: Warehouse, day: date) -> Money:
    made_at = datetime.combine(day, datetime.min.time())
    context = replace(plan_context(), today=day, made_at=made_at)
    plan = planner.make_plan(warehouse, context)
    with warehouse.connect() as connection:
        return load_money(connection, planner.load_plan(connection, plan.plan_id))


def test_last_month_is_known_from_its_last_plan_only(tmp_path: Path) -> None:
    warehouse = VendorData().load(tmp_path)
    july = planned(warehouse, date(2026, 7, 31))
    assert (july.before.seats, july.before.billed, july.before.margin) == (None, {}, {})
    august = planned(warehouse, date(2026, 8, 20))
    # 20 seats at 22.00, of which each costs 17.00.
    for month in (august.before, august.now):
        assert (month.billed, month.margin) == ({"USD": Decimal(440)}, {"USD": Decimal(100)})
    assert (august.before.month, august.now.month) == ("2026-07", "2026-08")
    assert august.now.paid == {}


def test_a_yearly_price_counts_with_a_twelfth(tmp_path: Path) -> None:
    yearly = subscription(billingTerm="Annual", partnerCost=120, price=264)
    money = planned(VendorData(subscriptions=[yearly]).load(tmp_path), date(2026, 8, 20))
    assert money.now.seats is not None
    assert money.now.seats.cost == {"USD": Decimal(200)}


def test_a_cost_that_pax8_does_not_state_is_not_known_and_never_zero(tmp_path: Path) -> None:
    money = planned(VendorData(subscriptions=[subscription(partnerCost=None)]).load(tmp_path), date(2026, 8, 20))
    assert money.now.seats is not None
    assert money.now.seats.cost == {"USD": None}
    assert money.now.margin == {"USD": None}
    assert money.now.billed == {"USD": Decimal(440)}
    assert money.now.seats.known("margin") == "0 of 1 subscription"
