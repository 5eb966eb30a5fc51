"""An approval is valid for one target: what the next run plans otherwise waits for a new one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.model import Plan
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.billing.test_approval import approve, rows
from pax8_pipeline_tests.support.plans import newest_plan
from pax8_pipeline_tests.support.usage_data import KEY, UsageData, policy
from pax8_pipeline_tests.support.vendor_data import SUB, VendorData, invoice, licence, line, plan_context, subscription
from pax8_pipeline_tests.support.warehouse_files import copy_of

USAGE = policy(trust={"default": "approve"})
APPROVE = Policy.model_validate({"trust": {"default": "approve"}})


def vendor_data(wanted: int = 4102, **changes: Any) -> VendorData:
    """A subscription of 23 seats and two licences with 18; the mapping file names one of them."""
    lines = [line(id=n, quantity_subscriptions=[{"id": n, "licence_id": n, "qty_free": 0, "minimum_qty": 0}])
             for n in (4102, 4134)]  # fmt: skip
    made = VendorData(
        subscriptions=[subscription(quantity=23)],
        licences=[licence(id=n, count=18, snowid="") for n in (4102, 4134)],
        recurring=[invoice(lines)],
        subscription_map=[(SUB, None, None, wanted)],
    )
    return replace(made, **changes)


def night(folder: Path, made: VendorData, run_id: str = "run-1", mappings: str = "mappings") -> tuple[Warehouse, Plan]:
    warehouse = made.load(folder, run_id=run_id)
    now = replace(plan_context(policy=APPROVE, run_id=run_id), mapping_fingerprint=mappings)
    return warehouse, plans.make_plan(warehouse, now)


def agreed(folder: Path) -> Warehouse:
    warehouse, plan = night(folder, vendor_data())
    assert approve(warehouse, plan, APPROVE).rows == 1
    return warehouse


def agreed_and_planned_again(folder: Path) -> Warehouse:
    agreed(folder)
    return night(folder, vendor_data(), "run-2")[0]


def usage_agreed_and_planned_again(folder: Path) -> Warehouse:
    made = UsageData()
    warehouse = made.load(folder, policy=USAGE)
    approve(warehouse, plans.make_plan(warehouse, plan_context(policy=USAGE)), USAGE)
    made.again(warehouse, USAGE, "run-2")
    plans.make_plan(warehouse, plan_context(policy=USAGE, run_id="run-2"))
    return warehouse


def test_an_approval_of_one_licence_is_not_used_for_another(tmp_path: Path) -> None:
    copy_of(agreed, tmp_path)
    warehouse, plan = night(tmp_path, vendor_data(4134), "run-2", "other mappings")
    assert rows(warehouse, plan, APPROVE) == []


def test_nor_when_the_licence_changed_although_no_file_did(tmp_path: Path) -> None:
    copy_of(agreed, tmp_path)
    warehouse, plan = night(tmp_path, vendor_data(4134), "run-2")
    assert rows(warehouse, plan, APPROVE) == []


def test_the_very_same_write_goes_on_the_next_night(tmp_path: Path) -> None:
    warehouse = copy_of(agreed_and_planned_again, tmp_path)
    plan = newest_plan(warehouse)
    assert rows(warehouse, plan, APPROVE) == [SUB]


@pytest.mark.parametrize(
    ("member", "other"),
    [
        ("action", "'set_line_quantity'"),
        ("verdict", "'rollback'"),
        ("reason", "'auto_seats'"),
        ("client_id", "232"),
        ("company_id", "'another company'"),
        ("recurring_invoice_id", "-95"),
        ("line_id", "4134"),
        ("licence_id", "4134"),
        ("target", "'licence 4134'"),
        ("before", "'17'"),
        ("after", "'24'"),
        ("quantity_before", "17"),
        ("quantity_after", "24"),
        ("billed_before", "17"),
        ("billed_after", "24"),
        ("delta", "6"),
        ("currency", "'EUR'"),
        ("unit_price", "23"),
        ("unit_price", "NULL"),
        ("period_months", "12"),
        ("money_per_period", "111"),
        ("money_per_month", "111"),
        ("expect", """'{"licence_count": 18}'"""),
    ],
)
def test_an_approval_is_bound_to_each_member_of_the_write(member: str, other: str, tmp_path: Path) -> None:
    warehouse = copy_of(agreed_and_planned_again, tmp_path)
    plan = newest_plan(warehouse)
    with warehouse.connect() as connection:
        connection.execute(f'UPDATE billing.plan SET "{member}" = {other} WHERE plan_id = ?', [plan.plan_id])
    assert rows(warehouse, plan, APPROVE) == []


@pytest.mark.parametrize("fingerprint", ["policy_fingerprint", "mapping_fingerprint"])
def test_an_approval_is_bound_to_the_policy_and_the_mapping_files(fingerprint: str, tmp_path: Path) -> None:
    warehouse = copy_of(agreed_and_planned_again, tmp_path)
    plan = newest_plan(warehouse)
    with warehouse.connect() as connection:
        connection.execute(f"UPDATE billing.plans SET {fingerprint} = 'other' WHERE plan_id = ?", [plan.plan_id])
    assert rows(warehouse, plan, APPROVE) == []


@pytest.mark.parametrize(
    ("statement", "written"),
    [
        ("""replace(expect, '"invoice_date":"2026-08-20"', '"invoice_date":"2026-08-21"')""", [KEY]),
        ("""replace(expect, '"item_id":120', '"item_id":121')""", []),
        ("""replace(expect, '512.75 GB', '600 GB')""", []),
    ],
    ids=["dated the next day", "another item", "another text"],
)
def test_an_approval_of_usage_is_for_the_lines_that_were_shown(
    statement: str, written: list[str], tmp_path: Path
) -> None:
    warehouse = copy_of(usage_agreed_and_planned_again, tmp_path)
    plan = newest_plan(warehouse)
    with warehouse.connect() as connection:
        changed = f"UPDATE billing.plan SET expect = {statement} WHERE plan_id = ? AND expect <> {statement}"
        assert connection.execute(changed, [plan.plan_id]).fetchall() == [(1,)]
    assert rows(warehouse, plan, USAGE) == written
