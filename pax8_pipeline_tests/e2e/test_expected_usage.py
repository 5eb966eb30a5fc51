"""What is reconciled of usage is what the world's own oracle says, whatever vendors and people did."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pax8_pipeline.sandbox.pax8.switches import UNASSIGNED_SHAPES
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.nightly import night, rows
from pax8_pipeline_tests.support.operator import TODAY, Operator, desk

JULY = date(2026, 7, 1)
POLICY = "usage: {first_month: 2026-07}\n"
Sums = dict[tuple[str, str, str], Decimal]

_FOUND = """
SELECT verdict, coalesce(shape, '') AS shape, coalesce(company_id, '') AS company_id, sum(charges) AS total, sum(cost) AS cost
FROM reconciled.usage WHERE month = '2026-07' AND counts GROUP BY ALL
"""


def odd_world() -> World:
    """Every odd case of a month at once: none may disturb another."""
    world = World(2, TODAY, companies=20, usage=20, subscriptions_per_company=2, unassigned=UNASSIGNED_SHAPES)
    clients = [c for c, of in world.expected_usage(JULY).clients.items() if of.currency == "USD"]
    odd: list[dict[str, Any]] = [
        {"total": "-3.20", "cost_total": "-2.10"},
        {"quantity": "512.755", "price": "0.05", "cost": "0.038"},
        {"total": "10.125", "cost_total": "8.001"},
        {"currency": "EUR"},
        {"billed_by_pax8": True},
        {"total": "0", "cost_total": "0"},
        {"total": "0", "cost_total": "4.00"},
        {"product_id": "11111111-2222-4333-8444-555555555555"},
    ]
    for company, item in zip(clients, odd, strict=False):
        world.charge(JULY, company_id=company, group="Odd", **item)
    world.charge(JULY, total="7.00", cost_total="5.00", group="Nobody")
    return world


def wanted(world: World) -> tuple[Sums, Sums]:
    """Client totals and costs by (verdict, shape, company), as the world knows them."""
    totals: Sums = defaultdict(Decimal)
    costs: Sums = defaultdict(Decimal)
    for one in world.expected_usage(JULY).charges:
        # What a trial or nothing is worth nobody looks further into.
        key = (one.why or "bill", "" if one.why in ("trial", "zero") else one.shape, one.company_id)
        key = (key[0], "", "") if one.why in ("trial", "zero") else key
        totals[key] += one.total
        costs[key] += one.cost
    return dict(totals), dict(costs)


def found(at: Operator) -> tuple[Sums, Sums]:
    """The same as the product has it."""
    totals: Sums = defaultdict(Decimal)
    costs: Sums = defaultdict(Decimal)
    for row in rows(at, _FOUND):
        key = (row["verdict"], row["shape"], row["company_id"])
        key = (key[0], "", "") if row["verdict"] in ("trial", "zero") else key
        totals[key] += row["total"]
        costs[key] += row["cost"]
    return dict(totals), dict(costs)


def planned(at: Operator) -> dict[str, Decimal]:
    """What the newest plan would bill, by company."""
    query = (
        "SELECT company_id, money_per_period AS money FROM billing.plan WHERE verdict = 'usage_bill' "
        "AND plan_id = (SELECT arg_max(plan_id, made_at) FROM billing.plans)"
    )
    return {row["company_id"]: row["money"] for row in rows(at, query)}


def test_each_charge_gets_the_worlds_verdict_and_each_client_its_total_to_the_cent(tmp_path: Path) -> None:
    world = odd_world()
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    with desk(tmp_path, world) as at:
        night(at, apply=False, usage=True)
        assert found(at) == wanted(world)
        assert planned(at) == {company: client.total for company, client in world.expected_usage(JULY).clients.items()}


def test_a_group_assigned_after_its_invoice_is_its_companys_the_next_day(tmp_path: Path) -> None:
    world = odd_world()
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    lost = [g["id"] for g in world.pax8.groups.values() if g["_assignment"] != "assigned"]
    company = next(c for c, of in world.expected_usage(JULY).clients.items() if of.currency == "USD")
    with desk(tmp_path, world) as at:
        night(at, apply=False, usage=True)
        for group in lost:
            world.assign_group(group, company)
        world.play_day()
        night(at, apply=False, usage=True)
        assert found(at) == wanted(world)


def test_a_credited_invoice_and_its_replacement_leave_the_worlds_totals(tmp_path: Path) -> None:
    world = odd_world()
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    with desk(tmp_path, world) as at:
        night(at, apply=False, usage=True)
        world.credit_and_rebill(invoice_month=date(2026, 8, 1), share=Decimal("0.5"))
        world.play_day()
        night(at, apply=False, usage=True)
        assert found(at) == wanted(world)
