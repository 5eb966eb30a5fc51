"""What only a person can put right: its money, since when, and when an acknowledgement covers it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing import acknowledgements, findings
from pax8_pipeline.billing.planning.planner import make_plan
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.many_cases import combine
from pax8_pipeline_tests.support.usage_data import KEY, METER, UsageData, arrears, policy, summary
from pax8_pipeline_tests.support.vendor_data import (
    SUB,
    TODAY,
    VendorData,
    company,
    invoice,
    licence,
    line,
    manual_line,
    plan_context,
    subscription,
)
from pax8_pipeline_tests.support.warehouse_files import copy_of, release

OTHER = "aaaaaaaa-0000-4000-8000-000000000002"
UNBILLED = VendorData(licences=[], recurring=[])


def unbilled(folder: Path) -> Warehouse:
    """A warehouse with one loss, found on TODAY."""
    warehouse = UNBILLED.load(folder)
    night(warehouse)
    return warehouse


def night(
    warehouse: Warehouse, day: date = TODAY, rules: Policy | None = None, *, hour: int = 0
) -> dict[str, dict[str, Any]]:
    """Plan on a day, `hour` hours later than usual, and return the open findings by id."""
    now = replace(plan_context(policy=rules), today=day)
    # Each plan has its own moment.
    made_at = now.made_at + (day - TODAY) + timedelta(hours=hour)
    plan_id = make_plan(warehouse, replace(now, made_at=made_at)).plan_id
    with warehouse.connect() as connection:
        return {row["finding_id"]: row for row in findings.open_findings(connection, plan_id)}


Money = dict[str, tuple[str | None, bool]]


def money(vendor_data: VendorData, folder: Path, rules: Policy | None = None) -> Money:
    """Money of the open findings by id, and whether it counts for the exit code."""
    return money_of(night(vendor_data.load(folder, policy=rules), rules=rules).values())


def money_of(rows: Iterable[dict[str, Any]]) -> Money:
    return {r["finding_id"]: (None if r["money"] is None else f"{r['money']:.2f}", r["counts"]) for r in rows}


def sub(**changes: Any) -> VendorData:
    return VendorData(subscriptions=[subscription(**changes)])


ENDED = {"status": "Cancelled", "endDate": "2026-08-19"}
TWO_LINES = [invoice([line(), line(id=24968)])]
SHARED: list[tuple[str, int | None, int | None, int | None]] = [(OTHER, None, None, 4127)]
CASES: dict[str, tuple[VendorData, Money]] = {
    "in step": (VendorData(), {}),
    "a change that is written": (sub(quantity=25), {}),
    "nobody is billed": (UNBILLED, {f"unbilled:{SUB}": ("440.00", True)}),
    "no client": (VendorData(client_map=[], licences=[], recurring=[]), {f"unmatched_company:{SUB}": ("440.00", True)}),
    "billed on two lines": (VendorData(recurring=TWO_LINES), {f"ambiguous-overcharge:{SUB}": ("-440.00", True)}),
    "two that share a licence, and it adds up": (
        VendorData(
            subscriptions=[subscription(quantity=14), subscription(id=OTHER, quantity=6)], subscription_map=SHARED
        ),
        {f"ambiguous:{SUB}": ("0.00", False), f"ambiguous:{OTHER}": ("0.00", False)},
    ),
    "two that share a licence, and it does not": (
        VendorData(
            subscriptions=[subscription(quantity=14), subscription(id=OTHER, quantity=16)], subscription_map=SHARED
        ),
        {f"ambiguous:{SUB}": ("0.00", False), f"ambiguous:{OTHER}": ("220.00", True)},
    ),
    "another client is billed": (
        VendorData(
            licences=[licence(client_id=232)], clients=[{"id": 231, "inactive": False}, {"id": 232, "inactive": False}]
        ),
        {f"client_mismatch-overcharge:{SUB}": ("-440.00", True)},
    ),
    "the quantity is computed from something else": (
        VendorData(recurring=[invoice([line(quantity_custom=7)])]),
        {f"computed_elsewhere:{SUB}": (None, True)},
    ),
    "a fraction": (sub(quantity=25.5), {f"fractional_quantity:{SUB}": ("121.00", True)}),
    "unknown term, nothing in Halo": (
        VendorData(subscriptions=[subscription(billingTerm="Biennial")], licences=[], recurring=[]),
        {f"unknown_term:{SUB}": (None, True)},
    ),
    "unknown status, nothing in Halo": (
        VendorData(subscriptions=[subscription(status="Odd")], licences=[], recurring=[]),
        {f"unknown_status:{SUB}": ("440.00", True)},
    ),
    "unknown term, billed as it should be": (sub(billingTerm="Biennial"), {f"unknown_term:{SUB}": ("0.00", False)}),
    "over, and not cancelled": (
        sub(endDate="2026-08-01"),
        {f"ended_not_cancelled-overcharge:{SUB}": ("-440.00", True)},
    ),
    "cancelled without a date": (sub(status="Cancelled"), {f"pending_cancel-overcharge:{SUB}": ("-440.00", True)}),
    "a cancellation is coming": (sub(status="PendingCancel", endDate="2026-09-30"), {}),
    "a cancellation is coming, other seats": (
        sub(status="PendingCancel", endDate="2026-09-30", quantity=3),
        {f"pending_cancel-overcharge:{SUB}": ("-374.00", False)},
    ),
    "over, and on two lines": (
        VendorData(subscriptions=[subscription(**ENDED)], recurring=TWO_LINES),
        {f"ambiguous-overcharge:{SUB}": ("-880.00", True)},
    ),
    "Pax8 does not list it": (
        VendorData(subscriptions=[]),
        {"orphaned_licence-overcharge:licence 4127, line 24967": ("-440.00", True)},
    ),
    "Pax8 does not list what the mapping file names": (
        VendorData(
            subscriptions=[],
            licences=[],
            recurring=[invoice([manual_line()])],
            subscription_map=[(SUB, -94, 24967, None)],
        ),
        {f"orphaned_line-overcharge:mapped line 24967 of {SUB}": ("-440.00", True)},
    ),
    "a trial that Halo bills": (
        sub(status="Trial"),
        {f"charged_by_halo_only-overcharge:line 24967 of {SUB}": ("-440.00", True)},
    ),
    "Pax8 bills the company itself, and so does Halo": (
        VendorData(companies=[company(billOnBehalfOfEnabled=True)]),
        {f"charged_by_halo_only-overcharge:line 24967 of {SUB}": ("-440.00", True)},
    ),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The open findings of each case, from one plan of all."""
    combined = combine({name: vendor_data for name, (vendor_data, _) in CASES.items()})
    return combined.split(night(combined.load(tmp_path_factory.mktemp("cases"))).values())


