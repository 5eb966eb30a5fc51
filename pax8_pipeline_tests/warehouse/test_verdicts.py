"""Each verdict has a case that brings it about, and each guard a case that it stops."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.verdicts import VERDICTS
from pax8_pipeline.settings import Policy
from pax8_pipeline_tests.support.many_cases import plan_many
from pax8_pipeline_tests.support.vendor_data import (
    COMPANY,
    SUB,
    VendorData,
    company,
    invoice,
    licence,
    line,
    manual_line,
    planned,
    subscription,
)

OTHER = "aaaaaaaa-0000-4000-8000-000000000002"
ENDED = {"status": "Cancelled", "endDate": "2026-08-19T00:00:00Z"}


def sub(**changes: Any) -> VendorData:
    return VendorData(subscriptions=[subscription(**changes)])


def manual(changes: dict[str, Any] | None = None, **on_line: Any) -> VendorData:
    return VendorData(
        subscriptions=[subscription(**(changes or {}))],
        licences=[],
        recurring=[invoice([manual_line(**on_line)])],
        subscription_map=[(SUB, -94, 24967, None)],
    )


def two_lines() -> VendorData:
    return VendorData(subscriptions=[subscription(quantity=25)], recurring=[invoice([line(), line(id=24968)])])


def on_line(**changes: Any) -> VendorData:
    return VendorData(subscriptions=[subscription(quantity=25)], recurring=[invoice([line(**changes)])])


def on_invoice(**changes: Any) -> VendorData:
    return VendorData(subscriptions=[subscription(quantity=25)], recurring=[invoice([line()], **changes)])


def usage_only() -> VendorData:
    summary = {"id": "u1", "subscriptionId": SUB, "companyId": COMPANY, "currentCharges": 3, "partnerTotal": 2}
    return VendorData(
        subscriptions=[subscription(price=0, quantity=1)], licences=[], recurring=[], usage_summaries=[summary]
    )


def mapped_to(invoice_id: int | None, line_id: int | None, licence_id: int | None) -> VendorData:
    return VendorData(
        subscriptions=[subscription(quantity=25)], subscription_map=[(SUB, invoice_id, line_id, licence_id)]
    )


def shared_licence() -> VendorData:
    return VendorData(
        subscriptions=[subscription(quantity=25), subscription(id=OTHER, quantity=3)],
        subscription_map=[(OTHER, None, None, 4127)],
    )


CASES: dict[str, tuple[Callable[[], VendorData], str, str]] = {
    # name: vendor data, verdict, class
    "same quantity": (sub, "in_step", "no_op"),
    "more seats": (lambda: sub(quantity=25), "increase", "safe"),
    "fewer seats": (lambda: sub(quantity=3), "decrease", "safe"),
    "manual line, more": (lambda: manual({"quantity": 25}), "increase", "safe"),
    "manual line, same": (manual, "in_step", "no_op"),
    "manual line with a part-period entry": (
        lambda: manual({"quantity": 25}, prorata_data=[{"id": 1, "quantity": 4, "isinvoiced": False}]),
        "pending_pro_rata",
        "blocked",
    ),
    "manual line with a part-period entry for all seats that are missing": (
        lambda: manual({"quantity": 25}, prorata_data=[{"id": 1, "quantity": 5, "isinvoiced": False}]),
        "entry_waits",
        "no_op",
    ),
    "manual line, fraction": (lambda: manual({"quantity": 25.5}), "increase", "safe"),
    "licence, fraction": (lambda: sub(quantity=25.5), "fractional_quantity", "blocked"),
    "licence with an order under way": (
        lambda: VendorData(subscriptions=[subscription(quantity=25)], licences=[licence(requested_quantity=30)]),
        "quantity_requested",
        "blocked",
    ),
    "to zero": (lambda: sub(quantity=0), "zero_quantity", "needs_approval"),
    "cancelled, ended": (lambda: sub(**ENDED), "cancel", "safe"),
    "cancelled, ends today": (
        lambda: sub(status="Cancelled", endDate="2026-08-20T00:00:00Z"),
        "pending_cancel",
        "no_op",
    ),
    "cancelled, no end date": (lambda: sub(status="Cancelled"), "pending_cancel", "no_op"),
    "pending cancel": (lambda: sub(status="PendingCancel", endDate="2026-09-30"), "pending_cancel", "no_op"),
    "pending cancel, other quantity": (
        lambda: sub(status="PendingCancel", endDate="2026-09-30", quantity=3),
        "pending_cancel",
        "needs_approval",
    ),
    "pending cancel, end passed": (
        lambda: sub(status="PendingCancel", endDate="2026-08-01"),
        "ended_not_cancelled",
        "blocked",
    ),
    "active, end passed": (lambda: sub(endDate="2026-08-01"), "ended_not_cancelled", "blocked"),
    "cancelled, manual line": (lambda: manual(ENDED), "cancel", "safe"),
    "cancelled, manual line with a part-period entry": (
        lambda: manual(ENDED, prorata_data=[{"id": 1, "quantity": 5, "isinvoiced": False}]),
        "cancel",
        "needs_approval",
    ),
    "cancelled, manual line already off": (lambda: manual(ENDED, isinactive=True, isActive=False), "ended", "no_op"),
    "cancelled, line off but licence on": (
        lambda: VendorData(subscriptions=[subscription(**ENDED)], recurring=[invoice([line(isinactive=True)])]),
        "cancel",
        "safe",
    ),
    "cancelled, all off": (
        lambda: VendorData(
            subscriptions=[subscription(**ENDED)],
            licences=[licence(is_active=False)],
            recurring=[invoice([line(isinactive=True)])],
        ),
        "ended",
        "no_op",
    ),
    "cancelled, never in Halo": (
        lambda: VendorData(subscriptions=[subscription(**ENDED)], licences=[], recurring=[]),
        "ended",
        "no_op",
    ),
    "stuck pending but billing": (lambda: sub(status="PendingAutomated", quantity=25), "increase", "safe"),
    "converted trial": (lambda: sub(status="Converted", quantity=25), "increase", "safe"),
    "trial": (lambda: sub(status="Trial", quantity=25), "trial", "no_op"),
    "trial term": (lambda: sub(billingTerm="Trial", quantity=25), "trial", "no_op"),
    "not started": (lambda: sub(billingStart="2026-09-01", quantity=25), "not_started", "no_op"),
    "one-time": (lambda: sub(billingTerm="One-Time", quantity=25), "one_time", "no_op"),
    "unknown term": (lambda: sub(billingTerm="Biennial-Plus", quantity=25), "unknown_term", "blocked"),
    "no term": (lambda: sub(billingTerm=None, quantity=25), "unknown_term", "blocked"),
    "period 8": (lambda: on_invoice(period=8), "unknown_period", "blocked"),
    "period 9": (lambda: on_invoice(period=9), "unknown_period", "blocked"),
    "period that nobody knows": (lambda: on_invoice(period=17), "unknown_period", "blocked"),
    "no period": (lambda: on_invoice(period=None), "unknown_period", "blocked"),
    "unreadable period": (lambda: on_invoice(period="monthly"), "unknown_period", "blocked"),
    "cancelled on period 8": (
        lambda: VendorData(subscriptions=[subscription(**ENDED)], recurring=[invoice([line()], period=8)]),
        "unknown_period",
        "blocked",
    ),
    "unreadable end date": (lambda: sub(endDate="31/12/2027", quantity=25), "unreadable", "blocked"),
    "shares a licence with an unreadable one": (
        lambda: VendorData(
            subscriptions=[subscription(quantity=25), subscription(id=OTHER, quantity=None)],
            subscription_map=[(OTHER, None, None, 4127)],
        ),
        "shares_unreadable",
        "blocked",
    ),
    "no currency": (lambda: sub(currencyCode=None, quantity=25), "unknown_currency", "blocked"),
    "no price": (lambda: sub(price=None, quantity=25), "unknown_price", "blocked"),
    "unknown status": (lambda: sub(status="Levitating", quantity=25), "unknown_status", "blocked"),
    "annual": (lambda: sub(billingTerm="Annual", quantity=25), "increase", "safe"),
    "no licence, no line": (lambda: VendorData(licences=[], recurring=[]), "unbilled", "blocked"),
    "licence without line": (lambda: VendorData(recurring=[invoice([])]), "unbilled", "blocked"),
    "usage container": (usage_only, "metered", "no_op"),
    "company not mapped": (
        lambda: VendorData(subscriptions=[subscription(quantity=25)], client_map=[]),
        "unmatched_company",
        "blocked",
    ),
    "cancelled, company not mapped": (
        lambda: VendorData(subscriptions=[subscription(**ENDED)], client_map=[]),
        "unmatched_company",
        "blocked",
    ),
    "mapped client not in Halo": (
        lambda: VendorData(subscriptions=[subscription(quantity=25)], client_map=[(COMPANY, 999)]),
        "unmatched_company",
        "blocked",
    ),
    "mapped client inactive": (
        lambda: VendorData(subscriptions=[subscription(quantity=25)], clients=[{"id": 231, "inactive": True}]),
        "unmatched_company",
        "blocked",
    ),
    "Pax8 bills the company": (
        lambda: VendorData(companies=[company(billOnBehalfOfEnabled=True)], subscriptions=[subscription(quantity=25)]),
        "billed_by_pax8",
        "no_op",
    ),
    "invoice in another currency": (
        lambda: on_invoice(currency_code_name="GBP"),
        "currency_mismatch",
        "blocked",
    ),
    "two lines follow": (two_lines, "ambiguous", "blocked"),
    "two lines, one off": (
        lambda: VendorData(
            subscriptions=[subscription(quantity=25)], recurring=[invoice([line(isinactive=True), line(id=24968)])]
        ),
        "increase",
        "safe",
    ),
    "two active licences of one id": (
        lambda: VendorData(
            subscriptions=[subscription(quantity=25)], licences=[licence(), licence(id=4128, snowid=SUB.upper())]
        ),
        "ambiguous",
        "blocked",
    ),
    "one active, one inactive licence": (
        lambda: VendorData(
            subscriptions=[subscription(quantity=25)], licences=[licence(), licence(id=4128, is_active=False)]
        ),
        "increase",
        "safe",
    ),
    "two subscriptions on one licence": (shared_licence, "ambiguous", "blocked"),
    "a newer one carries the line on": (
        lambda: VendorData(
            subscriptions=[subscription(**ENDED), subscription(id=OTHER, startDate="2026-08-20")],
            subscription_map=[(OTHER, -94, 24967, 4127)],
        ),
        "moved",
        "no_op",
    ),
    "line inactive": (lambda: on_line(isinactive=True, isActive=False), "line_inactive", "blocked"),
    "line past its end": (lambda: on_line(enddate="2026-08-19T00:00:00"), "line_inactive", "blocked"),
    "line not started": (lambda: on_line(startdate="2026-09-01T00:00:00"), "line_inactive", "blocked"),
    "invoice disabled": (lambda: on_invoice(disabled=True), "line_inactive", "blocked"),
    "licence inactive": (
        lambda: VendorData(subscriptions=[subscription(quantity=25)], licences=[licence(is_active=False)]),
        "licence_inactive",
        "blocked",
    ),
    "licence of another client": (
        lambda: VendorData(subscriptions=[subscription(quantity=25)], licences=[licence(client_id=77)]),
        "client_mismatch",
        "blocked",
    ),
    "invoice of another client": (lambda: on_invoice(client_id=77), "client_mismatch", "blocked"),
    "invoice of the client that pays": (
        lambda: VendorData(
            subscriptions=[subscription(quantity=25)],
            clients=[{"id": 231, "client_to_invoice_recurring": 77, "inactive": False}, {"id": 77, "inactive": False}],
            recurring=[invoice([line()], client_id=77)],
        ),
        "increase",
        "safe",
    ),
    "group heading": (lambda: on_line(isgroupdesc=True), "computed_elsewhere", "blocked"),
    "bundle": (lambda: on_line(is_bundled_line=True), "computed_elsewhere", "blocked"),
    "custom quantity": (lambda: on_line(quantity_custom=7), "computed_elsewhere", "blocked"),
    "users": (
        lambda: VendorData(
            subscriptions=[subscription(quantity=25)],
            licences=[],
            recurring=[invoice([line(recurring_invoice_quantity_type=2, quantity_subscriptions=[])])],
            subscription_map=[(SUB, -94, 24967, None)],
        ),
        "computed_elsewhere",
        "blocked",
    ),
    "mapped line is not there": (lambda: mapped_to(-94, 99999, None), "mapping_error", "blocked"),
    "mapped licence is not there": (lambda: mapped_to(None, None, 99999), "mapping_error", "blocked"),
    "mapped invoice is another": (lambda: mapped_to(-95, 24967, None), "mapping_error", "blocked"),
    "mapped by line, licence found": (lambda: mapped_to(-94, 24967, None), "increase", "safe"),
    "mapped in full": (lambda: mapped_to(-94, 24967, 4127), "increase", "safe"),
}


# Where Halo shows the currency of one client, the others are not taken to have it: so this one is planned alone.
CURRENCY = VendorData(
    subscriptions=[subscription(quantity=25)],
    clients=[{"id": 231, "name": "E", "currencyisocode": "EUR", "inactive": False}],
)
WIDE = Policy.model_validate(
    {"guardrails": {"run": {"lines_changed_pct": None}}, "pro_rata": {"manual_lines": "entry"}}
)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The plan's row for the subscription of each case, from one plan for all of them."""
    found = plan_many({name: case[0]() for name, case in CASES.items()}, tmp_path_factory.mktemp("cases"), WIDE)
    return {name: row for name, rows in found.items() for row in rows if row["row_id"] == SUB}


