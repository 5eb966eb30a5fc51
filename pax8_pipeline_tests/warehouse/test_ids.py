"""Vendor rows whose ids or numbers are not what they look like match nothing, and say so."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.warehouse.snapshots import dicts
from pax8_pipeline_tests.mapping.test_mappings import NO_HALO_ID
from pax8_pipeline_tests.support.vendor_data import (
    SUB,
    VendorData,
    company,
    invoice,
    licence,
    line,
    subscription,
)

CLIENTS = [{"id": 201, "name": "Wrong", "inactive": False}, {"id": 231, "name": "Right", "inactive": False}]


def rows(vendor_data: VendorData, folder: Path, query: str) -> list[dict[str, Any]]:
    with vendor_data.load(folder).connect() as connection:
        return dicts(connection.execute(query))


def verdict(vendor_data: VendorData, folder: Path) -> str:
    return str(vendor_data.verdicts(folder)[SUB]["verdict"])


def match(external_id: Any, folder: Path) -> dict[str, Any]:
    vendor_data = VendorData(companies=[company(externalId=external_id)], clients=CLIENTS, client_map=[])
    return rows(vendor_data, folder, "SELECT client_id, state, method, candidates FROM reconciled.client_matches")[0]


def test_an_account_number_of_another_system_is_not_a_client(tmp_path: Path) -> None:
    found = match("200.6", tmp_path)
    assert (found["client_id"], found["state"], found["method"]) == (None, "unmatched", None)
    assert found["candidates"] == 'external_id "200.6" is not a Halo id'


@pytest.mark.parametrize("external_id", [231, "231", " 231\t"])
def test_a_client_id_is_a_match(external_id: Any, tmp_path: Path) -> None:
    assert (match(external_id, tmp_path)["client_id"], match(external_id, tmp_path)["state"]) == (231, "matched")


def test_whatever_231_was_turned_into_matches_nobody(tmp_path: Path) -> None:
    written = [*NO_HALO_ID, Decimal("231.0"), Decimal("2.31E2"), Decimal("230.6"), True, [231], {"id": 231}]
    companies = [company(id=f"{n:08d}-0000-4000-8000-000000000000", externalId=w) for n, w in enumerate(written)]
    vendor_data = VendorData(companies=companies, subscriptions=[], clients=CLIENTS, client_map=[])
    found = rows(vendor_data, tmp_path, "SELECT state, candidates FROM reconciled.client_matches ORDER BY company_id")
    assert {r["state"] for r in found} == {"unmatched"}
    assert all(r["candidates"].endswith("is not a Halo id") for r in found)


@pytest.mark.parametrize(
    ("vendor_data", "table", "reason"),
    [
        (VendorData(clients=[{"id": Decimal("231.0"), "name": "x"}]), "clients", "id is not a Halo id: 231.0"),
        (VendorData(clients=[{"id": "0231", "name": "x"}]), "clients", "id is not a Halo id: 0231"),
        (VendorData(clients=[{"id": 231, "inactive": False, "client_to_invoice": "2.32e2"}]), "clients", "client_to_invoice is not a Halo id: 2.32e2"),
        (VendorData(licences=[licence(id="4127.0")]), "licences", "id is not a Halo id: 4127.0"),
        (VendorData(licences=[licence(client_id=Decimal("231.4"))]), "licences", "client_id is not a Halo id: 231.4"),
        (VendorData(licences=[licence(count=Decimal("20.4"))]), "licences", "count is not a whole number: 20.4"),
        (VendorData(licences=[licence(count="2_0")]), "licences", "count is not a whole number: 2_0"),
        (VendorData(licences=[licence(count=Decimal("1e400"))]), "licences", "count is not a whole number: 1E+400"),
        (VendorData(recurring=[invoice([line()], id="-94.0")]), "recurring_invoices", "id is not a recurring invoice id: -94.0"),
        (VendorData(recurring=[invoice([line()], client_id="02 31")]), "recurring_invoices", "client_id is not a Halo id: 02 31"),
        (VendorData(recurring=[invoice([line(id="24967.5")])]), "recurring_invoice_lines", "id is not a Halo id: 24967.5"),
        (VendorData(recurring=[invoice([line(unit_price="2_2")])]), "recurring_invoice_lines", "unit_price is not a number: 2_2"),
        (VendorData(recurring=[invoice([line(qty_order="NaN")])]), "recurring_invoice_lines", "qty_order is not a number: NaN"),
        (VendorData(subscriptions=[subscription(quantity="0x14")]), "subscriptions", "quantity is not a number: 0x14"),
        (VendorData(subscriptions=[subscription(quantity="3.00000000001")]), "subscriptions", "quantity is not a number: 3.00000000001"),
        (VendorData(subscriptions=[subscription(price="1e400")]), "subscriptions", "price is not a number: 1e400"),
        (VendorData(subscriptions=[subscription(endDate="2026/12/31")]), "subscriptions", "endDate is not a date: 2026/12/31"),
    ],
)  # fmt: skip
def test_a_row_whose_ids_or_numbers_are_none_is_rejected_with_its_value(
    vendor_data: VendorData, table: str, reason: str, tmp_path: Path
) -> None:
    query = f"SELECT reason FROM staging.rejects WHERE table_name = 'staging.{table}'"
    assert [r["reason"] for r in rows(vendor_data, tmp_path, query)] == [reason]


@pytest.mark.parametrize(
    "links",
    [[{"id": 901, "licence_id": "4127.0"}], [{"id": 901, "licence_id": 4127}, {"id": 902, "licence_id": "41e2"}]],
)
def test_a_line_that_follows_a_licence_nobody_can_name_is_left_alone(
    links: list[dict[str, Any]], tmp_path: Path
) -> None:
    vendor_data = VendorData(
        subscriptions=[subscription(quantity=25)], recurring=[invoice([line(quantity_subscriptions=links)])]
    )
    assert verdict(vendor_data, tmp_path) not in ("increase", "decrease", "in_step")


@pytest.mark.parametrize("kind", ["four", "1e400", Decimal("0.4")])
def test_a_quantity_type_that_cannot_be_read_is_not_manual(kind: Any, tmp_path: Path) -> None:
    odd = line(recurring_invoice_quantity_type=kind, quantity_subscriptions=[])
    vendor_data = VendorData(
        subscriptions=[subscription(quantity=25)],
        licences=[],
        recurring=[invoice([odd])],
        subscription_map=[(SUB, -94, 24967, None)],
    )
    assert verdict(vendor_data, tmp_path) not in ("increase", "decrease", "in_step")
