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
from pax8_pipeline_tests.support.many_cases import combine
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

STATES: tuple[State, ...] = ("verified", "claimed", "sent", "unknown", "failed", "drifted", "skipped")
OTHER_PRODUCT = "71aa0c2d-7b5e-4c1f-93d4-2e8f0a9b7c64"
Rows = dict[str, dict[str, Any]]


def document(row: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(row["expect"])["usage"])


def first(vendor_data: UsageData, folder: Path, **usage: Any) -> Rows:
    rules = policy(**usage)
    return usage_plan(vendor_data.load(folder, policy=rules), rules)


def halo_invoice(number: int = 51877, **changes: Any) -> dict[str, Any]:
    line = {"id": number + 1, "qty_order": 1, "unit_price": Decimal("25.64"), "item_longdescription": "512.75 GB"}
    return {"id": number, "client_id": 231, "invoice_date": "2026-08-06T00:00:00", "reference": KEY, "posted": False,
            "voided": False, "lines": [line], **changes}  # fmt: skip


def of_client(**changes: Any) -> UsageData:
    return UsageData(clients=[{"id": 231, "name": "E", "inactive": False, "currencyisocode": "USD", **changes}])


def in_halo(*invoices: dict[str, Any]) -> UsageData:
    return UsageData(halo_invoices=list(invoices))


OTHER_AMOUNT = [{"id": 1, "qty_order": 1, "unit_price": 20}]
IN_A_LINE = [{"id": 1, "qty_order": 1, "unit_price": 20, "item_longdescription": f"copied from {KEY.lower()}"}]
# Halo's invoices, and the verdict that they lead to
IN_HALO: dict[str, tuple[UsageData, str]] = {
    "the same": (in_halo(halo_invoice()), "usage_present"),
    "in capital letters": (in_halo(halo_invoice(reference=KEY.upper())), "usage_present"),
    "posted": (in_halo(halo_invoice(posted=True)), "usage_present"),
    "another amount": (in_halo(halo_invoice(lines=OTHER_AMOUNT)), "usage_differs"),
    "another client": (in_halo(halo_invoice(client_id=232)), "usage_differs"),
    "voided": (in_halo(halo_invoice(voided=True)), "usage_differs"),
    "the key in a line": (in_halo(halo_invoice(reference="by hand", lines=IN_A_LINE)), "usage_differs"),
    "an adjustment": (in_halo(halo_invoice(reference=KEY + "-adj1")), "usage_bill"),
    "another month": (in_halo(halo_invoice(reference="PAX8-USAGE 2026-06 " + COMPANY)), "usage_bill"),
}
# what a month's document becomes under the policy that bills usage from July on
BY_DATA: dict[str, tuple[UsageData, tuple[str, str]]] = {
    "nothing in the way": (UsageData(), ("safe", "usage_bill")),
    "a client that is not invoiced": (of_client(dontinvoice=True), ("blocked", "usage_client_blocked")),
    "another payer": (of_client(client_to_invoice=232), ("needs_approval", "usage_other_payer")),
    "a credit": (
        UsageData(items=[[arrears(total=Decimal("-9"), costTotal=Decimal("-7"))]]),
        ("blocked", "usage_credit"),
    ),
}
TENANT = {"companyId": None, "details": "Tenant"}
FIRST: dict[str, UsageData] = {
    **{name: vendor_data for name, (vendor_data, _) in {**IN_HALO, **BY_DATA}.items()},
    "three items": UsageData(items=[[
        arrears(), arrears(2, total=Decimal("4.36")), arrears(3, productId=OTHER_PRODUCT, productName="Restore")
    ]]),
    "parts of a cent": UsageData(
        items=[[arrears(n, total=Decimal("0.004"), costTotal=Decimal("0.003")) for n in (1, 2, 3)]]
    ),
    "items nobody is billed for": UsageData(items=[[
        arrears(), arrears(2, **TENANT), arrears(3, **TENANT, total=Decimal("1.36")), arrears(4, currencyCode="EUR"),
        arrears(5, total=0, costTotal=0),
    ]]),
}  # fmt: skip


