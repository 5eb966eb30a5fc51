"""A list of Halo is whole, or it is not used, whatever its `record_count` says: docs/vendors/halo.md#lists."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pax8_pipeline.errors import BadAnswer, IncompleteRead
from pax8_pipeline.halo.paging import HaloListRead, parse_list, row_id
from pax8_pipeline.transport.listing import Listing

Row = dict[str, Any]
Served = tuple[Sequence[Row], int | None]
Serve = Callable[[int, int, int], Served]  # (pass, page from 1, size) -> rows, record_count


def rows(number: int) -> list[Row]:
    return [{"id": n + 1} for n in range(number)]


def cut(data: Sequence[Row], page: int, size: int) -> list[Row]:
    return list(data[(page - 1) * size : page * size])


def read(serve: Serve, size: int = 4) -> Listing:
    state = HaloListRead("/Client", size)
    for attempt in range(100):
        current = state.begin()
        while wanted := current.next_pages:
            answers = [serve(attempt, page, current.page_size) for page in wanted]
            current.add([(tuple(found), count) for found, count in answers])
        listing = state.add(current)
        if listing is not None:
            return listing
    raise AssertionError("the read does not end")


def honest(data: Sequence[Row]) -> Serve:
    return lambda attempt, page, size: (cut(data, page, size), len(data))


def ids(listing: Listing) -> list[int]:
    return [row["id"] for row in listing.objects]


@given(st.integers(0, 30), st.integers(1, 9))
def test_an_honest_list_is_read_once_to_its_empty_page(number: int, size: int) -> None:
    listing = read(honest(rows(number)), size)
    assert ids(listing) == list(range(1, number + 1))
    assert listing.expected == number
    if number != size:
        assert listing.requests == -(-number // size) + 1


@pytest.mark.parametrize(("number", "size"), [(50, 100), (100, 100)])
def test_a_count_that_could_be_the_known_lie_is_confirmed_by_a_second_pass(number: int, size: int) -> None:
    listing = read(honest(rows(number)), size)
    assert (len(listing.objects), listing.expected) == (number, number)
    assert listing.requests > -(-number // size) + 1


@pytest.mark.parametrize("number", [0, 1, 2, 7, 49, 50, 51, 120])
@pytest.mark.parametrize("claim", ["fifty", "too_small", "page_size", "rows_of_page", "none"])
def test_a_lying_record_count_neither_stops_nor_spoils_a_read(number: int, claim: str) -> None:
    def serve(attempt: int, page: int, size: int) -> Served:
        found = cut(rows(number), page, size)
        count = {
            "fifty": 50,
            "too_small": number // 2,
            "page_size": size,
            "rows_of_page": len(found),
            "none": None,
        }[claim]
        return found, count

    assert ids(read(serve, 20)) == list(range(1, number + 1))


@pytest.mark.parametrize("cap", [1, 3, 50])
@pytest.mark.parametrize("claim", [120, 50])
def test_a_page_shorter_than_asked_for_does_not_end_the_list(cap: int, claim: int) -> None:
    listing = read(lambda attempt, page, size: (cut(rows(120), page, min(cap, size)), claim), 100)
    assert ids(listing) == list(range(1, 121))


@pytest.mark.parametrize("claim", [9, 4, 50])
def test_a_server_that_repeats_its_last_page_for_ever_shows_no_whole_list(claim: int) -> None:
    def serve(attempt: int, page: int, size: int) -> Served:
        return cut(rows(9), min(page, -(-9 // size)), size), claim

    with pytest.raises(IncompleteRead, match="repeats an earlier one"):
        read(serve, 4)


@pytest.mark.parametrize("claim", [9, 50])
def test_a_server_that_numbers_its_rows_and_does_not_turn_the_pages_shows_no_whole_list(claim: int) -> None:
    with pytest.raises(IncompleteRead, match="does not turn the pages"):
        read(lambda attempt, page, size: (rows(9), claim), 4)


def test_a_lookup_that_names_no_number_comes_whole_each_time() -> None:
    assert ids(read(lambda attempt, page, size: (rows(9), None), 4)) == list(range(1, 10))


def test_a_page_repeated_in_one_pass_is_read_again() -> None:
    def serve(attempt: int, page: int, size: int) -> Served:
        return cut(rows(12), page - 1 if attempt == 0 and page > 2 else page, size), 12

    listing = read(serve, 4)
    assert ids(listing) == list(range(1, 13))
    assert listing.repeats == 0


def test_fewer_rows_than_named_is_incomplete_with_the_numbers() -> None:
    with pytest.raises(IncompleteRead, match=r"8 rows.* names 9.*None of it is used") as caught:
        read(lambda attempt, page, size: (cut(rows(8), page, size), 9), 4)
    assert (caught.value.got, caught.value.expected) == (8, 9)
    assert (caught.value.vendor, caught.value.where) == ("Halo", "GET /Client")


def test_a_list_that_comes_empty_though_rows_are_named_is_incomplete() -> None:
    with pytest.raises(IncompleteRead):
        read(lambda attempt, page, size: ([], 12), 4)


@pytest.mark.parametrize("claim", [1, 50])
def test_pages_that_come_empty_twice_do_not_make_an_empty_list(claim: int) -> None:
    def serve(attempt: int, page: int, size: int) -> Served:
        return ([] if attempt < 2 else cut(rows(claim), page, size)), claim

    with suppress(IncompleteRead):  # three passes that do not agree are as good an end
        assert ids(read(serve, 2)) == list(range(1, claim + 1))


def test_an_empty_page_in_the_middle_is_read_again() -> None:
    def serve(attempt: int, page: int, size: int) -> Served:
        return ([] if (attempt, page) == (0, 2) else cut(rows(12), page, size)), 12

    assert ids(read(serve, 4)) == list(range(1, 13))


def test_a_row_deleted_while_pages_are_read_makes_the_list_be_read_again() -> None:
    """Page 1 of 9 rows, then row 1 goes: row 5 slips onto page 1, and the count of distinct ids would still fit."""

    def serve(attempt: int, page: int, size: int) -> Served:
        data = rows(9) if (attempt, page) == (0, 1) else rows(9)[1:]
        return cut(data, page, size), len(data)

    assert ids(read(serve, 4)) == list(range(2, 10))


@given(st.integers(0, 60), st.integers(1, 9), st.integers(0, 2**32), st.floats(0, 1))
def test_with_an_honest_count_a_listing_holds_every_row_or_there_is_none(
    number: int, size: int, seed: int, mischief: float
) -> None:
    dice = random.Random(seed)
    data = rows(number)

    def serve(attempt: int, page: int, size: int) -> Served:
        if dice.random() >= mischief:
            return cut(data, page, size), number
        kind = dice.choice(["short", "shift", "empty", "repeat"])
        if kind == "short":
            return cut(data, page, size)[:-1], number
        if kind == "shift":
            start = max(0, (page - 1) * size - 1)
            return data[start : start + size], number
        return ([] if kind == "empty" else cut(data, max(1, page - 1), size)), number

    try:
        listing = read(serve, size)
    except IncompleteRead:
        return
    if number == 50 and not listing.objects:
        return  # three passes without a row, and the number Halo is known to name for any list: nobody could tell
    assert sorted(ids(listing)) == list(range(1, number + 1))


@pytest.mark.parametrize("claim", [50, 5])
@pytest.mark.parametrize("number", [10, 49, 50, 51, 90])
def test_a_fault_at_the_edge_of_pages_is_not_hidden_by_a_lying_count(number: int, claim: int) -> None:
    def serve(attempt: int, page: int, size: int) -> Served:
        return cut(rows(number), page, size)[:-1], claim

    with pytest.raises(IncompleteRead):
        read(serve, 100)


def test_rows_after_an_empty_page_are_not_ignored() -> None:
    def serve(attempt: int, page: int, size: int) -> Served:
        return {1: rows(2), 2: rows(6)[2:], 4: [{"id": 7}]}.get(page, []), 6

    with pytest.raises(IncompleteRead):
        read(serve, 2)


def test_a_row_served_on_two_pages_is_taken_from_the_later() -> None:
    def serve(attempt: int, page: int, size: int) -> Served:
        return {1: [{"id": 1, "count": 1}, {"id": 2}], 2: [{"id": 1, "count": 2}]}.get(page, []), 2

    listing = read(serve, 2)
    assert {row["id"]: row.get("count") for row in listing.objects} == {1: 2, 2: None}
    assert listing.repeats == 1


def test_negative_ids_are_ids() -> None:
    assert ids(read(honest([{"id": -94}, {"id": -95}]), 4)) == [-94, -95]


@pytest.mark.parametrize(("value", "found"), [(7, 7), (-94, -94), ("12", 12), ("x", None), (None, None), (True, None)])
def test_what_is_an_id(value: Any, found: int | None) -> None:
    assert row_id({"id": value}) == found


def test_a_row_without_an_id_cannot_be_counted() -> None:
    with pytest.raises(BadAnswer, match="no id"):
        read(honest([{"name": "x"}]), 4)


@pytest.mark.parametrize(
    ("body", "key", "found"),
    [
        ([{"id": 1}], "clients", (({"id": 1},), None)),
        ({"record_count": 3, "clients": [{"id": 1}]}, "clients", (({"id": 1},), 3)),
        ({"record_count": 0, "clients": None}, "clients", ((), 0)),
    ],
)
def test_a_list_is_bare_or_under_its_key(body: Any, key: str, found: Any) -> None:
    assert parse_list(body, key, "GET /x") == found


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"record_count": 0}, "clients"),
        ({"record_count": 1, "customers": [{"id": 1}]}, "clients"),
        ({"clients": {}}, "clients"),
        ({"clients": ["x"]}, "clients"),
        (None, "clients"),
        ("text", "clients"),
    ],
)
def test_a_missing_key_is_an_error_never_an_empty_list(body: Any, key: str) -> None:
    with pytest.raises(BadAnswer):
        parse_list(body, key, "GET /x")
