"""What is planned from metered usage: one document for each company's month, its corrections, and what is held."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.model import Entry, State
from pax8_pipeline.billing.planning.planner import all_changes, latest_plan_id
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.usage_data import (
    KEY,
    METER,
    OTHER,
    PRODUCT,
    UsageData,
    arrears,
    pax8_invoice,
    policy,
    summary,
    usage_line,
    usage_plan,
)
from pax8_pipeline_tests.support.vendor_data import COMPANY, invoice, licence, line

OTHER_PRODUCT = "71aa0c2d-7b5e-4c1f-93d4-2e8f0a9b7c64"
Rows = dict[str, dict[str, Any]]


def document(row: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(row["expect"])["usage"])


def first(vendor_data: UsageData, folder: Path, **usage: Any) -> Rows:
    rules = policy(**usage)
    return usage_plan(vendor_data.load(folder, policy=rules), rules)


def written(warehouse: Warehouse, row_id: str, state: State = "verified") -> None:
    """What apply would leave in the ledger."""
    with warehouse.connect() as connection:
        plan_id = latest_plan_id(connection) or ""
        (change,) = [c for c in all_changes(connection, plan_id) if c.row_id == row_id]
    Ledger(warehouse, "run-1").record(plan_id, [Entry(change, state)])


def after(vendor_data: UsageData, then: UsageData, folder: Path, state: State = "verified", **usage: Any) -> Rows:
    """Bill the first vendor data, then plan the second."""
    rules = policy(**usage)
    warehouse = vendor_data.load(folder, policy=rules)
    usage_plan(warehouse, rules)
    written(warehouse, KEY, state)
    then.again(warehouse, rules, "run-2")
    return usage_plan(warehouse, rules, "run-2")


def test_a_closed_month_becomes_one_invoice_with_a_line_for_each_subscription_and_product(tmp_path: Path) -> None:
    items = [
        arrears(),
        arrears(2, total=Decimal("4.36")),
        arrears(3, productId=OTHER_PRODUCT, productName="Restore"),
    ]
    rows = first(UsageData(items=[items]), tmp_path)
    assert (rows[KEY]["class"], rows[KEY]["action"], rows[KEY]["money_per_month"]) == (
        "safe",
        "create_invoice",
        Decimal("55.64"),
    )
    usage = document(rows[KEY])
    assert (usage["key"], usage["client_id"], usage["currency"], usage["total"]) == (KEY, 231, "USD", "55.64")
    assert [(line["ref"], line["amount"], line["cost"], line["item_id"]) for line in usage["lines"]] == [
        (f"{METER} {PRODUCT} 2026-07", "30.00", "38.96", 120),
        (f"{METER} {OTHER_PRODUCT} 2026-07", "25.64", "19.48", 120),
    ]
    assert "1025.5 GB, Example Dental" in usage["lines"][0]["note"]
    assert sum(Decimal(line["amount"]) for line in usage["lines"]) == Decimal(usage["total"])


@pytest.mark.parametrize(
    ("detail", "refs"),
    [
        ("product", [f"{METER} {PRODUCT} 2026-07", f"{METER} {OTHER_PRODUCT} 2026-07"]),
        ("subscription", [f"{METER} * 2026-07"]),
        ("collapsed", ["* * 2026-07"]),
    ],
)
def test_detail_says_how_many_lines(detail: str, refs: list[str], tmp_path: Path) -> None:
    vendor_data = UsageData(items=[[arrears(), arrears(2, productId=OTHER_PRODUCT)]])
    usage = document(first(vendor_data, tmp_path, detail=detail)[KEY])
    assert [line["ref"] for line in usage["lines"]] == refs
    assert usage["total"] == "51.28"


def test_cents_are_rounded_once_for_each_line(tmp_path: Path) -> None:
    items = [arrears(n, total=Decimal("0.004"), costTotal=Decimal("0.003")) for n in (1, 2, 3)]
    usage = document(first(UsageData(items=[items]), tmp_path)[KEY])
    assert (usage["total"], usage["lines"][0]["cost"]) == ("0.01", "0.01")


@pytest.mark.parametrize(
    ("vendor_data", "usage", "expected"),
    [
        (UsageData(), {}, ("safe", "usage_bill")),
        (UsageData(), {"first_month": None}, ("blocked", "usage_held")),
        (UsageData(), {"trust": {"default": "observe"}}, ("blocked", "trust_observe")),
        (UsageData(), {"trust": {"default": "propose"}}, ("needs_approval", "trust_propose")),
        (UsageData(), {"trust": {"auto": {"money": 20}}}, ("needs_approval", "auto_money")),
        (UsageData(), {"trust": {"auto": {"new_kinds": False}}}, ("needs_approval", "auto_new_kind")),
        (UsageData(), {"guardrails": {"client": {"money_delta": 20}}}, ("blocked", "guardrail_client")),
        (UsageData(), {"guardrails": {"run": {"new_charges": 0}}}, ("blocked", "guardrail_client")),
        (UsageData(), {"guardrails": {"client": {"money_delta": 20}, "usage_client": {}}}, ("safe", "usage_bill")),
        (UsageData(clients=[{"id": 231, "name": "E", "inactive": False, "dontinvoice": True}]), {}, ("blocked", "usage_client_blocked")),
        (UsageData(clients=[{"id": 231, "name": "E", "inactive": False, "client_to_invoice": 232}]), {}, ("needs_approval", "usage_other_payer")),
        (UsageData(items=[[arrears(total=Decimal("-9"), costTotal=Decimal("-7"))]]), {}, ("blocked", "usage_credit")),
    ],
)  # fmt: skip
def test_class_and_reason_of_a_months_document(
    vendor_data: UsageData, usage: dict[str, Any], expected: tuple[str, str], tmp_path: Path
) -> None:
    row = first(vendor_data, tmp_path, **usage)[KEY]
    assert (row["class"], row["reason"]) == expected


def test_usage_over_its_limit_does_not_hold_the_seats(tmp_path: Path) -> None:
    vendor_data = UsageData()
    vendor_data.subscriptions[0]["quantity"] = 21
    rules = policy(guardrails={"usage_run": {"money_delta": 1}})
    warehouse = vendor_data.load(tmp_path, policy=rules)
    assert usage_plan(warehouse, rules)[KEY]["class"] == "blocked"
    with warehouse.connect() as connection:
        classes = connection.execute("SELECT class FROM billing.plan WHERE verdict = 'increase'").fetchall()
    assert classes == [("safe",)]


def test_a_month_that_is_not_closed_or_not_read_whole_is_not_billed(tmp_path: Path) -> None:
    lines = [usage_line()]
    vendor_data = UsageData(unread={0}, usage_summaries=[summary()], lines=lines)
    rows = first(vendor_data, tmp_path)
    assert [(r["verdict"], r["class"]) for r in rows.values()] == [("usage_estimate", "no_op")]
    assert [r["after"] for r in rows.values()] == ["about 15.03 USD so far"]


def test_months_before_the_first_one_are_left_alone(tmp_path: Path) -> None:
    assert first(UsageData(), tmp_path, first_month="2026-08") == {}


def test_native_integration_on_stops_usage_too(tmp_path: Path) -> None:
    rules = policy()
    row = usage_plan(UsageData().load(tmp_path, policy=rules), rules, native="on")[KEY]
    assert (row["class"], row["reason"]) == ("blocked", "native_integration_on")


@pytest.mark.parametrize(("asked_on", "billed"), [("2026-08-04", True), ("2026-08-03", False), (None, False)])
def test_usage_lines_bill_once_the_last_totals_were_read_after_the_third(
    asked_on: str | None, billed: bool, tmp_path: Path
) -> None:
    july = [usage_line(usageDate="2026-07-31", usageSummaryId=summary()["id"])]
    vendor_data = UsageData(invoices=[], items=[], usage_summaries=[summary()], lines=july)
    vendor_data.line_month = "2026-07"
    rules = policy(source="usage_lines")
    warehouse = vendor_data.load(tmp_path, policy=rules)
    if asked_on:
        with warehouse.connect() as connection:
            insert = "INSERT INTO meta.usage_line_reads VALUES ('2026-07', ?, '2026-07-31', ?, now(), 1, NULL, NULL)"
            connection.execute(insert, [summary()["id"], asked_on])
    rows = usage_plan(warehouse, rules)
    assert (KEY in rows) is billed
    if billed:
        assert (rows[KEY]["class"], document(rows[KEY])["total"]) == ("safe", "15.03")


# After it was billed -------------------------------------------------------------------------------------


def test_what_was_billed_is_not_billed_again(tmp_path: Path) -> None:
    rows = after(UsageData(), UsageData(), tmp_path)
    assert (rows[KEY + "-adj1"]["verdict"], rows[KEY + "-adj1"]["action"]) == ("usage_billed", "none")
    assert KEY not in rows


@pytest.mark.parametrize("state", ["claimed", "sent", "unknown"])
def test_what_may_have_been_billed_is_not_billed_again(state: State, tmp_path: Path) -> None:
    rows = after(UsageData(), UsageData(), tmp_path, state)
    assert [(r["verdict"], r["action"]) for r in rows.values()] == [("usage_unsettled", "none")]


@pytest.mark.parametrize("state", ["failed", "drifted", "skipped"])
def test_what_was_not_written_is_planned_again_under_its_own_key(state: State, tmp_path: Path) -> None:
    assert after(UsageData(), UsageData(), tmp_path, state)[KEY]["action"] == "create_invoice"


LATE = UsageData(invoices=[pax8_invoice(), pax8_invoice(2)], items=[[arrears()], [arrears(2, total=Decimal("4.10"))]])
REPLACED = UsageData(
    invoices=[pax8_invoice(status="Credited"), pax8_invoice(2)],
    items=[[arrears()], [arrears(2, total=Decimal("30.00"))]],
)
LESS = UsageData(
    invoices=[pax8_invoice(status="Credited"), pax8_invoice(2)],
    items=[[arrears()], [arrears(2, total=Decimal("20.00"))]],
)
GONE = UsageData(
    invoices=[pax8_invoice(status="Credited"), pax8_invoice(2)], items=[[arrears()], [arrears(2, term="Monthly")]]
)
WAITING = UsageData(invoices=[pax8_invoice(status="Credited")])


@pytest.mark.parametrize(
    ("then", "verdict", "cls", "total"),
    [
        (LATE, "usage_adjustment", "needs_approval", "4.10"),
        (REPLACED, "usage_adjustment", "needs_approval", "4.36"),
        (LESS, "usage_credit", "blocked", "-5.64"),
        (GONE, "usage_credit", "blocked", "-25.64"),
    ],
)
def test_a_correction_is_one_adjustment_that_waits_and_a_credit_is_for_people(
    then: UsageData, verdict: str, cls: str, total: str, tmp_path: Path
) -> None:
    rows = after(UsageData(), then, tmp_path)
    row = rows[KEY + "-adj1"]
    assert (row["verdict"], row["class"], document(row)["total"]) == (verdict, cls, total)
    assert row["action"] == ("create_invoice" if cls == "needs_approval" else "none")


def test_a_credited_invoice_without_its_replacement_changes_nothing_yet(tmp_path: Path) -> None:
    assert [r for r in after(UsageData(), WAITING, tmp_path).values() if r["action"] != "none"] == []


def test_usage_assigned_later_is_added_as_exactly_its_own_adjustment(tmp_path: Path) -> None:
    hidden = arrears(2, companyId=None, details="Tenant", total=Decimal("7.77"))
    before = UsageData(items=[[arrears(), hidden]], usage_summaries=[summary()])
    then = UsageData(
        items=[[arrears(), hidden]], usage_summaries=[summary(), summary(2, resourceGroup="Tenant", companyId=COMPANY)]
    )
    then.items[0][1]["details"] = "Tenant"
    rows = after(before, then, tmp_path, confirmed_groups=[f"{METER}/tenant"])
    row = rows[KEY + "-adj1"]
    assert (row["verdict"], row["class"], document(row)["total"]) == ("usage_adjustment", "needs_approval", "7.77")
    assert "(assigned later)" in document(row)["lines"][0]["note"]


def test_usage_of_another_company_assigned_later_is_that_companys_first_document(tmp_path: Path) -> None:
    hidden = arrears(2, companyId=None, details="Bakery", total=Decimal("7.77"))
    before = UsageData(
        items=[[arrears(), hidden]], usage_summaries=[summary(), summary(2, resourceGroup="Bakery", companyId=None)]
    )
    then = UsageData(
        items=[[arrears(), hidden]], usage_summaries=[summary(), summary(2, resourceGroup="Bakery", companyId=OTHER)]
    )
    rows = after(before, then, tmp_path)
    row = rows[KEY.replace(COMPANY, OTHER)]
    assert (row["client_id"], row["verdict"], document(row)["total"]) == (232, "usage_bill", "7.77")
    assert rows[KEY + "-adj1"]["verdict"] == "usage_billed"


def test_a_month_billed_to_another_client_is_for_people(tmp_path: Path) -> None:
    moved = UsageData(
        client_map=[(COMPANY, 232)],
        licences=[licence(client_id=232)],
        recurring=[invoice([line()], client_id=232)],
        items=[[arrears(total=Decimal("30"))]],
    )
    row = after(UsageData(), moved, tmp_path)[KEY + "-adj1"]
    assert (row["verdict"], row["class"]) == ("usage_other_client", "blocked")


# What Halo shows -----------------------------------------------------------------------------------------


def halo_invoice(number: int = 51877, **changes: Any) -> dict[str, Any]:
    line = {"id": number + 1, "qty_order": 1, "unit_price": Decimal("25.64"), "item_longdescription": "512.75 GB"}
    return {"id": number, "client_id": 231, "invoice_date": "2026-08-06T00:00:00", "reference": KEY, "posted": False,
            "voided": False, "lines": [line], **changes}  # fmt: skip


OTHER_AMOUNT = [{"id": 1, "qty_order": 1, "unit_price": 20}]
IN_A_LINE = [{"id": 1, "qty_order": 1, "unit_price": 20, "item_longdescription": f"copied from {KEY.lower()}"}]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([halo_invoice()], "usage_present"),
        ([halo_invoice(reference=KEY.upper())], "usage_present"),
        ([halo_invoice(posted=True)], "usage_present"),
        ([halo_invoice(lines=OTHER_AMOUNT)], "usage_differs"),
        ([halo_invoice(client_id=232)], "usage_differs"),
        ([halo_invoice(voided=True)], "usage_differs"),
        ([halo_invoice(), halo_invoice(51999)], "usage_differs"),
        ([halo_invoice(reference="by hand", lines=IN_A_LINE)], "usage_differs"),
        ([halo_invoice(reference=KEY + "-adj1")], "usage_bill"),
        ([halo_invoice(reference="PAX8-USAGE 2026-06 " + COMPANY)], "usage_bill"),
    ],
)
def test_a_key_that_halo_knows_is_never_billed_again(found: list[dict[str, Any]], verdict: str, tmp_path: Path) -> None:
    row = first(UsageData(halo_invoices=found), tmp_path)[KEY]
    assert (row["verdict"], row["action"]) == (verdict, "create_invoice" if verdict == "usage_bill" else "none")


def test_an_invoice_that_a_person_voided_is_not_made_again(tmp_path: Path) -> None:
    then = UsageData(halo_invoices=[halo_invoice(voided=True)], items=[[arrears(total=Decimal("40"))]])
    rows = after(UsageData(), then, tmp_path)
    assert {key: (row["verdict"], row["action"]) for key, row in rows.items()} == {KEY: ("usage_voided", "none")}


# What nobody is billed for -------------------------------------------------------------------------------


def test_charges_nobody_is_billed_for_are_in_the_plan_with_their_money(tmp_path: Path) -> None:
    items = [arrears(), arrears(2, companyId=None, details="Tenant"), arrears(3, companyId=None, details="Tenant", total=Decimal("1.36")),
             arrears(4, currencyCode="EUR"), arrears(5, total=0, costTotal=0)]  # fmt: skip
    rows = first(UsageData(items=[items]), tmp_path)
    found = {
        (r["verdict"], r["class"], r["currency"]): r["unbilled_per_month"] for r in rows.values() if r["row_id"] != KEY
    }
    assert found == {
        ("usage_unassigned", "blocked", "USD"): Decimal("27.00"),
        ("usage_currency_mismatch", "blocked", "EUR"): Decimal("25.64"),
        ("usage_zero", "no_op", "USD"): Decimal(0),
    }
    assert rows[KEY]["money_per_month"] == Decimal("25.64")


def test_a_backfill_plan_is_about_its_months_only_and_all_of_it_waits(tmp_path: Path) -> None:
    vendor_data, rules = UsageData(), policy(first_month=None)
    vendor_data.subscriptions[0]["quantity"] = 25
    warehouse = vendor_data.load(tmp_path, policy=rules)
    rows = usage_plan(warehouse, rules, bill_months=("2026-07", "2026-07"))
    assert (rows[KEY]["class"], rows[KEY]["reason"]) == ("needs_approval", "usage_backfill")
    with warehouse.connect() as connection:
        assert connection.execute("SELECT count(*) FROM billing.plan WHERE verdict NOT LIKE 'usage%'").fetchall() == [
            (0,)
        ]
    assert usage_plan(warehouse, rules, "run-2", bill_months=("2026-05", "2026-06")) == {}
