"""A list of Pax8 is whole, or it is not used: docs/vendors/pax8.md#lists."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pax8_pipeline.errors import BadAnswer, IncompleteRead
from pax8_pipeline.pax8.paging import Page, Pax8ListRead, parse_page, row_id
from pax8_pipeline.transport.listing import Listing

Row = dict[str, Any]
Serve = Callable[[int, int, int], tuple[Sequence[Row], int]]  # (attempt, page, size) -> rows, totalElements


def rows(number: int, first: int = 0) -> list[Row]:
    return [{"id": f"ID-{n}", "n": n} for n in range(first, first + number)]


def read(serve: Serve, size: int = 4) -> Listing:
    """Read as the client does, pages in order."""
    state = Pax8ListRead("/subscriptions", size)
    for attempt in range(100):
        size = state.page_size
        pages: list[Page] = []
        while not pages or len(pages) < pages[0].pages:
            found, total = serve(attempt, len(pages), size)
            pages.append(Page(tuple(found), total, size, -(-total // size)))
        listing = state.add(pages)
        if listing is not None:
            return listing
    raise AssertionError("the read does not end")


def cut(data: Sequence[Row], page: int, size: int) -> list[Row]:
    return list(data[page * size : (page + 1) * size])


def steady(data: Sequence[Row]) -> Serve:
    return lambda attempt, page, size: (cut(data, page, size), len(data))


@given(st.integers(0, 30), st.integers(1, 9))
def test_a_list_that_stands_still_is_read_once_and_whole(number: int, size: int) -> None:
    listing = read(steady(rows(number)), size)
    assert list(listing.objects) == rows(number)
    assert (listing.expected, listing.repeats) == (number, 0)
    assert listing.requests == max(1, -(-number // size))


@given(st.integers(0, 40), st.integers(1, 9), st.integers(0, 2**32), st.floats(0, 1))
def test_whatever_goes_wrong_a_listing_holds_every_row_or_there_is_none(
    number: int, size: int, seed: int, mischief: float
) -> None:
    """Rows dropped from pages, pages shifted, orders shuffled: never a part that looks whole."""
    data = rows(number)
    dice = random.Random(seed)

    def serve(attempt: int, page: int, size: int) -> tuple[list[Row], int]:
        if dice.random() >= mischief:
            return cut(data, page, size), number
        kind = dice.choice(["short", "shift", "shuffle", "empty", "total"])
        if kind == "short":
            return cut(data, page, size)[:-1], number
        if kind == "shift":
            start = max(0, page * size - 1)
            return data[start : start + size], number
        if kind == "shuffle":
            return cut(dice.sample(data, number), page, size), number
        return ([], number) if kind == "empty" else (cut(data, page, size), number + 1)

    try:
        listing = read(serve, size)
    except IncompleteRead:
        return
    assert sorted(row["n"] for row in listing.objects) == list(range(number))


@given(st.integers(0, 25), st.integers(1, 9), st.integers(0, 2**32), st.floats(0, 1))
def test_rows_without_ids_are_all_kept_or_there_is_no_listing(
    number: int, size: int, seed: int, mischief: float
) -> None:
    data = [{"n": n} for n in range(number)]
    dice = random.Random(seed)

    def serve(attempt: int, page: int, size: int) -> tuple[list[Row], int]:
        if dice.random() >= mischief:
            return cut(data, page, size), number
        if dice.random() < 0.5:
            return cut(data, page, size)[:-1], number
        start = max(0, page * size - 1)
        return data[start : start + size], number

    try:
        listing = read(serve, size)
    except IncompleteRead:
        return
    assert sorted(row["n"] for row in listing.objects) == list(range(number))


def test_equal_rows_without_ids_are_kept_as_often_as_they_are_served() -> None:
    data = [{"n": 1}] * 3 + [{"n": 2}]
    assert list(read(steady(data), 10).objects) == data


def test_equal_rows_without_ids_on_different_pages_are_proven_by_pages_of_another_size() -> None:
    data = [{"n": n // 2} for n in range(11)]
    listing = read(steady(data), 5)
    assert list(listing.objects) == data
    assert listing.requests == 3 + 3


def overlapping(data: list[Row]) -> Serve:
    """Every page begins with the last row of the page before, and lacks its own last row."""
    return lambda attempt, page, size: (data[max(0, page * size - 1) :][:size], len(data))


@pytest.mark.parametrize("data", [rows(9), [{"n": n} for n in range(9)]])
def test_pages_that_always_overlap_are_collected_by_pages_of_another_size(data: list[Row]) -> None:
    assert sorted(map(str, read(overlapping(data), 5).objects)) == sorted(map(str, data))


def test_equal_rows_without_ids_on_pages_that_always_overlap_are_never_believed() -> None:
    """Two equal items, and one more that is the neighbour's served again: nobody could tell."""
    data = [{"n": n // 3} for n in range(9)]
    with pytest.raises(IncompleteRead):
        read(overlapping(data), 4)


def test_two_attempts_with_pages_of_the_same_size_prove_nothing() -> None:
    """A server that keeps to pages of its own overlaps in the same places every time."""
    data = [{"n": n // 3} for n in range(9)]
    pages = [Page(tuple(rows), 9, 4, 3) for rows in (data[:4], data[3:7], data[7:8])]
    state = Pax8ListRead("/x", 4)
    assert [state.add(pages) for _ in range(2)] == [None, None]
    with pytest.raises(IncompleteRead):
        state.add(pages)


def test_a_row_that_never_comes_is_incomplete_with_the_numbers() -> None:
    asked: set[int] = set()

    def serve(attempt: int, page: int, size: int) -> tuple[list[Row], int]:
        asked.add(attempt)
        return cut(rows(8), page, size), 9

    with pytest.raises(IncompleteRead, match=r"8 rows.* names 9.*None of it is used") as caught:
        read(serve, 4)
    assert (caught.value.got, caught.value.expected) == (8, 9)
    assert (caught.value.vendor, caught.value.where) == ("Pax8", "GET /subscriptions")
    assert len(asked) == 3


def test_a_row_that_slips_in_between_pages_makes_the_list_be_read_again() -> None:
    before, after = rows(8), rows(9)[::-1]

    def serve(attempt: int, page: int, size: int) -> tuple[list[Row], int]:
        data = before if (attempt, page) == (0, 0) else after
        return cut(data, page, size), len(data)

    listing = read(serve, 4)
    assert len(listing.objects) == 9
    assert listing.requests > 3


def test_a_list_that_never_stands_still_is_incomplete() -> None:
    def serve(attempt: int, page: int, size: int) -> tuple[list[Row], int]:
        return cut(rows(20), page, size), 8 + page

    with pytest.raises(IncompleteRead, match="did not agree"):
        read(serve, 4)


def test_attempts_with_the_same_total_complete_each_other_and_the_later_reading_wins() -> None:
    def serve(attempt: int, page: int, size: int) -> tuple[list[Row], int]:
        seen = [{**row, "attempt": attempt} for row in rows(6)]
        del seen[2 * attempt]  # each attempt misses another row
        return seen, 6

    listing = read(serve, 10)
    assert sorted(row["n"] for row in listing.objects) == list(range(6))
    assert {row["n"]: row["attempt"] for row in listing.objects} == {0: 1, 1: 1, 2: 0, 3: 1, 4: 1, 5: 1}


def test_a_list_in_another_order_each_time_is_read_until_all_ids_have_come() -> None:
    data = rows(24)
    dice = random.Random(7)
    listing = read(lambda attempt, page, size: (cut(dice.sample(data, 24), page, size), 24), 6)
    assert {row["n"] for row in listing.objects} == set(range(24))


def test_attempts_with_different_totals_do_not_complete_each_other() -> None:
    """What was there at first may be gone: six rows seen over time are not the six that are there now."""

    def serve(attempt: int, page: int, size: int) -> tuple[list[Row], int]:
        return (rows(4), 5) if attempt == 0 else (rows(5, first=1), 6)

    with pytest.raises(IncompleteRead):
        read(serve, 10)


@pytest.mark.parametrize("named", [0, 12, 24])
def test_rows_without_ids_in_another_order_each_time_are_collected_too(named: int) -> None:
    data = [{"n": n, "id": f"i{n}"} if n < named else {"n": n // 2} for n in range(24)]
    dice = random.Random(named)
    listing = read(lambda attempt, page, size: (cut(dice.sample(data, 24), page, size), 24), 10)
    assert sorted(map(str, listing.objects)) == sorted(map(str, data))


def test_two_rows_that_truly_share_an_id_reach_the_check_for_duplicate_keys() -> None:
    twins = [*rows(6), {"id": "id-0", "n": 99}]
    for size in (10, 4):
        listing = read(steady(twins), size)
        assert [row["n"] for row in listing.objects] == [0, 1, 2, 3, 4, 5, 99]


def test_an_id_is_the_same_in_capitals() -> None:
    assert row_id({"id": "AbC-1"}) == row_id({"id": " aBc-1"})
    assert row_id({"id": ""}) is row_id({"id": None}) is row_id({}) is None


@pytest.mark.parametrize(
    ("page", "pages"),
    [
        ({"size": 200, "totalElements": 450, "totalPages": 3}, 3),
        ({"size": 10, "totalElements": 45, "totalPages": 5}, 5),  # the size that came back, not the one asked for
        ({"size": 200, "totalElements": 0, "totalPages": 0}, 1),
        ({"size": 200, "totalElements": 1, "totalPages": 0}, 1),
        ({"size": 10, "totalElements": 45}, 5),
        ({"totalElements": 5, "totalPages": 1}, 3),  # no size: two rows came, so five need three pages
        ({"size": 10, "totalElements": 3, "totalPages": 10**9}, 3),
    ],
)
def test_how_many_pages_there_are_is_what_came_back(page: Row, pages: int) -> None:
    assert parse_page({"content": rows(2), "page": page}, "GET /x").pages == pages


@pytest.mark.parametrize("body", [{"page": {"totalElements": 0}}, {"content": None, "page": {"totalElements": 0}}])
def test_an_empty_list_may_come_without_content(body: Row) -> None:
    assert parse_page(body, "GET /x").rows == ()


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"content": []},
        {"content": [], "page": None},
        {"content": [], "page": {"size": 10}},
        {"content": [], "page": {"totalElements": "3"}},
        {"content": [], "page": {"totalElements": -1}},
        {"content": {}, "page": {"totalElements": 0}},
        {"content": ["x"], "page": {"totalElements": 1}},
    ],
)
def test_an_answer_that_is_no_page_is_a_bad_answer_not_an_empty_list(body: Any) -> None:
    with pytest.raises(BadAnswer):
        parse_page(body, "GET /x")