@pytest.mark.parametrize("name", CASES)
def test_what_only_a_person_can_put_right_is_found_with_its_money(
    name: str, found: dict[str, list[dict[str, Any]]]
) -> None:
    assert money_of(found[name]) == CASES[name][1]


def test_a_subscription_in_another_currency_than_its_client_is_found(tmp_path: Path) -> None:
    """Alone: once Halo shows the currency of one client, those without one are not known."""
    clients = [{"id": 231, "inactive": False, "currencyisocode": "USD"}]
    vendor_data = VendorData(subscriptions=[subscription(currencyCode="EUR")], clients=clients)
    assert money(vendor_data, tmp_path) == {f"currency_mismatch:{SUB}": ("440.00", True)}


def test_a_client_that_is_only_observed_is_found_with_what_its_changes_would_move(tmp_path: Path) -> None:
    rules = Policy.model_validate({"trust": {"default": "observe"}})
    assert money(sub(quantity=25), tmp_path, rules) == {f"increase:{SUB}": ("110.00", True)}


@pytest.mark.parametrize("limits", [{"run": {"lines_changed": 0}}, {"client": {"lines_changed": 0}}])
def test_what_a_guardrail_holds_is_left_to_the_guardrail(limits: dict[str, Any], tmp_path: Path) -> None:
    assert money(sub(quantity=25), tmp_path, Policy.model_validate({"guardrails": limits})) == {}


GROUP = f"{METER}/nobody USD"
NOBODY = arrears(companyId=None, details="Nobody")


def test_usage_without_a_company_is_one_finding_before_and_after_its_invoice(tmp_path: Path) -> None:
    running = UsageData(invoices=[], items=[], usage_summaries=[summary(companyId=None, resourceGroup="Nobody")])
    assert money(running, tmp_path / "a", policy()) == {
        f"usage_unassigned:usage 2026-08 unassigned {GROUP}": ("25.64", True)
    }
    charged = UsageData(items=[[NOBODY]])
    assert money(charged, tmp_path / "b", policy()) == {
        f"usage_unassigned:usage 2026-07 unassigned {GROUP}": ("25.64", True)
    }


