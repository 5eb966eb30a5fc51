"""When a list of Pax8 has been read whole. Pure: pages go in, a Listing or "read again" comes out.

Here belongs: the envelope and the completeness rule (docs/vendors/pax8.md#lists). Not here: HTTP, endpoints
(`client`).

Paging is by offset without a snapshot, so rows repeat or are missed when data moves between pages, and a list that may
not be sorted can come in another order with every request. The rule, for one read of all pages (an attempt):

1. All pages name the same `totalElements`; else the list moved, read again.
2. One page is one answer, so it shows no row twice. Hence the distinct ids of all pages, and of each content without an
   id the most copies that stood on one page, are rows that exist. When they are as many as named, they are all there
   are: whole. Attempts that name the same total add to each other.
3. As many rows as named, and what repeats stands on one page: whole, the repeats are the vendor's own.
4. Two attempts that cut the list into pages of different size and served the very same rows, as many as named, prove
   each other: whole, the repeats are the vendor's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pax8_pipeline.errors import BadAnswer, IncompleteRead
from pax8_pipeline.text import jsontext
from pax8_pipeline.transport.listing import Listing, Merged, Row, merge

VENDOR = "Pax8"
ATTEMPTS = 3
# A list that may not be sorted can come in another order each time; then every attempt misses other rows, and enough
# of them together miss none.
_UNSORTED_ATTEMPTS = 20


@dataclass(frozen=True)
class Page:
    """One page as it came back. `size` is the size the server says it used, not the one asked for."""

    rows: tuple[Row, ...]
    total: int
    size: int
    total_pages: int

    @property
    def pages(self) -> int:
        """How many pages there are, by the answer itself; 1 if it holds all."""
        by_size = -(-self.total // self.size) if self.size else 1
        return max(1, min(max(self.total_pages, by_size), self.total))


def parse_page(body: Any, where: str) -> Page:
    """Read a page envelope; raises BadAnswer when the `page` object or its totals are missing.

    `content` may be absent when there is nothing (docs/vendors/pax8.md#lists).
    """
    page = body.get("page") if isinstance(body, dict) else None
    total = _count(page, "totalElements")
    if total is None:
        raise _bad(where, "the answer has no `page` object with `totalElements`")
    rows = parse_content(body, where)
    size = _count(page, "size") or len(rows)
    return Page(rows, total, size, _count(page, "totalPages") or 0)


def parse_content(body: Any, where: str) -> tuple[Row, ...]:
    """The rows of an envelope; none if `content` is absent. Raises BadAnswer when it is not a list of objects."""
    content = body.get("content") if isinstance(body, dict) else body
    if isinstance(body, dict) and content is None:
        return ()
    if not isinstance(body, dict) or not isinstance(content, list):
        raise _bad(where, "the answer is no object with a list `content`")
    if not all(isinstance(row, dict) for row in content):
        raise _bad(where, "`content` holds something that is not an object")
    return tuple(content)


def row_id(row: Row) -> Hashable | None:
    """The id to tell rows apart by: case-blind text; None where it is missing, null or empty."""
    value = row.get("id")
    return str(value).strip().lower() or None if value is not None else None


@dataclass(frozen=True)
class _Attempt:
    """One read of all pages: what came, cut where. `total` None: the pages did not agree."""

    pages: tuple[Page, ...]
    merged: Merged
    total: int | None


class ListRead:
    """Judges the attempts at one list. Ask `page_size`, read all pages, `add` them; repeat until a Listing
    comes.

    `endpoint` is the path for messages and the Listing.
    """

    def __init__(self, endpoint: str, page_size: int) -> None:
        self._endpoint = endpoint
        self._sizes = [page_size, max(1, page_size * 4 // 5), max(1, page_size * 3 // 5)]
        self._attempts: list[_Attempt] = []

    @property
    def page_size(self) -> int:
        """The size to ask for in the next attempt; another each time, so that a fault at a page's edge shows."""
        return self._sizes[len(self._attempts) % len(self._sizes)]

    def add(self, pages: Sequence[Page]) -> Listing | None:
        """Take one attempt's pages, in page order. Returns the Listing if the list is whole now, else None.

        Raises IncompleteRead when no further attempt is worth making.
        """
        totals = {page.total for page in pages}
        merged = merge([page.rows for page in pages], row_id)
        attempt = _Attempt(tuple(pages), merged, totals.pop() if len(totals) == 1 else None)
        self._attempts.append(attempt)
        whole = self._whole(attempt)
        if whole is not None:
            return self._listing(whole, attempt.total)
        made = len(self._attempts)
        if made >= (_UNSORTED_ATTEMPTS if self._unsorted() else ATTEMPTS):
            raise self._incomplete()
        return None

    def _whole(self, attempt: _Attempt) -> Merged | None:
        merged, total = attempt.merged, attempt.total
        if total is None:
            return None
        copies = _copies(attempt.pages)
        certain = copies.total() == merged.unnamed  # no row without an id can be one that was served twice
        if certain and (len(merged.ids) + merged.unnamed == total or (merged.served == total and not merged.moved)):
            return merged
        if self._proven(attempt):
            return merge([page.rows for page in attempt.pages], row_id, unchanged_list=True)
        return self._united(total)

    def _proven(self, attempt: _Attempt) -> bool:
        if attempt.merged.served != attempt.total:
            return False
        return any(
            other.total == attempt.total
            and other.pages[0].size != attempt.pages[0].size
            and _tally(other.pages) == _tally(attempt.pages)
            for other in self._attempts[:-1]
        )

    def _united(self, total: int) -> Merged | None:
        same = [attempt for attempt in self._attempts if attempt.total == total]
        pages = [page for attempt in same for page in attempt.pages]
        # In the order they were read, so that a row that changed in between is taken as read last.
        named = merge([[row for row in page.rows if row_id(row) is not None] for page in pages], row_id)
        copies = _copies(pages)
        if len(named.ids) + copies.total() != total:
            return None
        contents = {_text(row): row for page in pages for row in page.rows if row_id(row) is None}
        unnamed = [contents[text] for text in copies.elements()]
        return replace(named, rows=(*named.rows, *unnamed), unnamed=len(unnamed))

    def _unsorted(self) -> bool:
        """True if the last two attempts brought the same rows in another order."""
        if len(self._attempts) < 2:
            return False
        one, other = (
            list(dict.fromkeys(row_id(row) or _text(row) for row in attempt.merged.rows))
            for attempt in self._attempts[-2:]
        )
        common = set(one) & set(other)
        return [name for name in one if name in common] != [name for name in other if name in common]

    def _listing(self, merged: Merged, total: int | None) -> Listing:
        requests = sum(len(attempt.pages) for attempt in self._attempts)
        return Listing(self._endpoint, merged.rows, total, requests, merged.repeats)

    def _incomplete(self) -> IncompleteRead:
        last = self._attempts[-1]
        expected = max(page.total for page in last.pages)
        got = len(last.merged.ids) + _copies(last.pages).total()
        why = (
            f"{got} rows could be told apart where {VENDOR} names {expected} (rows moved between pages, or pages came "
            "short)"
            if last.total is not None
            else "its pages did not agree on how many rows there are (the list changes while it is read)"
        )
        return IncompleteRead(
            f"{VENDOR} GET {self._endpoint}: {why}, in {len(self._attempts)} attempts. Nothing of it is used; run "
            "again later.",
            vendor=VENDOR,
            where=f"GET {self._endpoint}",
            got=got,
            expected=expected,
        )


def _copies(pages: Sequence[Page]) -> Counter[str]:
    """Of each content without an id, the most copies that stood on one page."""
    most: Counter[str] = Counter()
    for page in pages:
        most |= Counter(_text(row) for row in page.rows if row_id(row) is None)
    return most


def _text(row: Row) -> str:
    return jsontext.dumps(row)


def _tally(pages: Sequence[Page]) -> Counter[str]:
    return Counter(_text(row) for page in pages for row in page.rows)


def _count(page: Any, name: str) -> int | None:
    value = page.get(name) if isinstance(page, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _bad(where: str, what: str) -> BadAnswer:
    return BadAnswer(f"{VENDOR} {where}: {what}. Nothing of it is used.", vendor=VENDOR, where=where, status=200)
