"""What is so of metered usage: the state of its months, and the verdict on each charge."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.warehouse import snapshots
from pax8_pipeline_tests.support.many_cases import combine
from pax8_pipeline_tests.support.usage_data import (
    JULY,
    METER,
    OTHER,
    PRODUCT,
    UsageData,
    arrears,
    pax8_invoice,
    policy,
    summary,
    usage_line,
)
from pax8_pipeline_tests.support.vendor_data import COMPANY, company

NO_COMPANY: dict[str, Any] = {"companyId": None, "companyName": None}
TWO_GROUPS = [summary(), summary(2, resourceGroup="Bakery Tenant", companyId=None)]


def months(vendor_data: UsageData, folder: Path) -> dict[str, tuple[str, bool]]:
    warehouse = vendor_data.load(folder, policy=policy())
    with warehouse.connect() as connection:
        rows = snapshots.dicts(connection.execute("SELECT * FROM reconciled.usage_months"))
    return {row["month"]: (row["state"], row["complete"]) for row in rows}


LATE = arrears(9, startPeriod="2026-06-01", endPeriod="2026-06-30")
MONTHS: dict[str, tuple[UsageData, str, tuple[str, bool]]] = {
    "running": (UsageData(), "2026-08", ("open", False)),
    "approved": (UsageData(), JULY, ("closed", True)),
    "over, no invoice yet": (UsageData(invoices=[], items=[], lines=[usage_line(usageDate="2026-07-31")]), "2026-08", ("open", False)),
    "items not read": (UsageData(unread={0}), JULY, ("closed", False)),
    "void only": (UsageData(invoices=[pax8_invoice(status="Void")]), JULY, ("closing", False)),
    "credited, replacement not there": (UsageData(invoices=[pax8_invoice(status="Credited")]), JULY, ("reopened", False)),
    "credited and replaced": (
        UsageData(invoices=[pax8_invoice(status="Credited"), pax8_invoice(2)], items=[[arrears()], [arrears(2)]]),
        JULY, ("reopened", True),
    ),
    "second live invoice": (
        UsageData(invoices=[pax8_invoice(), pax8_invoice(2)], items=[[arrears()], [arrears(2)]]), JULY, ("reopened", True),
    ),
    "an invoice for each partner is no second one": (
        UsageData(invoices=[pax8_invoice(), pax8_invoice(2, partnerName="Branch")], items=[[arrears()], [arrears(2)]]),
        JULY, ("closed", True),
    ),
    "late item of an older month": (
        UsageData(
            invoices=[pax8_invoice(), pax8_invoice(2, invoiceDate="2026-07-01")], items=[[arrears(), LATE], [arrears(3, startPeriod="2026-06-01")]],
        ),
        "2026-06", ("reopened", True),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MONTHS)
def test_state_of_a_usage_month(case: str, tmp_path: Path) -> None:
    vendor_data, month, expected = MONTHS[case]
    assert months(vendor_data, tmp_path)[month] == expected


# Changes of the item, changes of the vendor data, usage policy -> verdict, bucket, amount.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], tuple[str, str, str]]] = {
    "as stated": ({}, {}, {}, ("bill", "billable", "25.64")),
    "the stated total wins over quantity times price": ({"price": 9}, {}, {}, ("bill", "billable", "25.64")),
    "cost with markup": ({}, {}, {"price": "cost", "markup_pct": 25}, ("bill", "billable", "24.35")),
    "cost with a client's markup": (
        {}, {}, {"clients": {231: {"price": "cost", "markup_pct": 50}}}, ("bill", "billable", "29.22"),
    ),
    "a product's terms before the client's": (
        {}, {}, {"clients": {231: {"price": "cost"}}, "products": {PRODUCT.upper(): {"price": "client_price"}}},
        ("bill", "billable", "25.64"),
    ),
    "three decimals": ({"total": Decimal("25.645"), "costTotal": Decimal("19.485")}, {}, {}, ("bill", "billable", "25.645")),
    "negative item": ({"total": Decimal("-5.10"), "costTotal": Decimal("-4")}, {}, {}, ("bill", "billable", "-5.10")),
    "arrears without a subscription": ({"subscriptionId": None}, {}, {}, ("bill", "billable", "25.64")),
    "no company": (NO_COMPANY, {}, {}, ("unassigned", "unassigned", "25.64")),
    "company id is empty": ({"companyId": ""}, {}, {}, ("unassigned", "unassigned", "25.64")),
    "company nobody lists": ({"companyId": "dead0000-0000-4000-8000-00000000beef"}, {}, {}, ("unassigned", "unassigned", "25.64")),
    "company that stands for nobody": ({}, {}, {"internal_companies": [COMPANY]}, ("unassigned", "unassigned", "25.64")),
    "another's group under the owner": (
        {"details": "Bakery Tenant"}, {"usage_summaries": TWO_GROUPS}, {}, ("unassigned", "unassigned", "25.64"),
    ),
    "group without a name where one is unassigned": (
        {"details": None}, {"usage_summaries": TWO_GROUPS}, {}, ("unassigned", "unassigned", "25.64"),
    ),
    "the owner's group that a person confirmed": (
        {"details": "Bakery Tenant"}, {"usage_summaries": TWO_GROUPS}, {"confirmed_groups": [f"{METER}/Bakery Tenant"]},
        ("bill", "billable", "25.64"),
    ),
    "only group of the subscription, other name": ({"details": "EXD-01"}, {}, {}, ("bill", "billable", "25.64")),
    "zero": ({"total": 0, "costTotal": 0}, {}, {}, ("zero", "skipped", "0")),
    "cost but no client total": ({"total": 0}, {}, {}, ("no_price", "skipped", "0")),
    "billed by Pax8": ({"billedByPax8": True}, {}, {}, ("billed_by_pax8", "skipped", "25.64")),
    "company billed by Pax8": ({}, {"companies": [company(billOnBehalfOfEnabled=True)]}, {}, ("billed_by_pax8", "skipped", "25.64")),
    "unmatched company": ({}, {"client_map": []}, {}, ("unmatched_company", "skipped", "25.64")),
    "other currency": ({"currencyCode": "EUR"}, {}, {}, ("currency_mismatch", "skipped", "25.64")),
    "no item": ({}, {}, {"default_halo_item_id": None}, ("no_item", "skipped", "25.64")),
    "item that does not exist": ({}, {}, {"default_halo_item_id": 999}, ("no_item", "skipped", "25.64")),
    "item from the mapping file": ({}, {"item_map": [(PRODUCT, 121)]}, {"default_halo_item_id": None}, ("bill", "billable", "25.64")),
    "credited invoice": ({}, {"invoices": [pax8_invoice(status="Credited")]}, {}, ("credited", "skipped", "25.64")),
    "policy bills from usage lines": ({}, {}, {"source": "usage_lines"}, ("not_the_source", "skipped", "25.64")),
}  # fmt: skip


def of_case(name: str) -> UsageData:
    item, vendor_data, _, _ = CASES[name]
    return UsageData(items=[[arrears(**item)]], **vendor_data)


@pytest.fixture(scope="module")
def charges(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """reconciled.usage of all cases that share a policy, built together."""
    combined = combine({name: of_case(name) for name, (_, _, usage, _) in CASES.items() if not usage})
    assert isinstance(combined.data, UsageData)
    return combined.split(combined.data.usage(tmp_path_factory.mktemp("cases")))


@pytest.mark.parametrize("name", CASES)
def test_verdict_on_a_charge(name: str, charges: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    _, _, usage, (verdict, bucket, amount) = CASES[name]
    (row,) = of_case(name).usage(tmp_path, **usage) if usage else charges[name]
    assert (row["verdict"], row["bucket"], row["amount"]) == (verdict, bucket, Decimal(amount))


def test_seats_are_no_usage_and_a_metered_trial_is_listed(tmp_path: Path) -> None:
    items = [
        arrears(1, term="Monthly"),
        arrears(2, term="Trial", total=0, costTotal=0),
        arrears(3, term="One-Time", subscriptionId=None),
    ]
    rows = UsageData(items=[items], usage_summaries=[summary()]).usage(tmp_path)
    assert [(r["item_no"][-2:], r["verdict"]) for r in rows] == [("02", "trial")]


def test_two_currencies_in_a_month_of_a_client_whose_own_is_not_known_are_not_mixed(tmp_path: Path) -> None:
    clients = [{"id": 231, "name": "Example", "inactive": False}]
    rows = UsageData(items=[[arrears(), arrears(2, currencyCode="EUR")]], clients=clients).usage(tmp_path)
    assert [r["verdict"] for r in rows] == ["currency_mismatch"] * 2


def test_a_group_assigned_after_the_invoice_goes_to_its_company(tmp_path: Path) -> None:
    groups = [summary(), summary(2, resourceGroup="bakery tenant ", companyId=OTHER)]
    (row,) = UsageData(items=[[arrears(details="Bakery Tenant", **NO_COMPANY)]], usage_summaries=groups).usage(tmp_path)
    assert (row["verdict"], row["company_id"], row["client_id"], row["assigned_later"]) == ("bill", OTHER, 232, True)


@pytest.mark.parametrize("second", [COMPANY, None])
def test_two_groups_of_one_name_that_disagree_are_no_answer(second: str | None, tmp_path: Path) -> None:
    groups = [summary(2, resourceGroup="Tenant", companyId=OTHER), summary(3, resourceGroup="Tenant", companyId=second)]
    vendor_data = UsageData(items=[[arrears(details="Tenant", **NO_COMPANY)]], usage_summaries=groups)
    assert vendor_data.usage(tmp_path)[0]["verdict"] == "unassigned"


@pytest.mark.parametrize(
    ("sent", "shape"),
    [
        ({"companyId": None}, "null"),
        ({"companyId": ""}, "empty"),
        ({"companyId": "dead0000-0000-4000-8000-00000000beef"}, "dangling"),
    ],
)
def test_usage_lines_of_a_group_without_a_company_belong_to_nobody(
    sent: dict[str, Any], shape: str, tmp_path: Path
) -> None:
    vendor_data = UsageData(invoices=[], items=[], usage_summaries=[summary(**sent)], lines=[usage_line()])
    (row,) = vendor_data.usage(tmp_path, source="usage_lines")
    assert (row["bucket"], row["shape"], row["company_id"]) == ("unassigned", shape, None)


def test_usage_lines_are_an_estimate_while_the_invoice_is_the_source(tmp_path: Path) -> None:
    vendor_data = UsageData(invoices=[], items=[], usage_summaries=[summary()], lines=[usage_line()])
    (row,) = vendor_data.usage(tmp_path)
    assert (row["bucket"], row["counts"], row["amount"], row["client_id"]) == ("estimate", False, Decimal("15.03"), 231)
