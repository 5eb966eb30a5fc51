"""A list that was read completely, and how repeated rows are merged. Pure: no HTTP.

The rule for when a list is complete is different for each vendor: `pax8.paging`, `halo.paging`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pax8_pipeline.errors import BadAnswer

Row = dict[str, Any]
Key = Callable[[Row], Hashable | None]


@dataclass(frozen=True)
class Listing:
    """A list that was read completely. An incomplete list never becomes a Listing: it raises errors.IncompleteRead.

    `objects`: as the vendor sent them, in its order. `expected`: how many the vendor says there are; None if it did not
    say it or its number is known to be unreliable. `requests`: number of requests, repeated reads included. `repeats`:
    rows that came more than once and are in `objects` once.
    """

    endpoint: str
    objects: tuple[Row, ...] = field(repr=False)
    expected: int | None
    requests: int
    repeats: int

    def only(self, wanted: Callable[[Row], bool]) -> Listing:
        """Return only the rows that `wanted` accepts (a vendor may ignore a filter); they are then expected."""
        rows = tuple(row for row in self.objects if wanted(row))
        if len(rows) == len(self.objects):
            return self
        return replace(self, objects=rows, expected=len(rows))


@dataclass(frozen=True)
class Merged:
    """The merged pages of one read.

    `rows`: the remaining rows. `repeats`: rows dropped because they came twice. `ids`: distinct keys. `unnamed`: rows
    without a key. `moved`: some key was on two pages, so rows moved between pages during the read. `served`: the number
    of all rows that came.
    """

    rows: tuple[Row, ...]
    ids: frozenset[Hashable]
    unnamed: int
    repeats: int
    moved: bool
    served: int


def merge(pages: Sequence[Sequence[Row]], key: Key, *, unchanged_list: bool = False) -> Merged:
    """Merge the pages of one read, in page order. `key` returns a row's key, or None.

    When a key comes more than once: rows with equal content, on the same page or on two, are one row that was served
    twice; it is taken once. Different content on the same page means two rows with one key: both are taken, so that the
    check for duplicate keys sees them. Different content on different pages means that the row changed during the read:
    the one on the later page is taken, unless `unchanged_list` says that the list did not change; then both are taken.
    Rows without a key are all taken: two equal items are two items.
    """
    by_position: dict[int, Row] = {}
    positions: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)  # key -> (page, position in by_position)
    position = repeats = unnamed = 0
    moved = False
    for number, page in enumerate(pages):
        for row in page:
            position += 1
            row_key = key(row)
            if row_key is None:
                unnamed += 1
                by_position[position] = row
                continue
            before = positions[row_key]
            moved = moved or any(on_page != number for on_page, _ in before)
            if any(by_position[at] == row for _, at in before):
                repeats += 1
                continue
            outdated = [] if unchanged_list else [place for place in before if place[0] != number]
            for place in outdated:
                before.remove(place)
                del by_position[place[1]]
            repeats += len(outdated)
            before.append((number, position))
            by_position[position] = row
    return Merged(tuple(by_position.values()), frozenset(positions), unnamed, repeats, moved, position)


def only_list(body: dict[str, Any]) -> list[Any] | None:
    """Return the only list of an envelope whose key is not known; None if there is none, or more than one."""
    lists = [value for value in body.values() if isinstance(value, list)]
    return lists[0] if len(lists) == 1 else None


def bad_answer(vendor: str, where: str, what: str) -> BadAnswer:
    """Return the error for an answer that is not as documented; `where` is the method and path."""
    return BadAnswer(f"{vendor} {where}: {what}. None of it is used.", vendor=vendor, where=where, status=200)
