"""Data of both vendors with metered usage: one usage subscription, a Pax8 invoice of the month after July 2026, Halo's items.

For tests of usage verdicts and of what is planned from them. `UsageData` starts as one company with one Arrears item
of 25.64 USD on an approved invoice; each test changes what its rule is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pax8_pipeline.billing.planning.planner import make_plan
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.built_tables import build_all
from pax8_pipeline_tests.support.vendor_data import COMPANY, TODAY, VendorData, company, plan_context, subscription

METER = "d9a7c3b1-2e5f-4d18-b0c6-5a4e3f2d1c0b"
PRODUCT = "61aa0c2d-7b5e-4c1f-93d4-2e8f0a9b7c63"
OTHER = "5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a22"
JULY, KEY = "2026-07", f"PAX8-USAGE 2026-07 {COMPANY}"
BILLS: dict[str, Any] = {"first_month": "2026-07", "default_halo_item_id": 120}


def pax8_invoice(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One approved Pax8 invoice, with July's usage."""
    base = {"id": f"7d4e2f60-1b1a-4b53-8b0e-9c2f5a7d3e{number:02d}", "invoiceDate": "2026-08-01", "dueDate": "2026-08-15",
            "total": 1840.42, "balance": 1840.42, "currencyCode": "USD", "status": "Unpaid", "partnerName": "Example MSP"}  # fmt: skip
    return {**base, **changes}