@pytest.mark.parametrize("name", CASES)
def test_each_situation_has_its_verdict_and_class(name: str, rows: dict[str, dict[str, Any]]) -> None:
    assert_verdict(rows[name], *CASES[name][1:])


def test_a_client_in_another_currency_gets_no_quantity(tmp_path: Path) -> None:
    (row,) = planned(CURRENCY.load(tmp_path))
    assert_verdict(row, "currency_mismatch", "blocked")


def assert_verdict(row: dict[str, Any], verdict: str, cls: str) -> None:
    assert (row["verdict"], row["reason"] if row["verdict"] != verdict else "") == (verdict, "")
    assert row["class"] == cls
    assert (row["action"] != "none") == (cls in ("safe", "needs_approval"))


def test_every_verdict_of_the_table_has_a_case() -> None:
    # A record that cannot be read and a price have rows of their own: billing/test_usage_unreadable.py, billing/test_prices.py.
    of_subscriptions = {v.name for v in VERDICTS} - {"unreadable_record", "price_update"}
    assert of_subscriptions == {verdict for _, verdict, _ in CASES.values()}


def test_ids_are_compared_case_blind(tmp_path: Path) -> None:
    vendor_data = VendorData(
        companies=[company(id=COMPANY.upper())],
        subscriptions=[subscription(id=SUB.upper(), quantity=25)],
        licences=[licence(snowid=SUB.title())],
    )
    assert vendor_data.verdicts(tmp_path)[SUB]["verdict"] == "increase"


