"""Every shape of usage without a customer, in the summaries, on the invoice, and hidden from the summaries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.settings import Policy, UsagePolicy
from pax8_pipeline_tests.support.checks import Checked, check
from pax8_pipeline_tests.support.usage_checks import OTHER, item, summary, usage_warehouse
from pax8_pipeline_tests.support.vendor_data import COMPANY, SUB

PRODUCT = "8e0d1c55-77a3-4d0e-9d2f-0c4b6a1e7f90"
UNKNOWN = "22222222-0000-4000-8000-000000000000"
INTERNAL = Policy(usage=UsagePolicy(internal_companies=(COMPANY.upper(),)))
BY_NAME = Policy(usage=UsagePolicy(internal_companies=("Example Dental",)))


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k != key}


def summaries(folder: Path, *rows: dict[str, Any], policy: Policy | None = None) -> Checked:
    usage_warehouse(folder, august=rows, policy=policy)
    return check("usage_unassigned", "reconciled.usage", folder, policy)


def items(folder: Path, *rows: dict[str, Any], name: str = "usage_unassigned", **vendor_data: Any) -> Checked:
    usage_warehouse(folder, *rows, **vendor_data)
    table = "staging.invoice_items" if name == "usage_hidden" else "reconciled.usage"
    return check(name, table, folder, vendor_data.get("policy"))


def test_a_summary_without_a_known_company_warns_with_its_money(tmp_path: Path) -> None:
    rows = {
        "missing": without(summary(), "companyId"),
        "null": summary(companyId=None),
        "empty": summary(companyId=""),
        "dangling": summary(companyId=UNKNOWN),
    }
    found = summaries(tmp_path, *({**row, "id": shape, "resourceGroup": shape} for shape, row in rows.items()))
    assert (found.passed, found.severity, found.holds) == (False, "WARN", False)
    assert {r["resource_group"]: r["shape"] for r in found.rows} == {shape: shape for shape in rows}
    assert (found.count, found.metadata["money"]) == (4, "100.00 USD once not billed")


@pytest.mark.parametrize("policy", [INTERNAL, BY_NAME])
def test_usage_under_a_company_marked_internal_has_no_customer(policy: Policy, tmp_path: Path) -> None:
    assert [r["shape"] for r in summaries(tmp_path, summary(), policy=policy).rows] == ["internal"]


def test_of_several_groups_one_under_the_owner_with_another_name_has_no_customer(tmp_path: Path) -> None:
    found = summaries(tmp_path, summary(), summary(id="u2", resourceGroup="Somebody Else"))
    assert [(r["shape"], r["resource_group"]) for r in found.rows] == [("owner", "Somebody Else")]


def test_a_group_that_a_person_confirmed_is_its_owners(tmp_path: Path) -> None:
    policy = Policy(usage=UsagePolicy(confirmed_groups=(f"{SUB}/Somebody Else",)))
    rows = summary(), summary(id="u2", resourceGroup="Somebody else ")
    assert not summaries(tmp_path, *rows).passed
    assert check("usage_unassigned", "reconciled.usage", tmp_path, policy).passed


def test_the_rows_say_how_old_it_is_and_what_to_click(tmp_path: Path) -> None:
    (row,) = summaries(tmp_path, summary(companyId=None)).rows
    assert int(row["age_days"]) >= 0
    assert SUB in row["next_step"]
    assert '"Example Dental", Assign company' in row["next_step"]


def test_a_single_group_with_another_name_under_its_owner_is_taken_as_the_owners(tmp_path: Path) -> None:
    assert summaries(tmp_path, summary(resourceGroup="Somebody Else")).passed


def test_a_group_assigned_to_another_company_has_its_customer_whatever_its_name(tmp_path: Path) -> None:
    assert summaries(tmp_path, summary(), summary(id="u2", companyId=OTHER, resourceGroup="Somebody Else")).passed


def test_usage_of_a_trial_is_not_billed_so_it_needs_no_company(tmp_path: Path) -> None:
    assert summaries(tmp_path, summary(companyId=None, isTrial=True)).passed


def test_a_month_that_is_not_charged_yet_has_the_price_that_the_policy_sets(tmp_path: Path) -> None:
    usage = {"price": "cost", "markup_pct": 10, "products": {PRODUCT: {"markup_pct": 50}}}
    policy = Policy.model_validate({"usage": usage})
    found = summaries(tmp_path, summary(companyId=None), policy=policy)
    assert (found.rows[0]["not_billed"], found.rows[0]["cost"]) == ("29.25", "19.5")
    del usage["products"]
    found = check("usage_unassigned", "reconciled.usage", tmp_path, Policy.model_validate({"usage": usage}))
    assert found.rows[0]["not_billed"] == "21.45"


def test_a_month_that_is_charged_and_still_listed_is_one_row(tmp_path: Path) -> None:
    rows = item(companyId=None, startPeriod="2026-08-01", endPeriod="2026-08-31")
    found = items(tmp_path, rows, august=(summary(companyId=None),))
    assert [(row["month"], row["state"]) for row in found.rows] == [("2026-08", "charged")]


def test_an_arrears_item_without_a_known_company_warns_with_what_nobody_is_billed(tmp_path: Path) -> None:
    rows = {
        "null": (item(companyId=None), "no company"),
        "missing": (without(item(), "companyId"), "no company"),
        "empty": (item(companyId=""), "no company"),
        "unknown": (item(companyId=UNKNOWN), "dangling"),
    }
    found = items(tmp_path, *({**row, "details": name} for name, (row, _) in rows.items()))
    assert (found.passed, found.severity, found.holds) == (False, "WARN", False)
    assert {r["resource_group"]: r["shape"] for r in found.rows} == {name: shape for name, (_, shape) in rows.items()}
    assert found.metadata["money"] == "100.00 USD once not billed"


def test_an_arrears_item_of_an_internal_company_has_no_customer(tmp_path: Path) -> None:
    assert [r["shape"] for r in items(tmp_path, item(), policy=INTERNAL).rows] == ["internal"]


def test_an_arrears_item_of_another_group_under_the_owner_has_no_customer(tmp_path: Path) -> None:
    found = items(tmp_path, item(), item(details="Somebody Else"))
    assert [(r["shape"], r["resource_group"]) for r in found.rows] == [("owner", "Somebody Else")]


@pytest.mark.parametrize("status", ["Void", "Credited"])
def test_items_of_an_invoice_that_does_not_count_are_left_out(status: str, tmp_path: Path) -> None:
    assert items(tmp_path, item(companyId=None), status=status).passed


def test_charges_of_one_group_and_month_are_one_row_with_both_amounts(tmp_path: Path) -> None:
    rows = [item(companyId=None, productName=name, total=total) for name, total in (("Storage", 25), ("Archive", 4.25))]
    (row,) = items(tmp_path, *rows).rows
    assert (row["month"], row["products"], row["items"]) == ("2026-07", "Archive, Storage", "2")
    assert (row["cost"], row["charges"], row["currency"]) == ("39", "29.25", "USD")
    assert (
        ', Usage tab, "..." menu of "Example Dental", Assign company; perhaps company \'Example Dental\''
        in row["next_step"]
    )


def test_a_group_assigned_since_its_invoice_is_no_longer_reported(tmp_path: Path) -> None:
    assert items(tmp_path, item(companyId=None), august=(summary(),)).passed


def test_a_charged_group_that_a_person_confirmed_is_its_owners(tmp_path: Path) -> None:
    policy = Policy(usage=UsagePolicy(confirmed_groups=(f"{SUB}/somebody else",)))
    assert items(tmp_path, item(), item(details="Somebody Else"), policy=policy).passed


def test_items_that_are_no_usage_are_left_out(tmp_path: Path) -> None:
    assert items(tmp_path, item(companyId=None, term="Monthly")).passed


def test_usage_charged_and_not_listed_in_its_month_is_hidden_with_the_difference(tmp_path: Path) -> None:
    rows = (item(), item(details="Somebody Else", costTotal=30))
    found = items(tmp_path, *rows, name="usage_hidden", july=(summary(),))
    assert (found.passed, found.severity) == (False, "WARN")
    assert (found.rows[0]["resource_group"], found.metadata["money"]) == ("somebody else", "30.00 USD of cost")


def test_usage_charged_as_listed_but_for_the_last_days_rounding_is_not_hidden(tmp_path: Path) -> None:
    assert items(tmp_path, item(costTotal=19.9), name="usage_hidden", july=(summary(),)).passed


def test_a_group_charged_last_month_and_not_listed_now_is_hidden_where_nobody_read_that_month(tmp_path: Path) -> None:
    rows = (item(), item(details="Somebody Else", costTotal=30))
    assert items(tmp_path, *rows, name="usage_hidden", august=(summary(partnerTotal=1),)).count == 1


def test_less_usage_this_month_than_was_charged_for_the_last_is_not_hidden(tmp_path: Path) -> None:
    assert items(tmp_path, item(), name="usage_hidden", august=(summary(partnerTotal=1),)).passed
