"""A charge that cannot be read holds its company's month: a document without it would be another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline_tests.support.many_cases import combine
from pax8_pipeline_tests.support.usage_data import KEY, OTHER, UsageData, arrears, pax8_invoice, policy, usage_plan

Rows = dict[str, dict[str, Any]]


def planned(vendor_data: UsageData, folder: Path) -> Rows:
    rules = policy()
    return usage_plan(vendor_data.load(folder, policy=rules), rules)


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k != name}


UNREADABLE: dict[str, dict[str, Any]] = {
    "total in words": arrears(2, total="much"),
    "no total": without(arrears(2), "total"),
    "no cost": without(arrears(2), "costTotal"),
    "no currency": without(arrears(2), "currencyCode"),
    "currency that is none": arrears(2, currencyCode="dollars"),
    "who bills it cannot be told": arrears(2, billedByPax8="maybe"),
    "term that is not known": arrears(2, term="In arrears"),
    "no term": without(arrears(2), "term"),
    "period that is none": arrears(2, startPeriod="July"),
}


CASES: dict[str, UsageData] = {
    **{name: UsageData(items=[[arrears(), item]]) for name, item in UNREADABLE.items()},
    "of another company": UsageData(
        items=[[arrears(), arrears(2, companyId=OTHER, companyName="Other Bakery", total="much")]]
    ),
}


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """The plan's rows about usage of each case, from one plan for all of them."""
    combined = combine(CASES)
    warehouse = combined.load(tmp_path_factory.mktemp("cases"), policy())
    found = combined.split(usage_plan(warehouse, policy()).values())
    return {name: {row["row_id"]: row for row in rows} for name, rows in found.items()}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_month_waits_while_one_of_its_charges_cannot_be_read(name: str, plans: dict[str, Rows]) -> None:
    rows = plans[name]
    assert (rows[KEY]["class"], rows[KEY]["verdict"]) == ("blocked", "usage_unreadable")
    assert [r["action"] for r in rows.values()] == ["none"] * len(rows)
    (charge,) = [r for row_id, r in rows.items() if row_id != KEY]
    assert (charge["verdict"], charge["company_name"]) == ("usage_unreadable", "Example Dental")


def test_another_company_is_billed_all_the_same(plans: dict[str, Rows]) -> None:
    assert plans["of another company"][KEY]["class"] == "safe"


def test_a_charge_without_a_company_holds_all(tmp_path: Path) -> None:
    rows = planned(UsageData(items=[[arrears(), arrears(2, companyId=None, total="much")]]), tmp_path)
    assert rows[KEY]["verdict"] == "usage_unreadable"


@pytest.mark.parametrize("change", [{"status": "Levitating"}, {"status": None}, {"invoiceDate": "August"}])
def test_an_invoice_that_may_have_been_taken_back_bills_nothing(change: dict[str, Any], tmp_path: Path) -> None:
    rows = planned(UsageData(invoices=[pax8_invoice(**change)]), tmp_path)
    assert {r["action"] for r in rows.values()} <= {"none"}