def by_row_id(rows: dict[str, list[dict[str, Any]]]) -> dict[str, Rows]:
    return {name: {row["row_id"]: row for row in found} for name, found in rows.items()}


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """The plan's rows about usage of each case of FIRST, from one plan for all of them."""
    combined, rules = combine(FIRST), policy()
    warehouse = combined.load(tmp_path_factory.mktemp("first"), rules)
    return by_row_id(combined.split(usage_plan(warehouse, rules).values()))


def test_a_closed_month_becomes_one_invoice_with_a_line_for_each_subscription_and_product(
    first_night: dict[str, Rows],
) -> None:
    rows = first_night["three items"]
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


def test_cents_are_rounded_once_for_each_line(first_night: dict[str, Rows]) -> None:
    usage = document(first_night["parts of a cent"][KEY])
    assert (usage["total"], usage["lines"][0]["cost"]) == ("0.01", "0.01")


@pytest.mark.parametrize("name", BY_DATA)
def test_class_and_reason_of_a_months_document(name: str, first_night: dict[str, Rows]) -> None:
    row = first_night[name][KEY]
    assert (row["class"], row["reason"]) == BY_DATA[name][1]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"first_month": None}, ("blocked", "usage_held")),
        ({"trust": {"default": "observe"}}, ("blocked", "trust_observe")),
        ({"trust": {"default": "propose"}}, ("needs_approval", "trust_propose")),
        ({"trust": {"auto": {"money": 20}}}, ("needs_approval", "auto_money")),
        ({"trust": {"auto": {"new_kinds": False}}}, ("needs_approval", "auto_new_kind")),
        ({"guardrails": {"client": {"money_delta": 20}}}, ("blocked", "guardrail_client")),
        ({"guardrails": {"run": {"new_charges": 0}}}, ("blocked", "guardrail_client")),
        ({"guardrails": {"client": {"money_delta": 20}, "usage_client": {}}}, ("safe", "usage_bill")),
    ],
)
def test_class_and_reason_by_policy(usage: dict[str, Any], expected: tuple[str, str], tmp_path: Path) -> None:
    row = first(UsageData(), tmp_path, **usage)[KEY]
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
    rows = first(UsageData(unread={0}, usage_summaries=[summary()], lines=lines), tmp_path)
    assert [(r["verdict"], r["class"]) for r in rows.values()] == [("usage_estimate", "no_op")]
    assert [r["after"] for r in rows.values()] == ["about 15.03 USD so far"]


def test_usage_of_a_subscription_that_nobody_asked_about_is_billed_from_the_approved_invoice(tmp_path: Path) -> None:
    """However late the rotation sees new usage (docs/usage-billing.md#new-usage), the invoice has it."""
    warehouse = UsageData().load(tmp_path, policy=policy())
    with warehouse.connect() as connection:
        query = "SELECT (SELECT count(*) FROM meta.usage_probes) + (SELECT count(*) FROM pax8.usage_summaries)"
        assert connection.execute(query).fetchall() == [(0,)]
    row = usage_plan(warehouse, policy())[KEY]
    assert (row["class"], row["action"], document(row)["total"]) == ("safe", "create_invoice", "25.64")


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


def credited(*replacement: dict[str, Any]) -> UsageData:
    """The Pax8 invoice was taken back, and this one has come instead."""
    back = pax8_invoice(status="Credited")
    return UsageData(invoices=[back, pax8_invoice(2)], items=[[arrears()], list(replacement)])


HIDDEN = arrears(2, companyId=None, details="Bakery", total=Decimal("7.77"))


def hidden(company_id: str | None) -> UsageData:
    """A second charge, without a company on the invoice; its group belongs to this one."""
    summaries = [summary(), summary(2, resourceGroup="Bakery", companyId=company_id)]
    return UsageData(items=[[arrears(), HIDDEN]], usage_summaries=summaries)


