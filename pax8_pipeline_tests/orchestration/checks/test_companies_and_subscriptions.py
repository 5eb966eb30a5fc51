"""Companies, subscriptions, currencies, unknown values, rejects: what a person should look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.warehouse import snapshots
from pax8_pipeline_tests.support.checks import check, warehouse_with
from pax8_pipeline_tests.support.vendor_data import (
    VendorData,
    company,
    invoice,
    licence,
    line,
    subscription,
)

MATCHES, SUBSCRIPTIONS = "reconciled.client_matches", "reconciled.subscriptions"


def test_a_company_without_a_client_warns_with_its_money_a_month(tmp_path: Path) -> None:
    VendorData(client_map=[]).load(tmp_path)
    found = check("unmatched_companies", MATCHES, tmp_path)
    assert (found.passed, found.severity, found.holds) == (False, "WARN", False)
    assert (found.rows[0]["company_name"], found.metadata["money"]) == (
        "Example Dental",
        "440.00 USD a month not billed",
    )
    assert found.rows[0]["candidates"] == "perhaps Halo client 231 'Example', score 98: pax8-pipeline mapping suggest"


@pytest.mark.parametrize(
    "vendor_data",
    [
        VendorData(),
        VendorData(client_map=[], companies=[company(billOnBehalfOfEnabled=True)]),
        VendorData(client_map=[], subscriptions=[subscription(status="Cancelled", endDate="2026-01-31")]),
        VendorData(client_map=[], subscriptions=[]),
    ],
    ids=["matched", "billed by Pax8", "all ended", "no subscriptions"],
)
def test_a_company_with_nothing_to_bill_is_no_warning(vendor_data: VendorData, tmp_path: Path) -> None:
    vendor_data.load(tmp_path)
    assert check("unmatched_companies", MATCHES, tmp_path).passed


def test_a_subscription_without_a_line_warns_with_its_money_and_stands_first(tmp_path: Path) -> None:
    other = subscription(id="other", price=100, quantity=1)
    two = [licence(), licence(id=4128, snowid="other", is_active=False)]
    lines = [line(), line(id=24968, quantity_subscriptions=[{"id": 9, "licence_id": 4128}])]
    vendor_data = VendorData(subscriptions=[subscription(id="none"), other], licences=two, recurring=[invoice(lines)])
    vendor_data.load(tmp_path)
    found = check("unmapped_subscriptions", SUBSCRIPTIONS, tmp_path)
    assert (found.severity, found.holds) == ("WARN", False)
    assert found.metadata["money"] == "418.00 USD a month billed too much, 440.00 USD a month not billed"
    assert [(r["subscription_id"], r["verdict"]) for r in found.rows] == [
        ("none", "unbilled"),
        ("other", "licence_inactive"),
    ]


def test_a_subscription_that_is_only_out_of_step_is_mapped(tmp_path: Path) -> None:
    VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path)
    assert check("unmapped_subscriptions", SUBSCRIPTIONS, tmp_path).passed


def test_two_currencies_on_one_thing_warn(tmp_path: Path) -> None:
    VendorData(
        subscriptions=[subscription(currencyCode="EUR")],
        clients=[{"id": 231, "name": "E", "currencyisocode": "USD", "inactive": False}],
    ).load(tmp_path)
    found = check("currency_mismatch", SUBSCRIPTIONS, tmp_path)
    assert (found.passed, found.severity, found.metadata["money"]) == (False, "WARN", "440.00 EUR a month not billed")


def test_one_currency_passes(tmp_path: Path) -> None:
    VendorData(clients=[{"id": 231, "name": "E", "currencyisocode": "USD", "inactive": False}]).load(tmp_path)
    assert check("currency_mismatch", SUBSCRIPTIONS, tmp_path).passed


@pytest.mark.parametrize(
    ("table", "field", "value", "vendor_data"),
    [
        (
            "staging.subscriptions",
            "status",
            "Hibernating",
            VendorData(subscriptions=[subscription(status="Hibernating")]),
        ),
        ("staging.subscriptions", "status", "(none)", VendorData(subscriptions=[subscription(status=None)])),
        (
            "staging.subscriptions",
            "billing_term",
            "Biennial",
            VendorData(subscriptions=[subscription(billingTerm="Biennial")]),
        ),
        ("staging.companies", "status", "Frozen", VendorData(companies=[company(status="Frozen")])),
        (
            "staging.recurring_invoice_lines",
            "quantity_type",
            "7",
            VendorData(recurring=[invoice([line(recurring_invoice_quantity_type=7)])]),
        ),
        ("staging.recurring_invoices", "period", "6", VendorData(recurring=[invoice([line()], period=6)])),
    ],
)
def test_a_value_of_a_closed_list_that_is_not_known_warns(
    table: str, field: str, value: str, vendor_data: VendorData, tmp_path: Path
) -> None:
    warehouse_with(tmp_path, vendor_data.reads(), (table,))
    found = check("unknown_values", table, tmp_path)
    assert (found.severity, found.holds) == ("WARN", False)
    assert [(r["field"], r["value"], r["rows"]) for r in found.rows] == [(field, value, "1")]


@pytest.mark.parametrize(
    ("table", "path", "row", "field"),
    [
        ("staging.invoices", "/invoices", {"id": "i", "invoiceDate": "2026-08-05", "status": "Odd"}, "status"),
        ("staging.invoice_items", "/invoices/i/items", {"type": "odd", "term": "Monthly"}, "type"),
        ("staging.invoice_items", "/invoices/i/items", {"type": "prorate", "term": "Odd"}, "term"),
    ],
)
def test_unknown_values_of_invoices_warn(
    table: str, path: str, row: dict[str, Any], field: str, tmp_path: Path
) -> None:
    read = snapshots.Read(table.replace("staging", "pax8"), snapshots.raw_objects(path, [row]), scope="i")
    warehouse_with(tmp_path, [read], (table,))
    assert [r["field"] for r in check("unknown_values", table, tmp_path).rows] == [field]


@pytest.mark.parametrize("table", ["staging.subscriptions", "staging.companies", "staging.recurring_invoice_lines"])
def test_known_values_in_any_case_pass(table: str, tmp_path: Path) -> None:
    vendor_data = VendorData(subscriptions=[subscription(status="ACTIVE", billingTerm="monthly")])
    warehouse_with(tmp_path, vendor_data.reads(), (table,))
    assert check("unknown_values", table, tmp_path).passed


def test_a_row_that_cannot_be_typed_is_shown_with_its_reason(tmp_path: Path) -> None:
    vendor_data = VendorData(subscriptions=[subscription(), subscription(id="bad", quantity="many")])
    warehouse_with(tmp_path, vendor_data.reads(), ("staging.subscriptions", "staging.companies"))
    found = check("rejects", "staging.subscriptions", tmp_path)
    assert (found.severity, found.holds, found.count) == ("WARN", False, 1)
    assert (found.rows[0]["object_id"], "many" in found.rows[0]["payload"]) == ("bad", True)
    assert check("rejects", "staging.companies", tmp_path).passed
