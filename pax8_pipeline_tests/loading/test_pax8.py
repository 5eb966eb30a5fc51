"""Which invoices have their items read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pax8_pipeline.loading import pax8 as loading
from pax8_pipeline.warehouse import raw
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.loading.fakes import FakePax8, incomplete

TODAY = date(2026, 8, 20)
INVOICE = "7D4E2F60-1B1A-4B53-8B0E-9C2F5A7D3E14"


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse(tmp_path / "warehouse.duckdb")
    made.ensure_schema()
    return made


def wanted(warehouse: Warehouse, invoices: list[dict[str, str]]) -> list[str]:
    raw.store(warehouse, [loading.read_list(FakePax8(invoice_rows=list(invoices)), "invoices")], "r")
    with warehouse.connect() as connection:
        return loading.invoices_to_read(connection, TODAY)


def test_invoices_of_the_last_two_months_are_read_under_the_id_as_sent(warehouse: Warehouse) -> None:
    old = {"id": "old", "invoiceDate": "2026-06-01"}
    assert wanted(warehouse, [{"id": INVOICE, "invoiceDate": "2026-08-05"}, old]) == [INVOICE]


def test_an_invoice_is_read_once(warehouse: Warehouse) -> None:
    invoices = [{"id": INVOICE, "invoiceDate": "2026-08-05"}]
    pax8 = FakePax8(items={INVOICE: [{"id": "i", "total": 1}]})
    raw.store(warehouse, loading.read_invoice_items(pax8, wanted(warehouse, invoices)), "r")
    assert wanted(warehouse, invoices) == []


@pytest.mark.parametrize("pax8", [FakePax8(), FakePax8(faults={"items": incomplete("GET /items")})])
def test_items_that_came_empty_or_not_whole_are_asked_again(warehouse: Warehouse, pax8: FakePax8) -> None:
    invoices = [{"id": INVOICE, "invoiceDate": "2026-08-05"}]
    raw.store(warehouse, loading.read_invoice_items(pax8, wanted(warehouse, invoices)), "r")
    assert wanted(warehouse, invoices) == [INVOICE]


def test_items_keep_the_path_of_their_invoice_and_its_scope() -> None:
    pax8 = FakePax8(items={INVOICE: [{"total": 1}, {"total": 1}]})
    (read,) = loading.read_invoice_items(pax8, [INVOICE])
    assert read.scope == INVOICE.lower()
    assert [o.endpoint for o in read.objects] == [f"/invoices/{INVOICE}/items"] * 2
