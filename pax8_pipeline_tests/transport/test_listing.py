"""What becomes of a row that was served twice."""

from __future__ import annotations

from typing import Any

import pytest

from pax8_pipeline.transport.listing import Listing, merge, only_list

Row = dict[str, Any]


def row(name: str | None, value: int = 0) -> Row:
    return {"value": value} if name is None else {"id": name, "value": value}


def named(found: Row) -> Any:
    return found.get("id")


def test_rows_keep_the_order_of_their_pages() -> None:
    merged = merge([[row("b"), row("a")], [row("c")]], named)
    assert [found["id"] for found in merged.rows] == ["b", "a", "c"]
    assert (merged.repeats, merged.moved, merged.served) == (0, False, 3)


@pytest.mark.parametrize("pages", [[[row("a"), row("a")]], [[row("a")], [row("a")]]])
def test_the_same_row_twice_is_kept_once_and_counted(pages: list[list[Row]]) -> None:
    merged = merge(pages, named)
    assert merged.rows == (row("a"),)
    assert merged.repeats == 1


def test_two_rows_that_share_an_id_on_one_page_are_both_kept() -> None:
    merged = merge([[row("a", 1), row("a", 2)]], named)
    assert merged.rows == (row("a", 1), row("a", 2))
    assert (merged.repeats, merged.moved) == (0, False)


def test_a_row_that_changed_between_pages_is_taken_from_the_later_page() -> None:
    merged = merge([[row("a", 1), row("b")], [row("a", 2)]], named)
    assert merged.rows == (row("b"), row("a", 2))
    assert (merged.repeats, merged.moved) == (1, True)


def test_in_a_list_that_stood_still_both_are_kept() -> None:
    assert merge([[row("a", 1)], [row("a", 2)]], named, unchanged_list=True).rows == (row("a", 1), row("a", 2))


def test_two_equal_rows_without_an_id_are_two_rows() -> None:
    merged = merge([[row(None), row(None)], [row(None)]], named)
    assert len(merged.rows) == merged.unnamed == 3


def test_what_was_not_asked_for_is_dropped_and_no_longer_expected() -> None:
    listing = Listing("/x", (row("a", 1), row("b", 2)), 2, 1, 0)
    assert listing.only(lambda found: found["value"] == 2) == Listing("/x", (row("b", 2),), 1, 1, 0)
    assert listing.only(lambda found: True) is listing


@pytest.mark.parametrize(
    ("body", "found"),
    [({"record_count": 1, "rows": [1]}, [1]), ({"a": [], "b": []}, None), ({"record_count": 0}, None)],
)
def test_an_unknown_envelope_must_hold_exactly_one_list(body: Row, found: list[Any] | None) -> None:
    assert only_list(body) == found