def test_usage_is_counted_once_and_not_by_the_month(tmp_path: Path) -> None:
    rows = list(night(UsageData(items=[[NOBODY]]).load(tmp_path, policy=policy()), rules=policy()).values())
    summed = findings.add_up([*rows, *night(UNBILLED.load(tmp_path / "b")).values()])
    assert (summed.lost_a_month, summed.lost_once) == ({"USD": Decimal("440.00")}, {"USD": Decimal("25.64")})
    assert (
        summed.sentence
        == "2 losses wait for a person (2 new): USD 440.00 a month not billed, USD 25.64 of usage not billed"
    )


def test_usage_held_until_a_first_month_is_named_is_found(tmp_path: Path) -> None:
    rules = policy(first_month=None)
    assert money(UsageData(), tmp_path, rules) == {f"usage_bill:{KEY}": ("25.64", True)}


def test_a_voided_usage_invoice_is_found_with_what_it_billed(tmp_path: Path) -> None:
    from pax8_pipeline.billing.ledger import ledger
    from pax8_pipeline.billing.model import Entry
    from pax8_pipeline.billing.planning import planner

    vendor_data = UsageData()
    warehouse = vendor_data.load(tmp_path, policy=policy())
    made = make_plan(warehouse, plan_context(policy=policy()))
    with warehouse.connect() as connection:
        (change,) = planner.all_changes(connection, made.plan_id)
    ledger.Ledger(warehouse, "run-1").record(made.plan_id, [Entry(change, "claimed"), Entry(change, "verified")])
    line_ = {"id": 1, "_itemid": 120, "qty_order": 1, "unit_price": 25.64, "net_amount": 25.64}
    vendor_data.halo_invoices = [
        {"id": 7001, "client_id": 231, "reference": KEY, "isvoided": True, "voided": True, "lines": [line_]}
    ]
    vendor_data.again(warehouse, policy(), "run-2")
    make_plan(warehouse, plan_context(policy=policy(), run_id="run-2"))
    with warehouse.connect() as connection:
        rows = findings.open_findings(connection)
    assert [(r["kind"], r["check_name"], f"{r['money']:.2f}", r["counts"]) for r in rows] == [
        ("usage_voided", "usage_corrections", "25.64", True)
    ]


def test_a_second_run_of_the_same_day_has_no_news(tmp_path: Path) -> None:
    warehouse = UNBILLED.load(tmp_path)
    (first,) = night(warehouse).values()
    (second,) = night(warehouse, hour=1).values()
    assert (first["is_new"], second["is_new"]) == (True, False)
    assert (first["is_news"], second["is_news"]) == (True, True)  # an alert of a run that was broken off is not lost


def test_first_seen_stays_while_amount_and_reason_change(tmp_path: Path) -> None:
    warehouse = UNBILLED.load(tmp_path)
    first = night(warehouse)[f"unbilled:{SUB}"]
    with warehouse.connect() as connection:
        connection.execute("UPDATE reconciled.subscriptions SET unbilled_money_per_month = 500, reason = 'another'")
    later = night(warehouse, TODAY + timedelta(days=3))[f"unbilled:{SUB}"]
    assert (first["first_seen"], first["is_new"], first["is_news"]) == (TODAY, True, True)
    assert (later["first_seen"], later["is_new"], later["is_news"]) == (TODAY, False, True)
    same = night(warehouse, TODAY + timedelta(days=4))[f"unbilled:{SUB}"]
    assert (same["is_new"], same["is_news"], same["last_seen"]) == (False, False, TODAY + timedelta(days=4))


def test_another_kind_of_loss_is_a_new_finding_and_what_is_gone_is_closed(tmp_path: Path) -> None:
    warehouse = copy_of(unbilled, tmp_path)
    with warehouse.connect() as connection:
        connection.execute("UPDATE reconciled.subscriptions SET verdict = 'line_inactive'")
    later = night(warehouse, TODAY + timedelta(days=3))
    assert {i: r["first_seen"] for i, r in later.items()} == {f"line_inactive:{SUB}": TODAY + timedelta(days=3)}
    with warehouse.connect() as connection:
        closed = connection.execute(
            "SELECT finding_id, last_seen FROM billing.findings WHERE NOT still_open"
        ).fetchall()
    assert closed == [(f"unbilled:{SUB}", TODAY)]