def test_a_renamed_licence_id_column_is_followed(tmp_path: Path) -> None:
    vendor_data = VendorData(
        subscriptions=[subscription(quantity=25)], licences=[licence(snowid="", third_party_productid=SUB)]
    )
    policy = Policy.model_validate({"matching": {"licence_id_field": "third_party_productid"}})
    assert vendor_data.verdicts(tmp_path, policy=policy)[SUB]["verdict"] == "increase"


def test_unbilled_money_is_per_month_whatever_the_term(tmp_path: Path) -> None:
    monthly = subscription(price="22.50", quantity=4)
    yearly = subscription(id=OTHER, price=120, quantity=3, billingTerm="Annual")
    rows = VendorData(subscriptions=[monthly, yearly], licences=[], recurring=[]).verdicts(tmp_path)
    assert rows[SUB]["unbilled_money_per_month"] == Decimal("90")
    assert rows[OTHER]["unbilled_money_per_month"] == Decimal("30")


def test_free_and_minimum_quantity_count_in_what_is_billed_not_in_what_is_written(tmp_path: Path) -> None:
    links = [{"id": 901, "licence_id": 4127, "qty_free": 5, "minimum_qty": 18}]
    vendor_data = VendorData(
        subscriptions=[subscription(quantity=25)], recurring=[invoice([line(quantity_subscriptions=links)])]
    )
    row = planned(vendor_data.load(tmp_path))[0]
    assert (row["billed_before"], row["billed_after"], row["after"]) == (Decimal(18), Decimal(20), "25")
    assert row["money_per_month"] == Decimal(44)


