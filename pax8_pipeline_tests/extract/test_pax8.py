"""Which invoices have their items read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.errors import Forbidden, NotFound, ServerFault, VendorError
from pax8_pipeline.extract import pax8_lists as loading
from pax8_pipeline.settings.tenant_answers import Pax8Answers
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.vendors import Pax8InMemory, incomplete
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse, hold_open

TODAY = date(2026, 8, 20)
INVOICE = "7D4E2F60-1B1A-4B53-8B0E-9C2F5A7D3E14"


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = empty_warehouse(tmp_path / "warehouse.duckdb")
    hold_open(made)
    return made


def wanted(warehouse: Warehouse, invoices: list[dict[str, str]], *months: str) -> list[str]:
    snapshots.store(warehouse, [loading.read_list(Pax8InMemory(invoice_rows=list(invoices)), "invoices")], "r")
    with warehouse.connect() as connection:
        return [w.invoice_id for w in loading.invoices_to_read(connection, TODAY, months)]


def test_invoices_of_the_last_two_months_are_read_under_the_id_as_sent(warehouse: Warehouse) -> None:
    old = {"id": "old", "invoiceDate": "2026-06-01"}
    assert wanted(warehouse, [{"id": INVOICE, "invoiceDate": "2026-08-05"}, old]) == [INVOICE]


def test_a_usage_month_is_charged_by_the_invoices_dated_in_the_month_after(warehouse: Warehouse) -> None:
    days = ("2025-11-30", "2025-12-01", "2025-12-31T09:00:00Z", "2026-01-01", "2026-02-05")
    invoices = [{"id": day, "invoiceDate": day} for day in days]
    assert wanted(warehouse, invoices, "2025-11") == ["2025-12-01", "2025-12-31T09:00:00Z"]
    assert wanted(warehouse, invoices, "2025-12", "2026-01") == ["2026-01-01", "2026-02-05"]


def test_invoices_come_by_their_usage_month_and_also_when_they_are_void_or_credited(warehouse: Warehouse) -> None:
    invoices = [
        {"id": "b", "invoiceDate": "2025-12-01", "status": "Credited"},
        {"id": "a", "invoiceDate": "2026-01-05", "status": "Void"},
        {"id": "c", "invoiceDate": "2025-12-12"},
        {"id": "no date"},
    ]
    assert wanted(warehouse, invoices, "2025-12", "2025-11") == ["b", "c", "a"]


def test_one_invoice_takes_as_many_calls_as_those_before_else_by_the_subscriptions(warehouse: Warehouse) -> None:
    def pages() -> int:
        with warehouse.connect() as connection:
            return loading.pages_per_invoice(connection)

    assert pages() == 1
    subscriptions = [{"id": f"s{n}"} for n in range(401)]
    snapshots.store(
        warehouse, [snapshots.Read("pax8.subscriptions", snapshots.raw_objects("/subscriptions", subscriptions))], "r"
    )
    assert pages() == 3
    items = snapshots.raw_objects("/invoices/i/items", [{"id": "x"}])
    reads = [snapshots.Read("pax8.invoice_items", items, scope=f"i{n}", requests=n) for n in (7, 8)]
    snapshots.store(warehouse, [*reads, snapshots.Read("pax8.invoice_items", (), scope="empty", requests=90)], "r")
    assert pages() == 8


def test_an_invoice_is_read_once(warehouse: Warehouse) -> None:
    invoices = [{"id": INVOICE, "invoiceDate": "2026-08-05"}]
    pax8 = Pax8InMemory(items={INVOICE: [{"id": "i", "total": 1}]})
    snapshots.store(warehouse, loading.read_invoice_items(pax8, wanted(warehouse, invoices)), "r")
    assert wanted(warehouse, invoices) == []


@pytest.mark.parametrize("pax8", [Pax8InMemory(), Pax8InMemory(faults={"items": incomplete("GET /items")})])
def test_items_that_came_empty_or_not_whole_are_asked_again(warehouse: Warehouse, pax8: Pax8InMemory) -> None:
    invoices = [{"id": INVOICE, "invoiceDate": "2026-08-05"}]
    snapshots.store(warehouse, loading.read_invoice_items(pax8, wanted(warehouse, invoices)), "r")
    assert wanted(warehouse, invoices) == [INVOICE]


def test_items_keep_the_path_of_their_invoice_and_its_scope() -> None:
    pax8 = Pax8InMemory(items={INVOICE: [{"total": 1}, {"total": 1}]})
    (read,) = loading.read_invoice_items(pax8, [INVOICE])
    assert read.scope == INVOICE.lower()
    assert [o.endpoint for o in read.objects] == [f"/invoices/{INVOICE}/items"] * 2


@pytest.mark.parametrize(("today", "month"), [("2026-08-31", "2026-09"), ("2026-12-01", "2027-01")])
def test_a_draft_belongs_to_next_months_invoice_and_to_the_day_it_was_read(today: str, month: str) -> None:
    day = date.fromisoformat(today)
    read = loading.read_draft_items(Pax8InMemory(draft_rows=[{"type": "subscription"}]), day)
    assert (read.scope, read.covers, read.complete, len(read.objects)) == (month, (day, day), True, 1)


@pytest.mark.parametrize(
    ("answer", "days", "asked"),
    [
        ("too slow", 29, False),
        ("refused", 0, False),
        ("too slow", 30, True),
        ("answered", 1, True),
        ("not known", 1, True),
    ],
)
def test_a_draft_that_a_probe_did_not_get_is_not_asked_for_on_30_days(answer: Any, days: int, asked: bool) -> None:
    answers = Pax8Answers(probed_on=TODAY - timedelta(days=days), draft_items=answer)
    read = loading.read_draft_items(Pax8InMemory(draft_rows=[{"type": "subscription"}]), TODAY, answers)
    assert (read.complete, len(read.objects)) == (asked, 1 if asked else 0)
    assert asked or "doctor --probe" in (read.problem or "")


@pytest.mark.parametrize(
    ("ours", "pax8", "month"),
    [
        (
            "2026-12-01",
            datetime(2026, 11, 30, 21, 0, tzinfo=UTC),
            "2026-12",
        ),  # east of Greenwich, before Pax8's midnight
        ("2026-11-30", datetime(2026, 12, 1, 4, 0, tzinfo=UTC), "2027-01"),  # west of it, after Pax8's midnight
    ],
)
def test_the_month_of_a_draft_follows_pax8s_day(ours: str, pax8: datetime, month: str) -> None:
    day = date.fromisoformat(ours)
    read = loading.read_draft_items(Pax8InMemory(draft_rows=[{"type": "subscription"}], date=pax8), day)
    assert (read.scope, read.covers) == (month, (day, day))


@pytest.mark.parametrize("kind", [NotFound, Forbidden, ServerFault])
def test_a_draft_that_pax8_does_not_give_is_not_read_and_never_empty(kind: type[VendorError]) -> None:
    client = Pax8InMemory()
    client.faults["draft_items"] = kind("Pax8 GET /invoices/draftItems: no", vendor="Pax8")
    read = loading.read_draft_items(client, TODAY)
    assert (read.complete, read.problem) == (False, "Pax8 GET /invoices/draftItems: no")
