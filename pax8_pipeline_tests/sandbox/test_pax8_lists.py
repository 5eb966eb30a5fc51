"""Paging, sorting and filtering of the emulated Pax8 (pax8.md 3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from pax8_pipeline.sandbox.pax8.switches import Pax8Switches
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.pax8_http import Pax8Caller, serving


@pytest.fixture(scope="module")
def running() -> Iterator[Pax8Caller]:
    with serving(World(2, date(2026, 8, 20), companies=45)) as caller:
        yield caller


@pytest.fixture
def pax8(running: Pax8Caller) -> Pax8Caller:
    running.sandbox.pax8.switches.change(Pax8Switches().to_json())
    running.sandbox.pax8.touch()
    return running


def turn(pax8: Pax8Caller, **switches: Any) -> None:
    pax8.sandbox.pax8.switches.change(switches)


def test_a_page_holds_ten_unless_asked(pax8: Pax8Caller) -> None:
    answer = pax8.get("/companies", sort="name,asc")
    total = len(pax8.sandbox.pax8.companies)
    assert len(answer["content"]) == 10
    assert answer["page"] == {"size": 10, "totalElements": total, "totalPages": -(-total // 10), "number": 0}


def test_sorted_pages_together_are_the_list(pax8: Pax8Caller) -> None:
    rows = pax8.all("/subscriptions", sort="createdDate,asc")
    assert {row["id"] for row in rows} == set(pax8.sandbox.pax8.subscriptions)
    assert len(rows) == len(pax8.sandbox.pax8.subscriptions)
    created = [pax8.sandbox.pax8.subscriptions[row["id"]]["createdDate"] for row in rows]
    assert created == sorted(created)


def test_without_a_sort_every_request_has_another_order(pax8: Pax8Caller) -> None:
    first = [row["id"] for row in pax8.get("/subscriptions", size=100)["content"]]
    second = [row["id"] for row in pax8.get("/subscriptions", size=100)["content"]]
    assert first != second
    turn(pax8, unsorted_order="stable")
    assert pax8.get("/subscriptions", size=100) == pax8.get("/subscriptions", size=100)


def test_a_sort_the_list_does_not_have_is_no_sort(pax8: Pax8Caller) -> None:
    first = pax8.get("/subscriptions", size=100, sort="updatedDate,asc")["content"]
    assert first != pax8.get("/subscriptions", size=100, sort="updatedDate,asc")["content"]


def test_descending_is_the_other_way_round_and_missing_values_come_last(pax8: Pax8Caller) -> None:
    rows = pax8.all("/subscriptions", sort="endDate,desc")
    ends = [pax8.sandbox.pax8.subscriptions[row["id"]]["endDate"] for row in rows]
    filled = [end for end in ends if end]
    assert filled
    assert ends == sorted(filled, reverse=True) + [None] * (len(ends) - len(filled))


def test_equal_rows_may_change_places(pax8: Pax8Caller) -> None:
    turn(pax8, sorted_ties="shuffled")
    pages = [[row["id"] for row in pax8.get("/companies", size=40, sort="country,asc")["content"]] for _ in range(2)]
    assert pages[0] != pages[1]


@pytest.mark.parametrize(("style", "size"), [("clamp", 200), ("honour", 1000)])
def test_over_the_maximum_the_page_says_what_it_holds(pax8: Pax8Caller, style: str, size: int) -> None:
    turn(pax8, over_max=style)
    answer = pax8.get("/subscriptions", size=1000)
    assert answer["page"]["size"] == size
    assert len(answer["content"]) == min(size, len(pax8.sandbox.pax8.subscriptions))


def test_over_the_maximum_may_be_refused(pax8: Pax8Caller) -> None:
    turn(pax8, over_max="400")
    assert pax8.call("/subscriptions", size=201).status_code == 400
    assert pax8.call("/subscriptions", size=200).status_code == 200


@pytest.mark.parametrize("query", [{"page": -1}, {"size": 0}, {"page": "x"}, {"size": "x"}])
def test_paging_that_cannot_be_is_400(pax8: Pax8Caller, query: dict[str, Any]) -> None:
    answer = pax8.call("/companies", **query)
    assert answer.status_code == 400
    assert answer.json()["type"] == "BAD_REQUEST"


def test_a_page_behind_the_last_is_empty_with_the_same_totals(pax8: Pax8Caller) -> None:
    answer = pax8.get("/companies", page=99, size=200)
    assert answer["content"] == []
    assert answer["page"]["totalElements"] == len(pax8.sandbox.pax8.companies)


def test_unknown_parameters_are_ignored_even_with_nonsense(pax8: Pax8Caller) -> None:
    total = len(pax8.sandbox.pax8.companies)
    assert pax8.get("/companies", externalId="42", stauts="Nope")["page"]["totalElements"] == total
    assert pax8.get("/invoices", billingPeriod="1999-01")["page"]["totalElements"] > 0


def test_known_filters_filter(pax8: Pax8Caller) -> None:
    rows = pax8.all("/subscriptions", status="Cancelled")
    assert rows
    assert {row["status"] for row in rows} == {"Cancelled"}
    company = rows[0]["companyId"]
    assert {row["companyId"] for row in pax8.all("/subscriptions", companyId=company.upper())} == {company}
    assert {row["status"] for row in pax8.all("/companies", status="Deleted")} == {"Deleted"}


def test_deleted_companies_may_be_hidden_unless_asked_for(pax8: Pax8Caller) -> None:
    assert "Deleted" in {row["status"] for row in pax8.all("/companies")}
    turn(pax8, deleted_companies="hidden")
    assert "Deleted" not in {row["status"] for row in pax8.all("/companies")}
    assert pax8.all("/companies", status="Deleted")


def test_invoices_are_filtered_by_an_inclusive_range(pax8: Pax8Caller) -> None:
    rows = pax8.all("/invoices", invoiceDateRangeStart="2026-07-01", invoiceDateRangeEnd="2026-08-01")
    assert {row["invoiceDate"] for row in rows} == {"2026-07-01", "2026-08-01"}


@pytest.mark.parametrize(
    ("style", "on_invoices", "elsewhere"),
    [("omit_on_invoices", False, True), ("omit", False, False), ("keep", True, True)],
)
def test_an_empty_list_may_have_no_content(pax8: Pax8Caller, style: str, on_invoices: bool, elsewhere: bool) -> None:
    turn(pax8, empty_content=style)
    invoices = pax8.get("/invoices", invoiceDate="1999-01-01")
    orders = pax8.get("/orders")
    assert ("content" in invoices, "content" in orders) == (on_invoices, elsewhere)
    assert (invoices["page"]["totalElements"], invoices["page"]["totalPages"]) == (0, 0)


def test_a_row_that_comes_in_between_pages_shifts_the_rest(pax8: Pax8Caller) -> None:
    turn(pax8, insert_between_pages="subscriptions")
    store = pax8.sandbox.pax8
    query = {"sort": "createdDate,asc", "size": 100}
    first, second = (pax8.get("/subscriptions", page=number, **query) for number in (0, 1))
    assert second["page"]["totalElements"] == first["page"]["totalElements"] + 1 == len(store.subscriptions)
    assert second["content"][0]["id"] == first["content"][-1]["id"]
    oldest = min(store.subscriptions.values(), key=lambda row: row["createdDate"])["id"]
    assert oldest not in {row["id"] for row in first["content"] + second["content"]}
    assert pax8.get("/subscriptions", page=0, **query)["content"][0]["id"] == oldest


def test_products_are_searched_by_name(pax8: Pax8Caller) -> None:
    rows = pax8.all("/products", search="backup", vendorName="Stratum")
    assert [row["name"] for row in rows] == ["Stratum 365 Backup"]
