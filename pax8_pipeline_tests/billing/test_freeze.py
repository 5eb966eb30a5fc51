"""Around the day on which Halo makes a recurring invoice changes of its lines wait, where the policy says so."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.planning.context import PlanContext
from pax8_pipeline.billing.planning.planner import make_plan
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline_tests.support.many_cases import plan_many
from pax8_pipeline_tests.support.vendor_data import (
    SUB,
    TODAY,
    VendorData,
    invoice,
    licence,
    line,
    manual_line,
    plan_context,
    planned,
    subscription,
)

Row = dict[str, Any]
FREEZE = Policy.model_validate({"freeze": {"days_before": 3, "days_after": 2}})


def more_seats(**on_invoice: Any) -> VendorData:
    return VendorData(subscriptions=[subscription(quantity=25)], recurring=[invoice([line()], **on_invoice)])


def made_on(day: date | str, time: str = "00:00:00") -> VendorData:
    return more_seats(nextcreationdate=f"{day}T{time}")


def rows_of(cases: dict[str, VendorData], tmp_path: Path, policy: Policy = FREEZE) -> dict[str, Row]:
    return {name: found[0] for name, found in plan_many(cases, tmp_path, policy).items()}


def test_a_change_waits_from_so_many_days_before_the_invoice_until_so_many_after_it(tmp_path: Path) -> None:
    day = timedelta(days=1)
    cases = {
        "before the window": made_on(TODAY + 4 * day),
        "first day": made_on(TODAY + 3 * day),
        "the day itself": made_on(TODAY),
        "last day": made_on(TODAY - 2 * day),
        "after the window": made_on(TODAY - 3 * day),
        "made, and its date moved on": more_seats(
            nextcreationdate=f"{TODAY + 29 * day}T00:00:00", lastcreated=f"{TODAY - 2 * day}T00:00:00"
        ),
        "made long ago": more_seats(
            nextcreationdate=f"{TODAY + 28 * day}T00:00:00", lastcreated=f"{TODAY - 3 * day}T00:00:00"
        ),
        "never made": more_seats(nextcreationdate="1900-01-01T00:00:00", lastcreated="1900-01-01T00:00:00"),
        # Halo's dates are days: the time of day, and its zone, move nothing.
        "late on the day before the window": made_on(TODAY + 4 * day, "23:59:59"),
        "late on the last day": made_on(TODAY - 2 * day, "23:59:59Z"),
    }
    rows = rows_of(cases, tmp_path)
    waits = {name: row["reason"] == "freeze_window" for name, row in rows.items()}
    assert [name for name, waiting in waits.items() if waiting] == [
        "first day", "the day itself", "last day", "made, and its date moved on", "late on the last day",
    ]  # fmt: skip
    assert {row["class"] for name, row in rows.items() if waits[name]} == {"needs_approval"}
    assert {row["class"] for name, row in rows.items() if not waits[name]} == {"safe"}
    first = rows["first day"]
    assert (first["verdict"], first["action"]) == ("increase", "set_licence_count")
    assert f"it goes on by itself on {TODAY + 6 * day}" in first["sentence"]
    assert "goes on" not in rows["before the window"]["sentence"]


@pytest.mark.parametrize(
    ("made", "today", "goes_on"),
    [
        ("2028-03-01", "2028-02-27", "2028-03-04"),  # a leap year has one day more in between
        ("2027-03-01", "2027-02-26", "2027-03-04"),
        ("2028-02-29", "2028-03-02", "2028-03-03"),
        ("2027-01-31", "2027-02-02", "2027-02-03"),
        ("2027-12-31", "2028-01-02", "2028-01-03"),
    ],
)
def test_the_window_counts_days_over_month_ends_and_leap_days(
    made: str, today: str, goes_on: str, tmp_path: Path
) -> None:
    warehouse = made_on(made).load(tmp_path)
    reasons = {}
    for day in (date.fromisoformat(today), date.fromisoformat(goes_on)):
        context = plan_context(policy=FREEZE)
        values = {**vars(context), "today": day, "made_at": context.made_at + (day - TODAY)}
        plan = make_plan(warehouse, PlanContext(**values))
        with warehouse.connect() as connection:
            found = snapshots.dicts(connection.execute("FROM billing.plan WHERE plan_id = ?", [plan.plan_id]))
        reasons[day.isoformat()] = found[0]["reason"]
    assert reasons == {today: "freeze_window", goes_on: "increase"}


def test_without_a_freeze_in_the_policy_nothing_waits(tmp_path: Path) -> None:
    row = planned(made_on(TODAY).load(tmp_path))[0]
    assert (row["class"], row["reason"]) == ("safe", "increase")


def test_what_waits_for_a_person_anyway_waits_for_the_window_too(tmp_path: Path) -> None:
    at_once = {"nextcreationdate": f"{TODAY}T00:00:00"}
    cases = {
        "to zero": VendorData(subscriptions=[subscription(quantity=0)], recurring=[invoice([line()], **at_once)]),
        "nothing to write": VendorData(recurring=[invoice([line()], **at_once)]),
    }
    rows = rows_of(cases, tmp_path)
    assert (rows["to zero"]["class"], rows["to zero"]["reason"]) == ("needs_approval", "freeze_window")
    assert (rows["nothing to write"]["class"], rows["nothing to write"]["reason"]) == ("no_op", "in_step")


@pytest.mark.parametrize(("mode", "reason"), [("propose", "trust_propose"), ("approve", "freeze_window")])
def test_a_client_whose_changes_a_person_applies_is_not_written_by_night_in_the_window(
    mode: str, reason: str, tmp_path: Path
) -> None:
    policy = Policy.model_validate({**FREEZE.model_dump(), "trust": {"default": mode}})
    row = planned(made_on(TODAY).load(tmp_path, policy=policy), policy=policy)[0]
    assert (row["class"], row["reason"]) == ("needs_approval", reason)
    assert "in the freeze window" in row["sentence"]


# What Halo adds for a part of the period: on 20 August 10 of its 31 days are left.
PERIOD = {"nextcreationdate": "2026-08-30T00:00:00", "period_start_date": "2026-07-30T00:00:00"}


def change(quantity: int, **changes: Any) -> VendorData:
    return VendorData(
        subscriptions=[subscription(quantity=quantity)], recurring=[invoice([line()], **PERIOD, **changes)]
    )


def manual(quantity: int) -> VendorData:
    return VendorData(
        subscriptions=[subscription(quantity=quantity)],
        licences=[],
        recurring=[invoice([manual_line()], **PERIOD)],
        subscription_map=[(SUB, -94, 24967, None)],
    )


def without_pro_rata() -> VendorData:
    link = {"id": 901, "licence_id": 4127, "qty_free": 0, "minimum_qty": 0, "kind": 4, "pro_rata": 0}
    lines = [line(quantity_subscriptions=[link])]
    return VendorData(subscriptions=[subscription(quantity=25)], recurring=[invoice(lines, **PERIOD)])


def test_the_plan_says_which_part_period_entry_halo_will_add(tmp_path: Path) -> None:
    cases = {
        "more": change(25),
        "fewer": change(15),
        "same": change(20),
        "in arrears": change(25, invoice_prorata_periods_ahead=0),
        "typed in by hand": manual(25),
        "a link without pro rata": without_pro_rata(),
        "no dates": VendorData(subscriptions=[subscription(quantity=25)]),
        "an ended line": VendorData(
            subscriptions=[subscription(status="Cancelled", endDate="2026-08-19")],
            licences=[licence()],
            recurring=[invoice([line()], **PERIOD)],
        ),
    }
    rows = rows_of(cases, tmp_path, Policy())
    notes = {name: row["sentence"].partition("part-period entry of about ")[2] for name, row in rows.items()}
    # 5 seats at 22.00, 10 of 31 days
    assert {name: note for name, note in notes.items() if note} == {
        "more": "35.48 USD for 10 of 31 days", "fewer": "-35.48 USD for 10 of 31 days",
    }  # fmt: skip
    assert {row["money_per_month"] for name, row in rows.items() if name in ("more", "typed in by hand")} == {
        Decimal(110)
    }


def test_a_negative_part_period_entry_that_is_not_wanted_waits_for_a_person(tmp_path: Path) -> None:
    unwanted = Policy.model_validate({"pro_rata": {"negative": False}})
    rows = rows_of({"more": change(25), "fewer": change(15), "by hand": manual(15)}, tmp_path, unwanted)
    decided = {name: (row["class"], row["reason"]) for name, row in rows.items()}
    assert decided == {
        "more": ("safe", "increase"),
        "fewer": ("needs_approval", "negative_pro_rata"),
        "by hand": ("safe", "decrease"),
    }
    assert "pro_rata.negative is false" in rows["fewer"]["sentence"]
