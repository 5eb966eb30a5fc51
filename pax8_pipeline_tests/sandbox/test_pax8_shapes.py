"""How rows of the emulated Pax8 are spelt: the wild shapes of pax8.md 7 to 9, 15 and 16."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.sandbox.pax8.switches import Pax8Switches
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.pax8_http import Pax8Caller, serving

ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
BARE = re.compile(r"\d{4}-\d\d-\d\d")
NO_COLON = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}")
COLON = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")


@pytest.fixture(scope="module")
def running() -> Iterator[Pax8Caller]:
    with serving(World.demo()) as caller:
        yield caller


@pytest.fixture
def pax8(running: Pax8Caller) -> Pax8Caller:
    running.sandbox.pax8.switches.change(Pax8Switches().to_json())
    return running


def subscriptions(pax8: Pax8Caller) -> list[dict[str, Any]]:
    return pax8.all("/subscriptions", sort="createdDate,asc")


def test_dates_come_in_both_spellings_and_keep_their_day(pax8: Pax8Caller) -> None:
    stored = pax8.sandbox.pax8.subscriptions
    styles = set()
    for row in subscriptions(pax8):
        styles.add("zulu" if ZULU.fullmatch(row["startDate"]) else "bare")
        assert ZULU.fullmatch(row["startDate"]) or BARE.fullmatch(row["startDate"])
        assert row["startDate"][:10] == stored[row["id"]]["startDate"]
    assert styles == {"zulu", "bare"}


def test_moments_carry_offsets_of_every_form_and_mean_the_same_instant(pax8: Pax8Caller) -> None:
    stored = pax8.sandbox.pax8.subscriptions
    forms = set()
    for row in subscriptions(pax8):
        text = row["createdDate"]
        forms |= {name for name, form in (("Z", ZULU), ("-0700", NO_COLON), ("-07:00", COLON)) if form.fullmatch(text)}
        instant = datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
        assert instant == datetime.fromisoformat(stored[row["id"]]["createdDate"])
    assert forms == {"Z", "-0700", "-07:00"}


def test_optional_members_are_missing_here_and_null_there(pax8: Pax8Caller) -> None:
    rows = subscriptions(pax8)
    open_ended = [row for row in rows if not pax8.sandbox.pax8.subscriptions[row["id"]]["endDate"]]
    assert {"endDate" in row for row in open_ended} == {True, False}
    assert all(row.get("endDate") is None for row in open_ended)
    assert {"partnerCost" in row for row in rows} == {True, False}
    assert {"updatedDate" in row for row in rows} == {True, False}
    assert {"phone" in row for row in pax8.all("/companies")} == {True, False}


def test_one_subscription_has_what_its_list_row_lacks(pax8: Pax8Caller) -> None:
    lacking = next(row for row in subscriptions(pax8) if "partnerCost" not in row)
    single = pax8.get(f"/subscriptions/{lacking['id']}")
    assert {"partnerCost", "vendorSkuId"} <= single.keys()


@pytest.mark.parametrize(
    ("style", "names"),
    [
        ("mixed", {"commitmentTerm", "commitment", "commitmentTermEndDate"}),
        ("commitmentTerm", {"commitmentTerm"}),
        ("commitment", {"commitment"}),
        ("flat", {"commitmentTermEndDate"}),
    ],
)
def test_a_commitment_goes_by_three_names(pax8: Pax8Caller, style: str, names: set[str]) -> None:
    pax8.sandbox.pax8.switches.change({"commitment_key": style})
    found = set()
    for row in subscriptions(pax8):
        held = {name for name in row if name.startswith("commitment") and row[name]}
        assert bool(held) == bool(pax8.sandbox.pax8.subscriptions[row["id"]]["commitment"])
        found |= held
    assert found == names


def test_unknown_words_go_out_as_they_are(pax8: Pax8Caller) -> None:
    rows = subscriptions(pax8)
    assert "Biennial-Plus" in {row["billingTerm"] for row in rows}
    assert "Hibernating" in {row["status"] for row in rows}


def test_ids_may_be_written_in_upper_case(pax8: Pax8Caller) -> None:
    pax8.sandbox.pax8.switches.change({"id_case": "mixed"})
    ids = [row["id"] for row in subscriptions(pax8)]
    assert any(key != key.lower() for key in ids)
    assert {key.lower() for key in ids} == set(pax8.sandbox.pax8.subscriptions)


def test_whole_money_is_written_without_a_fraction(pax8: Pax8Caller) -> None:
    text = pax8.call("/subscriptions", sort="price,asc", size=200).text
    assert re.search(r'"price":\d+,', text)
    assert not re.search(r'"(price|partnerCost)":\d+\.\d*0[,}]', text)


def test_history_is_whole_snapshots_newest_first_without_paging(pax8: Pax8Caller) -> None:
    event = next(event for event in pax8.sandbox.world.story if event.kind == "increase")
    answer = pax8.get(f"/subscriptions/{event.subscription_id}/history")
    assert answer.keys() == {"content"}
    quantities = [row["quantity"] for row in answer["content"]]
    assert quantities[:2] == [event.after["quantity"], event.before["quantity"]]
    assert {row["id"] for row in answer["content"]} == {event.subscription_id}


def test_pricing_has_no_paging_and_no_currency(pax8: Pax8Caller) -> None:
    product = next(row for row in pax8.sandbox.pax8.products.values() if row["_kind"] == "suite")
    answer = pax8.get(f"/products/{product['id']}/pricing")
    assert answer.keys() == {"content"}
    assert [row["billingTerm"] for row in answer["content"]] == ["Monthly", "Annual", "3-Year"]
    assert "currencyCode" not in str(answer)
    assert answer["content"][1]["rates"][0]["partnerBuyRate"] == product["_cost"] * 12


def test_dependencies_are_a_bare_object(pax8: Pax8Caller) -> None:
    key = next(iter(pax8.sandbox.pax8.products))
    assert pax8.get(f"/products/{key}/dependencies").keys() == {"commitmentDependencies", "productDependencies"}


def test_numbers_are_exact(pax8: Pax8Caller) -> None:
    stored = pax8.sandbox.pax8.subscriptions
    assert all(Decimal(row["price"]) == stored[row["id"]]["price"] for row in subscriptions(pax8))
