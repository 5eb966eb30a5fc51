"""Warehouses in which a plan is made already (five seats more for one subscription), and what a plan holds."""

from __future__ import annotations

from pathlib import Path

from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.model import Change, Entry, Plan
from pax8_pipeline.billing.planning.planner import all_changes, latest_plan_id, load_plan, make_plan
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline_tests.support.vendor_data import VendorData, plan_context, subscription
from pax8_pipeline_tests.support.warehouse_files import copy_of

MORE_SEATS = VendorData(subscriptions=[subscription(quantity=25)])


def newest_plan(warehouse: Warehouse) -> Plan:
    """The head of the newest plan."""
    with warehouse.connect() as connection:
        return load_plan(connection, latest_plan_id(connection) or "")


def safe_changes(connection: Connection, plan_id: str) -> list[Change]:
    """The changes of a stored plan that are written without a person, ordered by recurring invoice."""
    return [change for change in all_changes(connection, plan_id) if change.cls == "safe"]


def with_plan(folder: Path, policy: Policy | None = None) -> tuple[Warehouse, Plan]:
    """Plan five seats more under a policy."""
    warehouse = copy_of(_planned, folder, (policy or Policy()).model_dump_json())
    return warehouse, newest_plan(warehouse)


def _planned(folder: Path, policy: str) -> Warehouse:
    warehouse = MORE_SEATS.load(folder)
    make_plan(warehouse, plan_context(policy=Policy.model_validate_json(policy)))
    return warehouse


def with_open_write(folder: Path) -> tuple[Warehouse, str]:
    """The same, and the ledger says that the write was about to be sent; returns the plan's id."""
    warehouse = copy_of(_open_write, folder)
    return warehouse, newest_plan(warehouse).plan_id


def _open_write(folder: Path) -> Warehouse:
    warehouse, plan = with_plan(folder)
    with warehouse.connect() as connection:
        (change,) = safe_changes(connection, plan.plan_id)
    Ledger(warehouse, "run-1").record(plan.plan_id, [Entry(change, "claimed")])
    return warehouse