def test_one_of_several_licences_on_a_line_is_written_alone_and_ends_alone(tmp_path: Path) -> None:
    links = [{"id": 901, "licence_id": 4127}, {"id": 902, "licence_id": 4128}]
    licences = [licence(), licence(id=4128, snowid=OTHER, count=7)]
    lines = [invoice([line(quantity_subscriptions=links)])]
    vendor_data = VendorData(
        subscriptions=[subscription(**ENDED), subscription(id=OTHER, quantity=9)], licences=licences, recurring=lines
    )
    rows = {r["row_id"]: r for r in planned(vendor_data.load(tmp_path))}
    assert (rows[SUB]["action"], rows[SUB]["billed_after"]) == ("end_licence", Decimal(7))
    assert (rows[OTHER]["action"], rows[OTHER]["billed_before"], rows[OTHER]["billed_after"]) == (
        "set_licence_count",
        Decimal(27),
        Decimal(29),
    )


def test_a_rebuy_is_named_beside_the_subscription_it_follows(tmp_path: Path) -> None:
    old, new = subscription(**ENDED), subscription(id=OTHER, startDate="2026-08-19", billingStart="2026-08-19")
    rows = {r["row_id"]: r for r in planned(VendorData(subscriptions=[old, new]).load(tmp_path))}
    assert rows[SUB]["verdict"] == "cancel"
    assert rows[OTHER]["verdict"] == "unbilled"
    assert SUB in rows[OTHER]["sentence"]


