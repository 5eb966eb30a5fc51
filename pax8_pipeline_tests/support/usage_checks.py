"""Data of both vendors with usage on an invoice, put through raw, staging and reconciled, for the checks of usage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.built_tables import build_all
from pax8_pipeline_tests.support.checks import warehouse_with
from pax8_pipeline_tests.support.vendor_data import COMPANY, SUB, TODAY, VendorData, company

OTHER = "11111111-0d52-4c0b-9a64-2f1f3c0e9a11"
METERED = "61aa0c2d-7b5e-4c1f-93d4-2e8f0a9b7c63"
Row = dict[str, Any]
# The tables about seats take half of the time, and no check of usage reads them.
_OF_SEATS = ("reconciled.subscriptions", "reconciled.moves", "reconciled.discrepancies", "reconciled.prices")
TABLES = [table for table in (*build.STAGING, *build.RECONCILED) if table not in _OF_SEATS]


def summary(**changes: Any) -> Row:
    """One usage summary as sent, assigned to the company of the vendor data."""
    base = {"id": "u1", "subscriptionId": SUB, "companyId": COMPANY, "resourceGroup": "Example Dental", "vendorName": "Backup Co",
            "currentCharges": 25, "partnerTotal": 19.5, "currencyCode": "USD", "isTrial": False}  # fmt: skip
    return {**base, **changes}


def item(**changes: Any) -> Row:
    """One Arrears item of July as sent."""
    base = {"type": "subscription", "term": "Arrears", "companyId": COMPANY, "companyName": "Example Dental",
            "subscriptionId": SUB, "details": "Example Dental", "startPeriod": "2026-07-01", "endPeriod": "2026-07-31",
            "productId": METERED, "productName": "Storage", "quantity": 3, "price": 8.3333, "total": 25, "cost": 6.5,
            "costTotal": 19.5, "currencyCode": "USD"}  # fmt: skip
    return {**base, **changes}


def seats(**changes: Any) -> Row:
    """One item of the same invoice that is not usage."""
    return item(
        term="Monthly",
        details=None,
        startPeriod="2026-08-01",
        endPeriod="2026-08-31",
        total=440,
        costTotal=340,
        **changes,
    )


def bill(invoice_id: str = "i1", **changes: Any) -> Row:
    """One Pax8 invoice of August, with July's usage."""
    return {"id": invoice_id, "invoiceDate": "2026-08-01", "status": "Unpaid", "currencyCode": "USD", **changes}


def items_read(rows: Sequence[Row], invoice_id: str = "i1", **more: Any) -> snapshots.Read:
    """A read of one invoice's items."""
    return snapshots.Read(
        "pax8.invoice_items", snapshots.raw_objects(f"/invoices/{invoice_id}/items", rows), scope=invoice_id, **more
    )


def usage_warehouse(
    folder: Path,
    *rows: Row,
    policy: Policy | None = None,
    august: Sequence[Row] = (),
    july: Sequence[Row] | None = None,
    status: str = "Unpaid",
    more: Sequence[snapshots.Read] = (),
    bills: Sequence[Row] = (),
    **changes: Any,
) -> Warehouse:
    """Data of two companies with `rows` on invoice i1, `bills` and `more` reads beside it; `changes` are of `VendorData`."""
    made = {"companies": [company(), company(id=OTHER, name="Other Ltd")], "client_map": [(COMPANY, 231), (OTHER, 232)],
            "clients": [{"id": 231, "name": "Example", "inactive": False, "currencyisocode": "USD"}, {"id": 232, "name": "Other", "inactive": False, "currencyisocode": "USD"}],
            "usage_summaries": list(august), "item_map": [(METERED, 120)]}  # fmt: skip
    vendor_data = VendorData(**{**made, **changes})
    reads = [r for r in vendor_data.reads() if r.table != "halo.items"]
    reads += [
        snapshots.Read("halo.items", snapshots.raw_objects("/Item", [{"id": 120, "name": "Usage"}])),
        snapshots.Read("pax8.invoices", snapshots.raw_objects("/invoices", [bill(status=status), *bills])),
        items_read(rows),
        *more,
    ]
    if july is not None:
        path = f"/subscriptions/{SUB}/usage-summaries"
        reads.append(snapshots.Read("pax8.usage_summaries", snapshots.raw_objects(path, july), scope="2026-07"))
    warehouse = warehouse_with(folder, reads)
    with warehouse.connect():
        build.load_mapping_tables(warehouse, vendor_data.mappings())
        rebuild(warehouse, policy)
    return warehouse


def rebuild(warehouse: Warehouse, policy: Policy | None = None) -> None:
    """Build everything that the checks of usage need."""
    build_all(warehouse, TABLES, build.variables(TODAY, policy or Policy()))


def change(warehouse: Warehouse, statement: str) -> None:
    """Change the tables as a mistake in the code would."""
    with warehouse.connect() as connection:
        connection.execute(statement)