LATE = UsageData(invoices=[pax8_invoice(), pax8_invoice(2)], items=[[arrears()], [arrears(2, total=Decimal("4.10"))]])
MOVED = UsageData(
    client_map=[(COMPANY, 232)],
    licences=[licence(client_id=232)],
    recurring=[invoice([line()], client_id=232)],
    items=[[arrears(total=Decimal("30"))]],
)
# what is billed, how that ended, and what is read afterwards
AFTER: dict[str, tuple[UsageData, State, UsageData]] = {
    **{state: (UsageData(), state, UsageData()) for state in STATES},
    "late": (UsageData(), "verified", LATE),
    "replaced": (UsageData(), "verified", credited(arrears(2, total=Decimal("30.00")))),
    "less": (UsageData(), "verified", credited(arrears(2, total=Decimal("20.00")))),
    "gone": (UsageData(), "verified", credited(arrears(2, term="Monthly"))),
    "waiting": (UsageData(), "verified", UsageData(invoices=[pax8_invoice(status="Credited")])),
    "assigned later": (hidden(None), "verified", hidden(OTHER)),
    "moved": (UsageData(), "verified", MOVED),
    "voided": (
        UsageData(), "verified",
        UsageData(halo_invoices=[halo_invoice(voided=True)], items=[[arrears(total=Decimal("40"))]]),
    ),
}  # fmt: skip


def bill(warehouse: Warehouse, states: dict[str, State]) -> None:
    """What apply would leave in the ledger of the newest plan, by row id."""
    with warehouse.connect() as connection:
        plan_id = latest_plan_id(connection) or ""
        changes = all_changes(connection, plan_id)
    entries = [Entry(change, states[change.row_id]) for change in changes if change.row_id in states]
    assert len(entries) == len(states)
    Ledger(warehouse, "run-1").record(plan_id, entries)