def test_absence_is_never_a_cancellation_but_is_shown_with_its_money(tmp_path: Path) -> None:
    warehouse = VendorData(subscriptions=[]).load(tmp_path)
    (row,) = planned(warehouse)
    assert (row["verdict"], row["class"], row["action"]) == ("orphaned_licence", "blocked", "none")
    with warehouse.connect() as connection:
        found = connection.execute("SELECT kind, money_per_month FROM reconciled.discrepancies").fetchall()
    assert found == [("orphaned_licence", Decimal(440))]


@pytest.mark.parametrize("native", ["on", "unknown"])
def test_a_second_writer_blocks_every_quantity(native: Any, tmp_path: Path) -> None:
    row = planned(sub(quantity=25).load(tmp_path), native=native)[0]
    assert (row["class"], row["reason"]) == ("blocked", f"native_integration_{native}")


def test_a_second_writer_may_be_ignored_by_policy(tmp_path: Path) -> None:
    policy = Policy(native_integration="ignore")
    assert planned(sub(quantity=25).load(tmp_path), native="on", policy=policy)[0]["class"] == "safe"


@pytest.mark.parametrize(
    ("mode", "cls"),
    [("observe", "blocked"), ("propose", "needs_approval"), ("approve", "needs_approval"), ("auto", "safe")],
)
def test_trust_decides_how_far_a_change_goes(mode: str, cls: str, tmp_path: Path) -> None:
    policy = Policy.model_validate({"trust": {"default": "observe", "clients": {231: mode}}})
    assert planned(sub(quantity=25).load(tmp_path), policy=policy)[0]["class"] == cls


def test_the_same_data_give_the_same_checksum_and_other_data_another(tmp_path: Path) -> None:
    sums = []
    for n, quantity in enumerate((25, 25, 26)):
        warehouse = sub(quantity=quantity).load(tmp_path / str(n), run_id=f"run-{n}")
        planned(warehouse, run_id=f"run-{n}")
        with warehouse.connect() as connection:
            sums.append(connection.execute("SELECT checksum FROM billing.plans").fetchall()[0][0])
    assert sums[0] == sums[1] != sums[2]


def test_bad_rows_are_kept_aside_with_their_reason_and_end_nothing(tmp_path: Path) -> None:
    bad = subscription(status="Cancelled", endDate="soon", quantity="many")
    warehouse = VendorData(subscriptions=[bad]).load(tmp_path)
    (row,) = planned(warehouse)
    assert (row["class"], row["verdict"], row["action"], row["client_id"]) == ("blocked", "unreadable", "none", 231)
    assert "quantity is not a number: many" in row["sentence"]
    with warehouse.connect() as connection:
        rejects = connection.execute("SELECT table_name, reason FROM staging.rejects").fetchall()
        orphans = connection.execute(
            "SELECT count(*) FROM reconciled.discrepancies WHERE kind = 'orphaned_licence'"
        ).fetchall()
    assert rejects == [("staging.subscriptions", "quantity is not a number: many")]
    assert orphans == [(0,)]
