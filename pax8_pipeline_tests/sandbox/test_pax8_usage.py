"""Usage of the emulated Pax8: month-to-date totals, and every shape of "no company assigned" (pax8.md 13, 14)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.sandbox.pax8.switches import UNASSIGNED_SHAPES, Pax8Switches
from pax8_pipeline.sandbox.pax8.usage import DANGLING_COMPANY
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.pax8_http import Pax8Caller, serving

TODAY = date(2026, 8, 20)


@pytest.fixture(scope="module")
def running() -> Iterator[Pax8Caller]:
    world = World(2, TODAY, companies=60, usage=60, unassigned=UNASSIGNED_SHAPES)
    with serving(world) as caller:
        yield caller


@pytest.fixture
def pax8(running: Pax8Caller) -> Pax8Caller:
    running.sandbox.pax8.switches.change(Pax8Switches().to_json())
    return running


def lines(pax8: Pax8Caller, group: str, day: date) -> list[dict[str, Any]]:
    return pax8.all(f"/usage-summaries/{group}/usage-lines", usageDate=day.isoformat())


def groups(pax8: Pax8Caller) -> list[dict[str, Any]]:
    return list(pax8.sandbox.pax8.groups.values())


def listed(pax8: Pax8Caller, group: dict[str, Any]) -> dict[str, Any] | None:
    rows = pax8.all(f"/subscriptions/{group['subscriptionId']}/usage-summaries")
    return next((row for row in rows if row["id"] == group["id"]), None)


@pytest.mark.parametrize("query", [{}, {"usageDate": ""}, {"usageDate": "August"}])
def test_lines_need_a_day(pax8: Pax8Caller, query: dict[str, str]) -> None:
    key = groups(pax8)[0]["id"]
    assert pax8.call(f"/usage-summaries/{key}/usage-lines", **query).status_code == 400


def test_a_days_lines_are_totals_of_the_month_so_far(pax8: Pax8Caller) -> None:
    group = next(one for one in groups(pax8) if not any(part["stops"] for part in one["_products"]))
    days = [date(2026, 8, 1) + timedelta(days=number) for number in range(19)]
    totals = [lines(pax8, group["id"], day)[0]["quantity"] for day in days]
    assert totals == sorted(totals)
    assert len(set(totals)) == len(totals)
    assert lines(pax8, group["id"], date(2026, 7, 31))[0]["quantity"] > totals[0]


def test_today_is_not_posted_yet(pax8: Pax8Caller) -> None:
    key = groups(pax8)[0]["id"]
    assert lines(pax8, key, TODAY) == []
    assert lines(pax8, key, TODAY - timedelta(days=1)) != []


def test_a_summary_is_the_sum_of_each_products_last_posted_line(pax8: Pax8Caller) -> None:
    stopping = [one for one in groups(pax8) if any((part["stops"] or "") > "2026-08-01" for part in one["_products"])]
    assert stopping
    for group in [*stopping[:3], *groups(pax8)[:3]]:
        last: dict[str, dict[str, Any]] = {}
        for number in range(19):
            for line in lines(pax8, group["id"], date(2026, 8, 1) + timedelta(days=number)):
                last[line["productId"]] = line
        if group["_assignment"] == "hidden":
            continue
        summary = pax8.get(f"/usage-summaries/{group['id']}")
        assert summary["partnerTotal"] == sum(line["partnerTotal"] for line in last.values())
        assert summary["currentCharges"] == sum(line["currentCharges"] for line in last.values())


def test_a_key_that_stops_has_no_lines_after_its_last_day(pax8: Pax8Caller) -> None:
    group, part = next(
        (one, part)
        for one in groups(pax8)
        for part in one["_products"]
        if "2026-08-01" < (part["stops"] or "") < "2026-08-18" and one["_assignment"] != "hidden"
    )
    last = date.fromisoformat(part["stops"])
    on, after = (
        {line["productId"] for line in lines(pax8, group["id"], day)} for day in (last, last + timedelta(days=1))
    )
    assert part["productId"] in on
    assert part["productId"] not in after
    assert after


def test_lines_have_fractions_several_products_and_neither_id_nor_company(pax8: Pax8Caller) -> None:
    rows = [
        row
        for group in groups(pax8)[:12]
        if group["_assignment"] != "hidden"
        for row in lines(pax8, group["id"], date(2026, 8, 9))
    ]
    assert any(Decimal(row["quantity"]) % 1 for row in rows)
    assert len({row["productId"] for row in rows}) > 4
    assert {"id", "companyId"}.isdisjoint(set().union(*rows))
    assert {"usageSummaryId" in row for row in rows} == {True, False}
    for row in rows:
        assert row["currentProfit"] == row["currentCharges"] - row["partnerTotal"]


def test_lines_are_narrowed_by_product_and_paged(pax8: Pax8Caller) -> None:
    group = next(one for one in groups(pax8) if len(one["_products"]) > 1)
    path = f"/usage-summaries/{group['id']}/usage-lines"
    wanted = group["_products"][0]["productId"]
    rows = pax8.all(path, usageDate="2026-07-03", productId=wanted.upper())
    assert [row["productId"] for row in rows] == [wanted]
    assert pax8.get(path, usageDate="2026-07-03", size=1)["page"]["size"] == 1


def test_trial_rows_carry_money_all_the_same(pax8: Pax8Caller) -> None:
    trials = [one for one in groups(pax8) if one["isTrial"]]
    assert trials
    summary = pax8.get(f"/usage-summaries/{trials[0]['id']}")
    assert summary["isTrial"] is True
    assert summary["currentCharges"] > 0


@pytest.mark.parametrize("shape", UNASSIGNED_SHAPES)
def test_an_unassigned_group_shows_its_shape_in_the_list_and_by_id(pax8: Pax8Caller, shape: str) -> None:
    group = next(one for one in groups(pax8) if one["_assignment"] == shape)
    row = listed(pax8, group)
    if shape == "hidden":
        assert row is None
        assert pax8.call(f"/usage-summaries/{group['id']}").status_code == 404
        return
    owner = pax8.sandbox.pax8.subscriptions[group["subscriptionId"]]["companyId"]
    wanted = {"missing": "-", "null": None, "owner": owner, "dangling": DANGLING_COMPANY, "empty": ""}[shape]
    assert row is not None
    for shown in (row, pax8.get(f"/usage-summaries/{group['id']}")):
        assert shown.get("companyId", "-") == wanted
        assert shown["resourceGroup"] == group["resourceGroup"]


def test_the_switch_gives_every_unassigned_group_one_shape(pax8: Pax8Caller) -> None:
    pax8.sandbox.pax8.switches.change({"unassigned_shape": "null"})
    for group in groups(pax8):
        if group["_assignment"] != "assigned":
            assert pax8.get(f"/usage-summaries/{group['id']}")["companyId"] is None


def test_an_assigned_group_may_lack_its_company_in_the_list_but_not_by_id(pax8: Pax8Caller) -> None:
    assigned = [one for one in groups(pax8) if one["_assignment"] == "assigned"]
    rows = [listed(pax8, group) for group in assigned]
    assert {"companyId" in (row or {}) for row in rows} == {True, False}
    for group in assigned:
        assert pax8.get(f"/usage-summaries/{group['id']}")["companyId"] == group["companyId"]


def test_a_group_linked_later_keeps_its_id(pax8: Pax8Caller) -> None:
    group = next(one for one in groups(pax8) if one["_assignment"] == "missing")
    company = next(iter(pax8.sandbox.pax8.companies))
    pax8.sandbox.pax8.change_group(group["id"], {"companyId": company, "_assignment": "assigned"})
    assert pax8.get(f"/usage-summaries/{group['id']}")["companyId"] == company
    pax8.sandbox.pax8.change_group(group["id"], {"companyId": None, "_assignment": "missing"})


def test_a_subscription_without_usage_has_an_empty_list(pax8: Pax8Caller) -> None:
    seats = next(key for key in pax8.sandbox.pax8.subscriptions if key not in pax8.sandbox.pax8.groups_of)
    assert pax8.get(f"/subscriptions/{seats}/usage-summaries")["page"]["totalElements"] == 0


def test_the_company_filter_hides_the_unassigned(pax8: Pax8Caller) -> None:
    group = next(one for one in groups(pax8) if one["_assignment"] == "null")
    path = f"/subscriptions/{group['subscriptionId']}/usage-summaries"
    owner = pax8.sandbox.pax8.subscriptions[group["subscriptionId"]]["companyId"]
    assert group["id"] not in {row["id"] for row in pax8.all(path, companyId=owner)}
    assert group["id"] in {row["id"] for row in pax8.all(path)}


def test_daily_azure_lines_add_up_to_the_months_total(pax8: Pax8Caller) -> None:
    group = next(one for one in groups(pax8) if one["_azure"] and not one["_products"][0]["stops"])
    days = [date(2026, 8, 1) + timedelta(days=number) for number in range(19)]
    month_to_date = lines(pax8, group["id"], days[-1])[0]["quantity"]
    pax8.sandbox.pax8.switches.change({"azure_lines": "daily"})
    assert sum(lines(pax8, group["id"], day)[0]["quantity"] for day in days) == month_to_date


@pytest.mark.parametrize(("rollover", "empty"), [("reset", True), ("previous_until_charged", False)])
def test_what_a_summary_holds_on_the_1st_is_switchable(rollover: str, empty: bool) -> None:
    world = World(2, date(2026, 9, 1), companies=20, usage=20)
    world.pax8.switches.change({"rollover": rollover})
    with serving(world) as caller:
        group = next(iter(world.pax8.groups.values()))
        charges = caller.get(f"/usage-summaries/{group['id']}")["currentCharges"]
    assert (charges == 0) is empty


def test_summary_ids_may_change_with_the_month(pax8: Pax8Caller) -> None:
    group = next(one for one in groups(pax8) if one["_assignment"] == "assigned")
    path = f"/subscriptions/{group['subscriptionId']}/usage-summaries"
    stable = {row["id"] for row in pax8.all(path)}
    pax8.sandbox.pax8.switches.change({"summary_ids": "monthly"})
    monthly = {row["id"] for row in pax8.all(path)}
    assert stable.isdisjoint(monthly)
    for key in monthly:
        assert pax8.get(f"/usage-summaries/{key}")["id"] == key


def test_azure_may_vanish_while_it_is_settled() -> None:
    world = World(2, date(2026, 9, 3), companies=20, usage=20)
    azure = next(one for one in world.pax8.groups.values() if one["_azure"])
    with serving(world) as caller:
        assert listed(caller, azure)
        world.pax8.switches.change({"azure_hidden_while_settling": True})
        assert listed(caller, azure) is None


def test_a_late_posting_can_raise_the_last_day_until_the_2nd() -> None:
    early = World(2, date(2026, 8, 31), companies=20, usage=20)
    early.play_day()
    late = World(2, date(2026, 8, 31), companies=20, usage=20)
    late.play_to(date(2026, 9, 2))
    with serving(early) as first, serving(late) as second:
        last = date(2026, 8, 31)
        pairs = [(lines(first, key, last), lines(second, key, last)) for key in early.pax8.groups]
    raised = [a for a, b in pairs for x, y in zip(a, b, strict=True) if y["quantity"] > x["quantity"]]
    assert raised
    assert all(y["quantity"] >= x["quantity"] for a, b in pairs for x, y in zip(a, b, strict=True))