def arrears(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One Arrears item, as Pax8's reference shows it."""
    base = {
        "id": f"e4c0b1aa-3f0d-4a58-9c1e-77d2a1f04b{number:02d}", "type": "subscription", "companyId": COMPANY,
        "companyName": "Example Dental", "startPeriod": "2026-07-01", "endPeriod": "2026-07-31",
        "quantity": Decimal("512.75"), "unitOfMeasure": "GB", "term": "Arrears", "description": "Backup Storage",
        "details": "Example Dental", "price": Decimal("0.05"), "cost": Decimal("0.038"), "costTotal": Decimal("19.48"),
        "total": Decimal("25.64"), "productId": PRODUCT, "productName": "Backup Storage", "currencyCode": "USD",
        "subscriptionId": METER, "billedByPax8": False,
    }  # fmt: skip
    return {**base, **changes}


def summary(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One usage summary of the running month."""
    base = {"id": f"0f6b2c1e-9d7a-4b1f-8e33-6a5c4d3b2a{number:02d}", "companyId": COMPANY, "subscriptionId": METER,
            "productId": PRODUCT, "resourceGroup": "Example Dental", "vendorName": "Backup Co", "currentCharges": 25.64,
            "currencyCode": "USD", "partnerTotal": 19.485, "isTrial": False}  # fmt: skip
    return {**base, **changes}


def usage_line(summary_number: int = 1, **changes: Any) -> dict[str, Any]:
    """One usage line, a month-to-date total."""
    base = {"usageSummaryId": f"0f6b2c1e-9d7a-4b1f-8e33-6a5c4d3b2a{summary_number:02d}", "usageDate": "2026-08-19",
            "productName": "Backup Storage", "productId": PRODUCT, "unitOfMeasure": "GB", "quantity": Decimal("300.5"),
            "currentCharges": Decimal("15.03"), "partnerTotal": Decimal("11.419"), "unitPrice": Decimal("0.05"),
            "currencyCode": "USD", "isTrial": False}  # fmt: skip
    return {**base, **changes}


@dataclass
class UsageData(VendorData):
    """The same, and what usage is billed from. `items` lists the items of each Pax8 invoice, in order."""

    subscriptions: list[dict[str, Any]] = field(
        default_factory=lambda: [subscription(), subscription(id=METER, price=0, quantity=1, productName="Backup")]
    )
    companies: list[dict[str, Any]] = field(default_factory=lambda: [company(), company(id=OTHER, name="Other Bakery")])
    clients: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"id": 231, "name": "Example", "inactive": False, "currencyisocode": "USD"},
            {"id": 232, "name": "Other", "inactive": False, "currencyisocode": "USD"},
        ]
    )
    client_map: list[tuple[str, int]] = field(default_factory=lambda: [(COMPANY, 231), (OTHER, 232)])
    invoices: list[dict[str, Any]] = field(default_factory=lambda: [pax8_invoice()])
    items: list[list[dict[str, Any]]] = field(default_factory=lambda: [[arrears()]])
    lines: list[dict[str, Any]] = field(default_factory=list)
    halo_items: list[dict[str, Any]] = field(default_factory=lambda: [{"id": 120, "name": "Usage"}, {"id": 121}])
    halo_invoices: list[dict[str, Any]] = field(default_factory=list)
    line_month: str = "2026-08"
    covers: tuple[date, date] | None = None  # the dates that halo_invoices were read for
    whole_from: date | None = None  # before that date they are usage invoices only
    unread: set[int] = field(default_factory=set)

    def tables(self) -> Sequence[str]:
        """All of them."""
        return (*build.STAGING, *build.RECONCILED)

    def reads(self) -> list[snapshots.Read]:
        """The reads of one run."""
        found = [r for r in super().reads() if r.table != "halo.items"]
        for number, (invoice, items) in enumerate(zip(self.invoices, self.items, strict=True)):
            path = f"/invoices/{invoice['id']}/items"
            problem = "cut off" if number in self.unread else None
            found.append(
                snapshots.Read(
                    "pax8.invoice_items", snapshots.raw_objects(path, items), path, invoice["id"], problem=problem
                )
            )
        return [
            *found,
            snapshots.Read("pax8.invoices", snapshots.raw_objects("/invoices", self.invoices)),
            snapshots.Read(
                "pax8.usage_lines",
                snapshots.raw_objects("/usage-summaries/x/usage-lines", self.lines),
                scope=self.line_month,
            ),
            snapshots.Read("halo.items", snapshots.raw_objects("/Item", self.halo_items)),
            snapshots.Read(
                "halo.invoices",
                snapshots.raw_objects("/Invoice", self.halo_invoices),
                "/Invoice",
                covers=self.covers,
                whole_from=self.whole_from,
            ),
        ]

    def usage(self, folder: Path, **usage: Any) -> list[dict[str, Any]]:
        """Load, and return reconciled.usage in a fixed order."""
        warehouse = self.load(folder, policy=policy(**usage), only="reconciled.usage")
        with warehouse.connect() as connection:
            return snapshots.dicts(connection.execute("SELECT * FROM reconciled.usage ORDER BY month, charge_id"))

    def again(self, warehouse: Warehouse, rules: Policy, run_id: str) -> None:
        """Load once more, as the next run does."""
        with warehouse.connect():
            snapshots.store(warehouse, self.reads(), run_id)
            build.load_mapping_tables(warehouse, self.mappings())
            build_all(warehouse, (*build.STAGING, *build.RECONCILED), build.variables(TODAY, rules))


def policy(**usage: Any) -> Policy:
    """A policy that bills usage from July on."""
    trust = usage.pop("trust", {})
    guardrails = usage.pop("guardrails", {})
    return Policy.model_validate({"usage": {**BILLS, **usage}, "trust": trust, "guardrails": guardrails})


def usage_plan(warehouse: Warehouse, rules: Policy, run_id: str = "run-1", **more: Any) -> dict[str, dict[str, Any]]:
    """Make a plan and return its rows about usage by row id."""
    plan = make_plan(warehouse, plan_context(policy=rules, run_id=run_id, **more))
    query = "SELECT * FROM billing.plan WHERE plan_id = ? AND verdict LIKE 'usage%' ORDER BY row_id"
    with warehouse.connect() as connection:
        return {row["row_id"]: row for row in snapshots.dicts(connection.execute(query, [plan.plan_id]))}