@pytest.fixture(scope="module")
def second_night(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """The rows about usage of each case of AFTER, from the plan that follows the one that billed it."""
    rules = policy()
    before = combine({name: case[0] for name, case in AFTER.items()})
    warehouse = before.load(tmp_path_factory.mktemp("after"), rules)
    keys = [row["row_id"] for row in usage_plan(warehouse, rules).values() if row["action"] == "create_invoice"]
    bill(warehouse, {key: AFTER[before.case_of({"key": key})][1] for key in keys})
    after = combine({name: case[2] for name, case in AFTER.items()})
    assert isinstance(after.data, UsageData)
    after.data.again(warehouse, rules, "run-2")
    return by_row_id(after.split(usage_plan(warehouse, rules, "run-2").values()))


def test_what_was_billed_is_not_billed_again(second_night: dict[str, Rows]) -> None:
    rows = second_night["verified"]
    assert (rows[KEY + "-adj1"]["verdict"], rows[KEY + "-adj1"]["action"]) == ("usage_billed", "none")
    assert KEY not in rows


@pytest.mark.parametrize("state", ["claimed", "sent", "unknown"])
def test_what_may_have_been_billed_is_not_billed_again(state: State, second_night: dict[str, Rows]) -> None:
    assert [(r["verdict"], r["action"]) for r in second_night[state].values()] == [("usage_unsettled", "none")]


@pytest.mark.parametrize("state", ["failed", "drifted", "skipped"])
def test_what_was_not_written_is_planned_again_under_its_own_key(state: State, second_night: dict[str, Rows]) -> None:
    assert second_night[state][KEY]["action"] == "create_invoice"


@pytest.mark.parametrize(
    ("name", "verdict", "cls", "total"),
    [
        ("late", "usage_adjustment", "needs_approval", "4.10"),
        ("replaced", "usage_adjustment", "needs_approval", "4.36"),
        ("less", "usage_credit", "blocked", "-5.64"),
        ("gone", "usage_credit", "blocked", "-25.64"),
    ],
)
def test_a_correction_is_one_adjustment_that_waits_and_a_credit_is_for_people(
    name: str, verdict: str, cls: str, total: str, second_night: dict[str, Rows]
) -> None:
    row = second_night[name][KEY + "-adj1"]
    assert (row["verdict"], row["class"], document(row)["total"]) == (verdict, cls, total)
    assert row["action"] == ("create_invoice" if cls == "needs_approval" else "none")


def test_a_credited_invoice_without_its_replacement_changes_nothing_yet(second_night: dict[str, Rows]) -> None:
    assert [r for r in second_night["waiting"].values() if r["action"] != "none"] == []


def test_usage_of_another_company_assigned_later_is_that_companys_first_document(
    second_night: dict[str, Rows],
) -> None:
    rows = second_night["assigned later"]
    row = rows[KEY.replace(COMPANY, OTHER)]
    assert (row["client_id"], row["verdict"], document(row)["total"]) == (232, "usage_bill", "7.77")
    assert rows[KEY + "-adj1"]["verdict"] == "usage_billed"


def test_a_month_billed_to_another_client_is_for_people(second_night: dict[str, Rows]) -> None:
    row = second_night["moved"][KEY + "-adj1"]
    assert (row["verdict"], row["class"]) == ("usage_other_client", "blocked")


def test_an_invoice_that_a_person_voided_is_not_made_again(second_night: dict[str, Rows]) -> None:
    rows = second_night["voided"]
    assert {key: (row["verdict"], row["action"]) for key, row in rows.items()} == {KEY: ("usage_voided", "none")}


def test_usage_assigned_later_is_added_as_exactly_its_own_adjustment(tmp_path: Path) -> None:
    own = arrears(2, companyId=None, details="Tenant", total=Decimal("7.77"))
    rules = policy(confirmed_groups=[f"{METER}/tenant"])
    warehouse = UsageData(items=[[arrears(), own]], usage_summaries=[summary()]).load(tmp_path, policy=rules)
    usage_plan(warehouse, rules)
    bill(warehouse, {KEY: "verified"})
    summaries = [summary(), summary(2, resourceGroup="Tenant", companyId=COMPANY)]
    UsageData(items=[[arrears(), own]], usage_summaries=summaries).again(warehouse, rules, "run-2")
    row = usage_plan(warehouse, rules, "run-2")[KEY + "-adj1"]
    assert (row["verdict"], row["class"], document(row)["total"]) == ("usage_adjustment", "needs_approval", "7.77")
    assert "(assigned later)" in document(row)["lines"][0]["note"]


# What Halo shows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IN_HALO)
def test_a_key_that_halo_knows_is_never_billed_again(name: str, first_night: dict[str, Rows]) -> None:
    row, verdict = first_night[name][KEY], IN_HALO[name][1]
    assert (row["verdict"], row["action"]) == (verdict, "create_invoice" if verdict == "usage_bill" else "none")


def test_a_key_on_two_invoices_is_not_billed_again_either(tmp_path: Path) -> None:
    row = first(in_halo(halo_invoice(), halo_invoice(51999)), tmp_path)[KEY]
    assert (row["verdict"], row["action"]) == ("usage_differs", "none")


# What nobody is billed for -------------------------------------------------------------------------------


def test_charges_nobody_is_billed_for_are_in_the_plan_with_their_money(first_night: dict[str, Rows]) -> None:
    rows = first_night["items nobody is billed for"]
    found = {
        (r["verdict"], r["class"], r["currency"]): r["unbilled_per_month"] for r in rows.values() if r["row_id"] != KEY
    }
    assert found == {
        ("usage_unassigned", "blocked", "USD"): Decimal("27.00"),
        ("usage_currency_mismatch", "blocked", "EUR"): Decimal("25.64"),
        ("usage_zero", "no_op", "USD"): Decimal(0),
    }
    assert rows[KEY]["money_per_month"] == Decimal("25.64")


def test_a_loss_of_an_old_month_stays_in_the_plan_and_what_is_left_out_on_purpose_does_not(tmp_path: Path) -> None:
    march: dict[str, Any] = {"startPeriod": "2026-03-01", "endPeriod": "2026-03-31"}
    items = [arrears(companyId=None, **march), arrears(2, total=0, costTotal=0, **march)]
    rows = first(UsageData(items=[items]), tmp_path, first_month="2026-03")
    assert [(row["verdict"], row["unbilled_per_month"]) for row in rows.values()] == [
        ("usage_unassigned", Decimal("25.64"))
    ]


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
