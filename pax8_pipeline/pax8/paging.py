"""Decides whether a list of Pax8 was read completely. Pure: pages go in; a Listing or "read again" comes out.

It contains the envelope and the rule of completeness (docs/vendors/pax8.md#lists). HTTP and endpoints are in `client`.

Pax8 pages by offset and without a snapshot. So rows are repeated or missed when data moves between pages, and a list
that is not sorted may come in another order with every request. The rule, for one read of all pages (an attempt):

1. All pages must name the same `totalElements`. Otherwise the list changed: read again.

2. One page is one answer, so it shows no row twice. So these rows exist: the distinct ids of all pages, and of each
content without an id the most copies on one page. When they are as many as Pax8 names, the list is complete. Attempts
that name the same total are added together.

3. As many rows as named, and repeated rows are on the same page: complete; the vendor itself repeats them.

4. Two attempts with different page sizes that served exactly the same rows, as many as named, prove each other:
complete; the vendor itself repeats rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pax8_pipeline.errors import IncompleteRead
from pax8_pipeline.text import jsontext
from pax8_pipeline.transport.listing import Listing, Merged, Row, bad_answer, merge

VENDOR = "Pax8"
ATTEMPTS = 3
# A list that is not sorted can come in another order each time. Then every attempt misses other rows, and only many
# attempts together find all.
_UNSORTED_ATTEMPTS = 20


@dataclass(frozen=True)
class Page:
    """One page as it came. `size`: the page size that the server says it used, not the one asked for."""

    rows: tuple[Row, ...]
    total: int
    size: int
    total_pages: int

    @property
    def pages(self) -> int:
        """The number of pages according to this answer; 1 if it has all rows."""
        by_size = -(-self.total // self.size) if self.size else 1
        return max(1, min(max(self.total_pages, by_size), self.total))


def parse_page(body: Any, where: str) -> Page:
    """Read a page envelope. Raises BadAnswer when the `page` object or its total is missing.

    `content` may be absent when there are no rows (docs/vendors/pax8.md#lists).
    """
    page = body.get("page") if isinstance(body, dict) else None
    total = _count(page, "totalElements")
    if total is None:
        raise bad_answer(VENDOR, where, "the answer has no `page` object with `totalElements`")
    rows = _content(body, where)
    size = _count(page, "size") or len(rows)
    return Page(rows, total, size, _count(page, "totalPages") or 0)


def _content(body: dict[str, Any], where: str) -> tuple[Row, ...]:
    content = body.get("content")
    if content is None:
        return ()
    if not isinstance(content, list):
        raise bad_answer(VENDOR, where, "the answer is not an object with a list `content`")
    if not all(isinstance(row, dict) for row in content):
        raise bad_answer(VENDOR, where, "`content` holds something that is not an object")
    return tuple(content)


def row_id(row: Row) -> Hashable | None:
    """Return the id that tells rows apart: text in lower case; None where it is missing, null or empty."""
    value = row.get("id")
    return str(value).strip().lower() or None if value is not None else None


@dataclass(frozen=True)
class _Attempt:
    """One read of all pages. `total` None: the pages named different totals."""

    pages: tuple[Page, ...]
    merged: Merged
    total: int | None


class Pax8ListRead:
    """Decides from several attempts at one list. Ask with `page_size`, read all pages, `add` them, and repeat until a
    Listing is returned.

    `endpoint` is the path, for messages and the Listing.
    """

    def __init__(self, endpoint: str, page_size: int) -> None:
        self._endpoint = endpoint
        self._sizes = [page_size, max(1, page_size * 4 // 5), max(1, page_size * 3 // 5)]
        self._attempts: list[_Attempt] = []

    @property
    def page_size(self) -> int:
        """The page size for the next attempt. It changes each time, so that an error at the edge of a page is found."""
        return self._sizes[len(self._attempts) % len(self._sizes)]

    def add(self, pages: Sequence[Page]) -> Listing | None:
        """Add the pages of one attempt, in page order. Return the Listing if the list is complete now, else None: read
        again.

        Raises IncompleteRead when another attempt is not worth it.
        """
        totals = {page.total for page in pages}
        merged = merge([page.rows for page in pages], row_id)
        attempt = _Attempt(tuple(pages), merged, totals.pop() if len(totals) == 1 else None)
        self._attempts.append(attempt)
        complete = self._complete(attempt)
        if complete is not None:
            return self._listing(complete, attempt.total)
        attempts = len(self._attempts)
        if attempts >= (_UNSORTED_ATTEMPTS if self._unsorted() else ATTEMPTS):
            raise self._incomplete()
        return None

    def _complete(self, attempt: _Attempt) -> Merged | None:
        merged, total = attempt.merged, attempt.total
        if total is None:
            return None
        copies = _copies(attempt.pages)
        certain = copies.total() == merged.unnamed  # no row without an id can have been served twice
        if certain and (len(merged.ids) + merged.unnamed == total or (merged.served == total and not merged.moved)):
            return merged
        if self._proven(attempt):
            return merge([page.rows for page in attempt.pages], row_id, unchanged_list=True)
        return self._combined(total)

    def _proven(self, attempt: _Attempt) -> bool:
        if attempt.merged.served != attempt.total:
            return False
        return any(
            other.total == attempt.total
            and other.pages[0].size != attempt.pages[0].size
            and _count_rows(other.pages) == _count_rows(attempt.pages)
            for other in self._attempts[:-1]
        )

    def _combined(self, total: int) -> Merged | None:
        same = [attempt for attempt in self._attempts if attempt.total == total]
        pages = [page for attempt in same for page in attempt.pages]
        # In the order of reading: of a row that changed in between, the last state counts.
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
            f"{VENDOR} GET {self._endpoint}: {why}, in {len(self._attempts)} attempts. None of it is used; run "
            "again later.",
            vendor=VENDOR,
            where=f"GET {self._endpoint}",
            got=got,
            expected=expected,
        )


def _copies(pages: Sequence[Page]) -> Counter[str]:
    """Count, for each content without an id, the most copies on one page."""
    most: Counter[str] = Counter()
    for page in pages:
        most |= Counter(_text(row) for row in page.rows if row_id(row) is None)
    return most


def _text(row: Row) -> str:
    return jsontext.dumps(row)


def _count_rows(pages: Sequence[Page]) -> Counter[str]:
    return Counter(_text(row) for page in pages for row in page.rows)


def _count(page: Any, name: str) -> int | None:
    value = page.get(name) if isinstance(page, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
