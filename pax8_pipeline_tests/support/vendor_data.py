"""Data of both vendors, written by hand, and put through raw, staging and reconciled.

For tests of verdicts and plans: `VendorData` starts as one company with one subscription in step with its Halo line. Each
test changes what its rule is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pax8_pipeline.billing.planning.context import PlanContext
from pax8_pipeline.billing.planning.planner import make_plan
from pax8_pipeline.mapping.files import ClientMapping, ItemMapping, Mappings, SubscriptionMapping
from pax8_pipeline.settings import Policy
from pax8_pipeline.values import IntegrationState
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.models import model
from pax8_pipeline_tests.support.built_tables import build_all
from pax8_pipeline_tests.support.warehouse_files import (
    copied,
    empty_warehouse,
    hold_open,
    let_go,
    prepared_folder,
    release,
)

_OF_USAGE = ("reconciled.usage_months", "reconciled.usage", "reconciled.usage_by_month", "staging.usage_lines")
TODAY = date(2026, 8, 20)
COMPANY = "5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11"
SUB = "c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a02"


def company(**changes: Any) -> dict[str, Any]:
    """One Pax8 company as sent."""
    return {"id": COMPANY, "name": "Example Dental", "status": "Active", "billOnBehalfOfEnabled": False, **changes}


def subscription(**changes: Any) -> dict[str, Any]:
    """One Pax8 subscription as sent, 20 seats."""
    base = {
        "id": SUB, "companyId": COMPANY, "productId": "8e0d1c55-77a3-4d0e-9d2f-0c4b6a1e7f90", "quantity": 20,
        "startDate": "2026-02-01T00:00:00Z", "billingStart": "2026-02-01", "status": "Active", "price": 22,
        "partnerCost": 17, "currencyCode": "USD", "productName": "Suite", "billingTerm": "Monthly",
    }  # fmt: skip
    return {**base, **changes}


def licence(**changes: Any) -> dict[str, Any]:
    """One Halo licence as sent, count 20."""
    base = {"id": 4127, "type": 1, "name": "Suite", "client_id": 231, "count": 20, "price": 22, "snowid": SUB,
            "is_active": True, "deleted": False, "distributor": "Pax8", "status": "Active"}  # fmt: skip
    return {**base, **changes}


def line(**changes: Any) -> dict[str, Any]:
    """One recurring invoice line that follows licence 4127."""
    link = {"id": 901, "licence_id": 4127, "qty_free": 0, "minimum_qty": 0, "kind": 4, "pro_rata": 1}
    base = {"id": 24967, "ihid": -94, "_itemid": 88, "item_shortdescription": "Suite", "qty_order": 20, "unit_price": 22,
            "unit_cost": 17, "isinactive": False, "isActive": True, "recurring_invoice_quantity_type": 4,
            "quantity_subscriptions": [link], "quantity_licences": [], "prorata_data": [],
            "startdate": "1900-01-01T00:00:00", "enddate": "1900-01-01T00:00:00"}  # fmt: skip
    return {**base, **changes}


def manual_line(**changes: Any) -> dict[str, Any]:
    """One recurring invoice line whose quantity is typed in."""
    return line(recurring_invoice_quantity_type=0, quantity_subscriptions=[], **changes)


def invoice(lines: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """One Halo recurring invoice as sent."""
    return {
        "id": -94,
        "client_id": 231,
        "reference": "Monthly",
        "disabled": False,
        "period": 2,
        "lines": lines,
        **changes,
    }


@dataclass
class VendorData:
    """The answers of both vendors, and the operator's mapping files."""

    companies: list[dict[str, Any]] = field(default_factory=lambda: [company()])
    products: list[dict[str, Any]] = field(default_factory=list)
    subscriptions: list[dict[str, Any]] = field(default_factory=lambda: [subscription()])
    usage_summaries: list[dict[str, Any]] = field(default_factory=list)
    clients: list[dict[str, Any]] = field(default_factory=lambda: [{"id": 231, "name": "Example", "inactive": False}])
    licences: list[dict[str, Any]] = field(default_factory=lambda: [licence()])
    recurring: list[dict[str, Any]] = field(default_factory=lambda: [invoice([line()])])
    client_map: list[tuple[str, int]] = field(default_factory=lambda: [(COMPANY, 231)])
    subscription_map: list[tuple[str, int | None, int | None, int | None]] = field(default_factory=list)
    item_map: list[tuple[str, int]] = field(default_factory=list)

    def mappings(self) -> Mappings:
        """The mapping files as read."""
        return Mappings(
            tuple(ClientMapping(c.lower(), k, "") for c, k in self.client_map),
            tuple(SubscriptionMapping(s.lower(), i, n, c, "") for s, i, n, c in self.subscription_map),
            tuple(ItemMapping(p, i, "") for p, i in self.item_map),
            "mappings",
        )

    def tables(self) -> Sequence[str]:
        """The tables to build. Those for usage charges stay empty."""
        return [t for t in (*build.STAGING, *build.RECONCILED) if t not in _OF_USAGE]

    def reads(self) -> list[snapshots.Read]:
        """The reads of one run."""
        parts = {
            "pax8.companies": ("/companies", self.companies),
            "pax8.products": ("/products", self.products),
            "pax8.subscriptions": ("/subscriptions", self.subscriptions),
            "halo.clients": ("/Client", self.clients),
            "halo.licences": ("/SoftwareLicence", self.licences),
            "halo.recurring_invoices": ("/RecurringInvoice", self.recurring),
            "halo.items": ("/Item", []),
        }
        reads = [
            snapshots.Read(t, snapshots.raw_objects(path, rows), path, expected=len(rows))
            for t, (path, rows) in parts.items()
        ]
        usage = snapshots.raw_objects("/subscriptions/x/usage-summaries", self.usage_summaries)
        return [*reads, snapshots.Read("pax8.usage_summaries", usage, scope=f"{TODAY:%Y-%m}")]

    def load(
        self, folder: Path, *, run_id: str = "run-1", policy: Policy | None = None, only: str | None = None
    ) -> Warehouse:
        """Put the data through raw, staging and reconciled. The same vendor data a second time are a copy of the
        first file.

        `only`: the one reconciled table that the test looks at; made are those that its query reads and itself.
        """
        warehouse = Warehouse(folder / "warehouse.duckdb")
        tables = self.tables() if only is None else _needed(self.tables(), only)
        if warehouse.path.exists():
            hold_open(warehouse)
            self._put_through(warehouse, run_id, policy, tables)
            return warehouse
        known = prepared_folder() / hashlib.sha256(repr((self, run_id, policy, only)).encode()).hexdigest()
        if not known.exists():
            first = empty_warehouse(known.with_suffix(".new"))
            hold_open(first)
            self._put_through(first, run_id, policy, tables)
            release()
            first.path.rename(known)
        let_go()
        hold_open(copied(known, warehouse.path))
        return warehouse

    def verdicts(self, folder: Path, *, policy: Policy | None = None) -> dict[str, dict[str, Any]]:
        """Load what reconciled.subscriptions rests on, and return that table by subscription id."""
        return reconciled(self.load(folder, policy=policy, only="reconciled.subscriptions"))

    def _put_through(self, warehouse: Warehouse, run_id: str, policy: Policy | None, tables: Sequence[str]) -> None:
        snapshots.store(warehouse, self.reads(), run_id)
        build.load_mapping_tables(warehouse, self.mappings())
        build_all(warehouse, tables, build.variables(TODAY, policy or Policy()))


