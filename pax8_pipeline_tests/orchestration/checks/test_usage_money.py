"""usage_adds_up, usage_billed_twice, usage_arithmetic, usage_second_invoice: that usage is billed whole, and once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.planning.planner import make_plan
from pax8_pipeline.settings import Policy, UsagePolicy
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.checks import Checked, check
from pax8_pipeline_tests.support.many_cases import combine
from pax8_pipeline_tests.support.usage_checks import (
    OTHER,
    bill,
    change,
    item,
    items_read,
    rebuild,
    seats,
    usage_warehouse,
)
from pax8_pipeline_tests.support.usage_data import UsageData
from pax8_pipeline_tests.support.vendor_data import COMPANY, plan_context
from pax8_pipeline_tests.support.warehouse_files import copy_of

KEY = f"PAX8-USAGE 2026-07 {COMPANY}"


def adds_up(folder: Path) -> Checked:
    return check("usage_adds_up", "reconciled.usage", folder)


# usage_adds_up ------------------------------------------------------------------------------------------------


def test_billed_unassigned_skipped_and_other_items_make_up_an_invoice_to_the_last_digit(tmp_path: Path) -> None:
    usage_warehouse(
        tmp_path,
        item(costTotal="19.4850000001"),
        item(companyId=None, costTotal=30.005),
        item(currencyCode="EUR", costTotal=7),
        item(total=0, costTotal=0),
        item(costTotal=-2.1, total=-3.2, companyId=OTHER),
        seats(),
    )
    found = adds_up(tmp_path)
    assert (found.passed, found.count) == (True, 0)
    rows = {row["currency"]: row for row in found.rows}
    assert rows["USD"]["billable"] == "17.3850000001"
    assert (rows["USD"]["unassigned"], rows["USD"]["not_usage"], rows["USD"]["skipped_by_reason"]) == (
        "30.005",
        "340",
        "zero 0",
    )
    assert (rows["USD"]["read"], rows["USD"]["items"]) == ("387.3900000001", "5")
    assert (rows["EUR"]["skipped"], rows["EUR"]["difference"]) == ("7", "0")


def test_items_of_a_credited_invoice_are_skipped_and_still_add_up(tmp_path: Path) -> None:
    usage_warehouse(tmp_path, item(), seats(), status="Credited")
    found = adds_up(tmp_path)
    assert (found.passed, found.rows[0]["skipped_by_reason"]) == (True, "credited 19.5")


def with_three_items(folder: Path) -> Warehouse:
    return usage_warehouse(folder, item(), item(details="Lost", costTotal=30), seats())


@pytest.mark.parametrize(
    ("mistake", "difference"),
    [
        ("DELETE FROM reconciled.usage WHERE resource_group = 'Lost'", "30"),
        ("INSERT INTO reconciled.usage SELECT * FROM reconciled.usage WHERE resource_group = 'Lost'", "-30"),
        ("UPDATE reconciled.usage SET cost = cost + 0.0000000001 WHERE resource_group = 'Lost'", "-0.0000000001"),
        ("UPDATE staging.invoice_items SET cost_total = 0 WHERE term = 'Monthly'", "340"),
        ("UPDATE reconciled.usage SET currency = 'EUR' WHERE resource_group = 'Lost'", "-30"),
    ],
    ids=["dropped", "doubled", "changed", "misread", "in another currency"],
)
def test_an_item_lost_or_doubled_on_the_way_holds_back_the_plan(mistake: str, difference: str, tmp_path: Path) -> None:
    change(copy_of(with_three_items, tmp_path), mistake)
    found = adds_up(tmp_path)
    assert (found.passed, found.severity, found.holds) == (False, "ERROR", True)
    assert found.rows[0]["difference"] == difference


def test_client_totals_have_to_add_up_too(tmp_path: Path) -> None:
    change(usage_warehouse(tmp_path, item()), "UPDATE reconciled.usage SET charges = charges + 1")
    found = adds_up(tmp_path)
    assert (found.holds, found.rows[0]["difference"], found.rows[0]["client_difference"]) == (True, "0", "-1")


def test_an_item_that_cannot_be_used_holds_back_the_plan(tmp_path: Path) -> None:
    broken: dict[str, dict[str, Any]] = {"i2": {"costTotal": "many"}, "i3": {"total": "1,50"}, "i4": {"id": "twin"}}
    reads = [items_read([item(id="twin"), {**item(id="other"), **change}], i) for i, change in broken.items()]
    usage_warehouse(tmp_path, item(), bills=[bill(i) for i in broken], more=reads)
    found = adds_up(tmp_path)
    assert found.holds
    assert {row["invoice_id"] for row in found.rows if row["wrong"] == "yes"} == set(broken)


def test_raw_rows_that_are_gone_hold_back_the_plan(tmp_path: Path) -> None:
    warehouse = usage_warehouse(tmp_path, item(id="a"), item(id="b"))
    change(warehouse, "DELETE FROM pax8.invoice_items WHERE object_id = 'b'")
    rebuild(warehouse)
    assert (adds_up(tmp_path).holds, adds_up(tmp_path).rows[0]["gone"]) == (True, "1")


def test_an_invoice_that_pax8_no_longer_lists_is_skipped_by_name(tmp_path: Path) -> None:
    usage_warehouse(tmp_path, item(), more=[items_read([item(), seats()], "i9")])
    found = adds_up(tmp_path)
    assert found.passed
    assert {row["invoice_id"]: row["skipped_by_reason"] for row in found.rows} == {"i1": "", "i9": "not_listed 19.5"}


def test_a_read_that_was_not_whole_is_not_counted(tmp_path: Path) -> None:
    usage_warehouse(tmp_path, item(), more=[items_read([item(), item()], problem="page 2 is missing")])
    assert adds_up(tmp_path).rows[0]["items"] == "1"


# usage_billed_twice -------------------------------------------------------------------------------------------


def halo_invoice(number: int, **changes: Any) -> dict[str, Any]:
    lines = [{"id": 1, "qty_order": 1, "unit_price": 25, "item_shortdescription": "Storage"}]
    return {
        "id": number,
        "client_id": 231,
        "reference": KEY,
        "posted": False,
        "voided": False,
        "lines": lines,
        **changes,
    }


def billed_twice(folder: Path, *invoices: dict[str, Any]) -> Checked:
    reads = [snapshots.Read("halo.invoices", snapshots.raw_objects("/Invoice", invoices))]
    warehouse = usage_warehouse(folder, item(), more=reads)
    make_plan(warehouse, plan_context())
    return check("usage_billed_twice", "billing.plan", folder)


def test_a_key_on_two_invoices_is_grave_and_names_both(tmp_path: Path) -> None:
    texts = [{"id": 2, "qty_order": 1, "unit_price": 25, "item_longdescription": f"for {KEY.lower()}"}]
    found = billed_twice(tmp_path, halo_invoice(7001), halo_invoice(7002, reference="typed by hand", lines=texts))
    # The plan holds usage by itself (billing/planning/usage_stops.py): seats go on.
    assert (found.severity, found.holds) == ("ERROR", False)
    assert found.rows[0]["halo_invoices"] == "7001, 7002"


OTHER_DOCUMENTS: dict[str, dict[str, Any]] = {
    "voided": {"voided": True},
    "an adjustment": {"reference": f"{KEY}-adj1"},
    "another month": {"reference": KEY.replace("2026-07", "2026-06")},
    "a credit note": {
        "lines": [{"id": 2, "qty_order": -1, "unit_price": 25, "item_shortdescription": f"credit of {KEY}"}]
    },
}


def test_another_document_is_not_the_same_usage_twice(tmp_path: Path) -> None:
    """Each of these for a company of its own."""
    combined = combine({
        name: UsageData(halo_invoices=[halo_invoice(7001), halo_invoice(7002, **second)])
        for name, second in OTHER_DOCUMENTS.items()
    })  # fmt: skip
    make_plan(combined.load(tmp_path), plan_context())
    found = check("usage_billed_twice", "billing.plan", tmp_path)
    assert found.passed, found.rows


# usage_arithmetic ---------------------------------------------------------------------------------------------


def test_totals_that_quantity_and_price_do_not_come_to_are_shown_and_stop_nothing(tmp_path: Path) -> None:
    usage_warehouse(
        tmp_path,
        item(),
        item(quantity=11, price=50000, total=27500, details="Tiered"),
        item(cost=7, details="Cost"),
        item(total=25.02, details="Two cents"),
    )
    found = check("usage_arithmetic", "staging.invoice_items", tmp_path)
    assert (found.passed, found.severity, found.holds) == (False, "WARN", False)
    assert [row["resource_group"] for row in found.rows] == ["Tiered", "Two cents", "Cost"]
    assert (found.rows[0]["total"], found.rows[0]["quantity_times_price"]) == ("27500", "550000")


def test_half_a_cent_of_rounding_is_no_finding(tmp_path: Path) -> None:
    usage_warehouse(tmp_path, item(quantity=512.75, price=0.05, total=25.64, cost=0.038, costTotal=19.485))
    assert check("usage_arithmetic", "staging.invoice_items", tmp_path).passed


# usage_second_invoice -----------------------------------------------------------------------------------------


def billed(warehouse: Warehouse, *invoices: str, amount: str = "25.00") -> None:
    """Put a verified document for July into plan and ledger."""
    charges = [f"{i}/#0000000" for i in invoices]
    line = {"ref": "s p 2026-07", "amount": amount, "cost": "19.50", "charges": charges}
    expect = json.dumps({"usage": {"key": KEY, "month": "2026-07", "company_id": COMPANY, "lines": [line]}})
    plan_id = make_plan(warehouse, plan_context()).plan_id
    with warehouse.transaction() as connection:
        plan = {"plan_id": plan_id, "row_id": "billed before", "class": "safe", "verdict": "usage_bill", "action": "create_invoice",
                "reason": "usage_bill", "sentence": "", "subscription_id": "", "expect": expect, "evidence": "{}",
                "money_per_period": Decimal(25), "money_per_month": Decimal(25), "unbilled_per_month": Decimal(0)}  # fmt: skip
        _insert(connection, "billing.plan", plan)
        entry = {"entry": 1, "plan_id": plan_id, "row_id": "billed before", "run_id": "run-1", "state": "verified",
                 "action": "create_invoice", "client_id": 231, "subscription_id": "", "currency": "USD", "before_state": "{}",
                 "recorded_at": datetime.now(UTC).replace(tzinfo=None)}  # fmt: skip
        _insert(connection, "billing.ledger", entry)


def _insert(connection: Any, table: str, values: dict[str, Any]) -> None:
    names = ", ".join(f'"{n}"' for n in values)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})", list(values.values()))


def second(folder: Path) -> Checked:
    return check("usage_second_invoice", "reconciled.usage", folder)


def test_another_invoice_for_a_month_that_was_billed_is_told(tmp_path: Path) -> None:
    late = [items_read([item(total=4, costTotal=3)], "i2")]
    billed(usage_warehouse(tmp_path, item(), bills=[bill("i2")], more=late), "i1")
    found = second(tmp_path)
    assert (found.passed, found.severity, found.holds) == (False, "WARN", False)
    assert [(r["what"], r["invoice_id"], r["differs"]) for r in found.rows] == [("another invoice", "i2", "yes")]
    assert found.metadata["money"] == "4.00 USD"


def test_an_invoice_taken_back_after_its_month_was_billed_is_told(tmp_path: Path) -> None:
    billed(
        usage_warehouse(
            tmp_path, item(), status="Credited", bills=[bill("i2")], more=[items_read([item(total=20)], "i2")]
        ),
        "i1",
    )
    assert {(r["what"], r["invoice_id"]) for r in second(tmp_path).rows} == {
        ("taken back", "i1"),
        ("another invoice", "i2"),
    }


def test_a_month_not_billed_yet_may_have_as_many_invoices_as_it_likes(tmp_path: Path) -> None:
    usage_warehouse(tmp_path, item(), bills=[bill("i2")], more=[items_read([item()], "i2")])
    assert second(tmp_path).passed


def test_a_second_invoice_that_has_been_billed_is_settled(tmp_path: Path) -> None:
    late = [items_read([item(total=4, costTotal=3)], "i2")]
    billed(usage_warehouse(tmp_path, item(), bills=[bill("i2")], more=late), "i1", "i2", amount="29.00")
    assert second(tmp_path).passed


def test_an_old_second_invoice_that_changed_no_amount_is_told_no_more(tmp_path: Path) -> None:
    warehouse = usage_warehouse(
        tmp_path, item(), bills=[bill("i2")], more=[items_read([item(total=0, costTotal=1)], "i2")]
    )
    billed(warehouse, "i1")
    assert not second(tmp_path).passed
    change(warehouse, "UPDATE meta.snapshots SET loaded_at = loaded_at - INTERVAL 36 DAY")
    assert second(tmp_path).passed


def test_with_billing_begun_groups_of_older_months_stay_in_sight(tmp_path: Path) -> None:
    old = [items_read([item(companyId=None, startPeriod="2026-03-01")], "i3")]
    usage_warehouse(tmp_path, item(), bills=[bill("i3", invoiceDate="2026-04-01")], more=old)
    policy = Policy(usage=UsagePolicy(first_month="2026-03"))
    assert check("usage_unassigned", "reconciled.usage", tmp_path).passed
    assert check("usage_unassigned", "reconciled.usage", tmp_path, policy).rows[0]["month"] == "2026-03"
