"""A list read whole, and what becomes of a row that was served twice. Pure: no HTTP.

Here belongs: `Listing`, and merging the pages of one read. Not here: when a vendor's list is whole
(`pax8.paging`, `halo.paging`), because each vendor says it differently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Row = dict[str, Any]
Key = Callable[[Row], Hashable | None]


@dataclass(frozen=True)
class Listing:
    """A list that was read whole; a list that was not is never one of these (errors.IncompleteRead).

    `objects`: as the vendor sent them, in its order. `expected`: how many the vendor said there are, None if
    it did not say or said something it is known to get wrong. `requests`: pages asked for, re-reads included.
    `repeats`: rows served more than once and kept once.
    """

    endpoint: str
    objects: tuple[Row, ...] = field(repr=False)
    expected: int | None
    requests: int
    repeats: int

    def only(self, wanted: Callable[[Row], bool]) -> Listing:
        """Drop what was not asked for, in case the vendor ignored a filter; `expected` then counts what is left."""
        kept = tuple(row for row in self.objects if wanted(row))
        if len(kept) == len(self.objects):
            return self
        return replace(self, objects=kept, expected=len(kept))


@dataclass(frozen=True)
class Merged:
    """The pages of one read put together.

    `rows`: what is kept. `repeats`: rows dropped as served twice. `ids`: distinct keys; `unnamed`: rows
    without one. `moved`: some key stood on two pages, so rows moved between them while they were read.
    `served`: all rows that came.
    """

    rows: tuple[Row, ...]
    ids: frozenset[Hashable]
    unnamed: int
    repeats: int
    moved: bool
    served: int


def merge(pages: Sequence[Sequence[Row]], key: Key, *, unchanged_list: bool = False) -> Merged:
    """Put the pages of one read together, in page order.

    Rules for a key that comes more than once: equal content on the same or another page is one row served
    twice, kept once. Different content on the same page are two rows that share a key: both are kept, so that
    the check for duplicate keys sees them. Different content on different pages is a row that moved while it
    was read: the one on the later page wins, unless it is known that the list stood `still` while it was
    read: then both are kept here too. Rows without a key are all kept: two equal items are two items.
    """
    kept: dict[int, Row] = {}
    places: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)  # key -> (page, position in kept)
    position = repeats = unnamed = 0
    moved = False
    for number, page in enumerate(pages):
        for row in page:
            position += 1
            name = key(row)
            if name is None:
                unnamed += 1
                kept[position] = row
                continue
            before = places[name]
            moved = moved or any(at != number for at, _ in before)
            if any(kept[at] == row for _, at in before):
                repeats += 1
                continue
            stale = [] if unchanged_list else [place for place in before if place[0] != number]
            for place in stale:
                before.remove(place)
                del kept[place[1]]
            repeats += len(stale)
            before.append((number, position))
            kept[position] = row
    return Merged(tuple(kept.values()), frozenset(places), unnamed, repeats, moved, position)


def only_list(body: dict[str, Any]) -> list[Any] | None:
    """The one list of an envelope whose key is not known; None if there is none, or more than one."""
    lists = [value for value in body.values() if isinstance(value, list)]
    return lists[0] if len(lists) == 1 else None