@pytest.mark.parametrize(("away", "new"), [(5, False), (30, True)])
def test_what_comes_back_after_one_bad_night_is_not_new_after_a_month_it_is(
    away: int, new: bool, tmp_path: Path
) -> None:
    warehouse = copy_of(unbilled, tmp_path)
    with warehouse.connect() as connection:
        connection.execute("UPDATE reconciled.subscriptions SET verdict = 'line_inactive'")
    night(warehouse, TODAY + timedelta(days=1))
    with warehouse.connect() as connection:
        connection.execute("UPDATE reconciled.subscriptions SET verdict = 'unbilled'")
    assert night(warehouse, TODAY + timedelta(days=away))[f"unbilled:{SUB}"]["is_new"] is new


def test_a_plan_of_some_months_alone_closes_nothing(tmp_path: Path) -> None:
    warehouse = copy_of(unbilled, tmp_path)
    make_plan(warehouse, plan_context(bill_months=("2026-07", "2026-07")))
    with warehouse.connect() as connection:
        assert [r["finding_id"] for r in findings.open_findings(connection)] == [f"unbilled:{SUB}"]


def covered(warehouse: Warehouse, day: date = TODAY) -> list[bool]:
    return [row["acknowledged"] for row in night(warehouse, day).values()]


def acknowledge(warehouse: Warehouse, **changes: Any) -> None:
    with warehouse.connect() as connection:
        (row,) = findings.open_findings(connection)
    known = acknowledgements.acknowledged(row, reason="by hand", who="ada", until=None, today=TODAY)
    acknowledgements.store(warehouse, [replace(known, **changes)])


def test_an_acknowledged_loss_does_not_count_until_its_date_passes(tmp_path: Path) -> None:
    warehouse = UNBILLED.load(tmp_path)
    assert covered(warehouse) == [False]
    acknowledge(warehouse, until=TODAY + timedelta(days=2))
    assert [covered(warehouse, TODAY + timedelta(days=n)) for n in (0, 2, 3)] == [[True], [True], [False]]


@pytest.mark.parametrize(
    ("change", "covers"),
    [
        ("unbilled_money_per_month = 440.004", True),
        ("unbilled_money_per_month = 100", True),
        ("unbilled_money_per_month = 440.01", False),
        ("currency = 'EUR'", False),
        ("verdict = 'line_inactive'", False),
        ("reason = 'another'", True),
    ],
)
def test_an_acknowledgement_covers_what_was_seen_and_no_more(change: str, covers: bool, tmp_path: Path) -> None:
    warehouse = copy_of(unbilled, tmp_path)
    acknowledge(warehouse)
    with warehouse.connect() as connection:
        connection.execute(f"UPDATE reconciled.subscriptions SET {change}")
        connection.execute("UPDATE reconciled.discrepancies SET " + change.replace("unbilled_money_per_month", "stake")
                           .replace("verdict", "kind").replace("reason", "detail"))  # fmt: skip
    assert covered(warehouse, TODAY + timedelta(days=1)) == [covers]


def test_an_amount_that_was_not_known_is_reported_again_once_it_is(tmp_path: Path) -> None:
    warehouse = VendorData(subscriptions=[subscription(billingTerm="Biennial")], licences=[], recurring=[]).load(
        tmp_path
    )
    night(warehouse)
    acknowledge(warehouse)
    assert covered(warehouse) == [True]
    with warehouse.connect() as connection:
        connection.execute("UPDATE reconciled.discrepancies SET stake = 5")
    assert covered(warehouse) == [False]


def test_a_lost_warehouse_does_not_make_old_losses_new(tmp_path: Path) -> None:
    warehouse = UNBILLED.load(tmp_path / "first")
    night(warehouse, TODAY - timedelta(days=40))
    findings.save_copy(warehouse, tmp_path / "backups")
    rebuilt = UNBILLED.load(tmp_path / "second")
    assert findings.load_copy(rebuilt, tmp_path / "backups") == 1
    assert findings.load_copy(rebuilt, tmp_path / "backups") == 0
    assert night(rebuilt)[f"unbilled:{SUB}"]["first_seen"] == TODAY - timedelta(days=40)


def test_a_copy_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / findings.COPY).write_text("not parquet")
    with pytest.raises(PipelineError, match=r"findings\.parquet cannot be read"):
        findings.load_copy(UNBILLED.load(tmp_path), tmp_path)
    release()
