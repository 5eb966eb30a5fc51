"""Books of one month end: a Pax8 invoice of August 2026 with seats, and the Halo invoice that was made from the line.

For tests of what is compared at the end of a month. `MonthData` starts as one company with 20 seats that all four
statements agree on; each test changes what its rule is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pax8_pipeline.settings import Policy
from pax8_pipeline.text import jsontext
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.usage_data import UsageData, pax8_invoice, policy
from pax8_pipeline_tests.support.vendor_data import COMPANY, SUB, TODAY, company, subscription

MONTH = "2026-08"
SEATS = f"seats:{SUB}"
COVERS = (date(2026, 6, 19), date(2026, 9, 29))


def seats(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One item of seats on a Pax8 invoice: 20 seats for August. `total` and `costTotal` follow unless given."""
    base = {
        "id": f"e4c0b1aa-3f0d-4a58-9c1e-77d2a1f05b{number:02d}", "type": "subscription", "term": "Monthly",
        "companyId": COMPANY, "companyName": "Example Dental", "startPeriod": "2026-08-01", "endPeriod": "2026-08-31",
        "quantity": 20, "description": "Suite", "price": 22, "cost": 17, "productId": "8e0d1c55-77a3-4d0e-9d2f-0c4b6a1e7f90",
        "productName": "Suite", "currencyCode": "USD", "subscriptionId": SUB, "billedByPax8": False,
    }  # fmt: skip
    item = {**base, **changes}
    return {"total": item["quantity"] * item["price"], "costTotal": item["quantity"] * item["cost"], **item}


def part(number: int = 51, **changes: Any) -> dict[str, Any]:
    """One item for a part of July."""
    days = {"startPeriod": "2026-07-18", "endPeriod": "2026-07-31"}
    return seats(number, **{"type": "prorate", **days, "quantity": 3, "price": 10, "cost": 8, **changes})


def billed_line(**changes: Any) -> dict[str, Any]:
    """One line of a Halo invoice that was made from line 24967."""
    return {"id": 90001, "_itemid": 88, "recurring_invoice_id": -94, "recurring_invoice_line_id": 24967, "qty_order": 20,
            "unit_price": 22, "unit_cost": 17, **changes}  # fmt: skip


def halo_invoice(lines: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """One Halo invoice for August, posted."""
    base = {"id": 70001, "client_id": 231, "invoice_date": "2026-08-01T00:00:00", "reference": "Monthly", "posted": True,
            "voided": False, "recurring_invoice_id": -94, "period_start_date": "2026-08-01T00:00:00"}  # fmt: skip
    return {**base, "lines": lines, **changes}


def draft(month: str, items: Sequence[dict[str, Any]], problem: str | None = None) -> snapshots.Read:
    """Return the read of a draft of the invoice of a month (yyyy-mm), as of TODAY; its items have no ids."""
    objects = snapshots.raw_objects("/invoices/draftItems", [{**item, "id": None} for item in items])
    covers = (TODAY, TODAY)
    return snapshots.Read("pax8.draft_items", objects, scope=month, covers=covers, problem=problem)


def history(snapshots_of: Sequence[dict[str, Any]], subscription_id: str = SUB, **changes: Any) -> snapshots.Read:
    """Return the read of the history of a subscription, as of TODAY; its snapshots have no ids of their own."""
    objects = [snapshots.RawObject("", "", jsontext.dumps_for_raw(one)) for one in snapshots_of]
    values: dict[str, Any] = {"scope": subscription_id, "covers": (TODAY, TODAY), **changes}
    return snapshots.Read("pax8.subscription_history", objects, **values)


def snapshot(quantity: int, updated: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return one snapshot of the subscription as its history has it."""
    return subscription(quantity=quantity, updatedDate=updated, **changes)


@dataclass
class MonthData(UsageData):
    """Books, the Pax8 invoice of August and Halo's invoice for it."""

    companies: list[dict[str, Any]] = field(default_factory=lambda: [company()])
    subscriptions: list[dict[str, Any]] = field(default_factory=lambda: [subscription()])
    clients: list[dict[str, Any]] = field(
        default_factory=lambda: [{"id": 231, "name": "Example", "inactive": False, "currencyisocode": "USD"}]
    )
    client_map: list[tuple[str, int]] = field(default_factory=lambda: [(COMPANY, 231)])
    invoices: list[dict[str, Any]] = field(default_factory=lambda: [pax8_invoice()])
    items: list[list[dict[str, Any]]] = field(default_factory=lambda: [[seats()]])
    halo_invoices: list[dict[str, Any]] = field(default_factory=lambda: [halo_invoice([billed_line()])])
    covers: tuple[date, date] | None = COVERS
    drafts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # items by the month of the invoice to come
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # snapshots by subscription
    unread_tables: Sequence[str] = ()  # lists of which the newest read is not whole

    def reads(self) -> list[snapshots.Read]:
        """The reads of one run; an incomplete one is a record without objects."""
        found = [*super().reads(), *(draft(month, items) for month, items in self.drafts.items())]
        found += [history(rows, one) for one, rows in self.histories.items()]
        cut = [snapshots.Read(table, (), problem="cut off") for table in self.unread_tables]
        return [read for read in found if read.table not in self.unread_tables] + cut

    def compared(
        self, folder: Path, which: str = MONTH, today: date = TODAY, **rules: Any
    ) -> dict[str, dict[str, Any]]:
        """Load, compare the month, and return its rows by row id."""
        return rows_of(self.month(folder, which, today, **rules), which)

    def month(self, folder: Path, which: str = MONTH, today: date = TODAY, **rules: Any) -> Warehouse:
        """Load, compare the month, and return the warehouse."""
        chosen = Policy.model_validate({**policy().model_dump(), **rules})
        warehouse = self.load(folder, policy=chosen)
        build.build_month(warehouse, which, build.variables(today, chosen))
        return warehouse


def rows_of(warehouse: Warehouse, month: str = MONTH) -> dict[str, dict[str, Any]]:
    """Return the rows of a compared month by row id."""
    with warehouse.connect() as connection:
        rows = snapshots.dicts(connection.execute("SELECT * FROM monthly.rows WHERE month = ?", [month]))
    return {row["row_id"]: row for row in rows}


def table_of(warehouse: Warehouse, table: str, month: str = MONTH) -> list[dict[str, Any]]:
    """Return the rows of a table of schema `monthly` for a month."""
    with warehouse.connect() as connection:
        return snapshots.dicts(
            connection.execute(f"SELECT * FROM monthly.{table} WHERE month = ? ORDER BY ALL", [month])
        )