def _needed(tables: Sequence[str], wanted: str) -> list[str]:
    """Staging, and of the reconciled tables the wanted one with those that it reads, in their order."""
    needed = {wanted}
    for table in reversed(tables):
        if table in needed:
            needed |= {name for step in (*model(table).steps, model(table)) for name in step.reads}
    return [table for table in tables if table.startswith("staging.") or table in needed]


def reconciled(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    """Return reconciled.subscriptions by subscription id."""
    with warehouse.connect() as connection:
        rows = snapshots.dicts(connection.execute("SELECT * FROM reconciled.subscriptions"))
    return {row["subscription_id"]: row for row in rows}


def plan_context(
    *,
    native: IntegrationState = "off",
    policy: Policy | None = None,
    run_id: str = "run-1",
    bill_months: tuple[str, str] | None = None,
) -> PlanContext:
    """What a plan needs besides data."""
    made = datetime.combine(TODAY, datetime.min.time()) + timedelta(hours=6, minutes=0 if run_id == "run-1" else 1)
    return PlanContext(run_id, TODAY, made, policy or Policy(), "mappings", "apply", native, bill_months)


def planned(warehouse: Warehouse, **kwargs: Any) -> list[dict[str, Any]]:
    """Make a plan and return its rows."""
    plan = make_plan(warehouse, plan_context(**kwargs))
    with warehouse.connect() as connection:
        return snapshots.dicts(
            connection.execute("SELECT * FROM billing.plan WHERE plan_id = ? ORDER BY row_id", [plan.plan_id])
        )
