"""Decides whether a list of Halo was read completely. Pure: pages go in; a Listing or "read again" comes out.

It contains the envelope, the end of a list and the rule of completeness (docs/vendors/halo.md#lists). HTTP and
endpoints are in `client`.

Halo's `record_count` is the total, or too small, or always 50. Pages can be shorter than asked for. So a pass over a
list reads until an empty page, or until two pages in a row without a new id. The pass is complete when every page named
exactly the number of distinct ids that came. Any other `record_count` proves nothing: then a second pass, which cuts
the list into pages of another size, must bring exactly the same ids. A page that repeats an earlier one is an error,
not the end: such a server does not turn pages and shows only a part. A list without any `record_count` has no pages; it
comes completely each time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from pax8_pipeline import values
from pax8_pipeline.errors import IncompleteRead
from pax8_pipeline.transport.listing import Listing, Merged, Row, bad_answer, merge

VENDOR = "Halo"
ATTEMPTS = 3
_STALE_PAGES = 2
# More pages than any tenant has. A server that invents new ids without end must not keep a run forever.
_MOST_PAGES = 20_000
# The most pages that are asked for at once because of `record_count`.
_MOST_AT_ONCE = 64
# `record_count` had this value for some tenants, whatever the list (docs/vendors/halo.md#lists).
_FIXED_COUNT = 50


def parse_list(body: Any, key: str, where: str) -> tuple[tuple[Row, ...], int | None]:
    """Return rows and `record_count` of one answer: a list, or the list under `key`.

    Raises BadAnswer when the key is missing: that is an error, and never means "no rows".
    """
    count = None
    rows = body
    if isinstance(body, dict):
        if key not in body:
            raise bad_answer(VENDOR, where, f"the answer has no list `{key}`")
        rows = [] if body[key] is None else body[key]
        value = body.get("record_count")
        count = value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise bad_answer(VENDOR, where, "the answer is not a list of objects")
    return tuple(rows), count


def row_id(row: Row) -> int | None:
    """Return a row's id as int (recurring invoices have negative ids); None if it has none."""
    try:
        return values.recurring_invoice_id(row.get("id"))
    except ValueError:
        return None


class Pass:
    """One pass over all pages of a list. Ask for the `next_pages` at once, then `add` them in order."""

    def __init__(self, where: str, page_size: int) -> None:
        self.page_size = page_size
        self.pages: list[tuple[Row, ...]] = []
        self.counts: list[int] = []
        self.asked = 0
        self.done = False
        self.overlapped = False  # a page had both new and known rows: the list changed
        self.beyond = False  # new rows came after the end
        self.repeated = False  # a page had exactly the rows of an earlier one
        self.ids: set[Hashable] = set()
        self._where = where
        self._stale = 0
        self._wave = 1

    @property
    def next_pages(self) -> range:
        """The page numbers to read next; empty when the pass is over.

        `record_count` is only a hint how many pages to read at once. After that many pages the number doubles with each
        step.
        """
        if self.done:
            return range(0)
        first = self.asked + 1
        if not self.pages:
            return range(first, first + 1)
        hinted = -(-max(self.counts, default=0) // max(1, len(self.pages[0]))) - self.asked
        return range(first, first + min(max(hinted + 1, self._wave), _MOST_AT_ONCE))

    def add(self, answers: Sequence[tuple[tuple[Row, ...], int | None]]) -> None:
        """Add the pages that were read, in order. Raises BadAnswer for a row without a usable id."""
        beyond_hint = bool(self.pages)
        for rows, count in answers:
            self.asked += 1
            if self.done:
                # This page was read ahead. After the end there must be no new rows.
                self.beyond = self.beyond or bool(_ids(rows, self._where) - self.ids)
                continue
            self._take(rows, count)
        if beyond_hint:
            self._wave = min(self._wave * 2, 4)

    def _take(self, rows: tuple[Row, ...], count: int | None) -> None:
        if count is not None and (rows or self.asked == 1):
            self.counts.append(count)  # the count of an empty page means nothing
        if not rows:
            self.done = True
            return
        ids = _ids(rows, self._where)
        new = ids - self.ids
        self.repeated = self.repeated or any(ids == _ids(page, self._where) for page in self.pages)
        self.overlapped = self.overlapped or (bool(new) and new != ids)
        self.ids |= ids
        self.pages.append(rows)
        self._stale = 0 if new else self._stale + 1
        self.done = self._stale >= _STALE_PAGES
        if self.asked >= _MOST_PAGES and not self.done:
            raise bad_answer(VENDOR, self._where, f"the list does not end within {_MOST_PAGES} pages")

    @property
    def edge(self) -> int:
        """The number of rows on the first page: this is where the list was cut."""
        return len(self.pages[0]) if self.pages else 0


class HaloListRead:
    """Decides from several passes over one list: `begin` one, fill it, `add` it, until a Listing is returned."""

    def __init__(self, endpoint: str, page_size: int) -> None:
        self._endpoint = endpoint
        self._where = f"GET {endpoint}"
        self._page_size = page_size
        self._passes: list[Pass] = []

    def begin(self) -> Pass:
        """Begin a pass. Each pass cuts the list at another place than the one before, so that an error at the edge of a
        page is found.

        The edge is computed from the size of the page that came, not from the size asked for: a tenant may limit its
        pages.
        """
        size = max(1, self._passes[-1].edge * 4 // 5) if self._passes else self._page_size
        return Pass(self._where, size)

    def add(self, read: Pass) -> Listing | None:
        """Add a finished pass. Return the Listing if the list is complete now, else None: read again.

        Raises IncompleteRead after the last attempt.
        """
        self._passes.append(read)
        merged = merge(read.pages, row_id)
        pages_turned = not (read.repeated and read.counts)
        if pages_turned and not read.beyond and (_exact(read) or self._confirmed(read)):
            return self._listing(read, merged)
        if len(self._passes) >= ATTEMPTS:
            raise self._incomplete(read)
        return None

    def _confirmed(self, read: Pass) -> bool:
        if read.overlapped:
            return False
        same = [other for other in self._passes[:-1] if other.ids == read.ids and not other.overlapped]
        if _claims_more(read) and not any(_count_is_meaningless(other, read) for other in same):
            return False
        if _claims_more(read) and not read.ids:
            return len(same) == ATTEMPTS - 1  # no rows although Halo names some: accepted only if every attempt says so
        if any(_cut_differently(other, read) for other in same):
            return True
        # A server that always uses its own page size: accepted when all attempts agree.
        return len(same) == ATTEMPTS - 1 and not _claims_more(read)

    def _listing(self, read: Pass, merged: Merged) -> Listing:
        requests = sum(each.asked for each in self._passes)
        expected = len(read.ids) if set(read.counts) == {len(read.ids)} else None
        return Listing(self._endpoint, merged.rows, expected, requests, merged.repeats)

    def _incomplete(self, read: Pass) -> IncompleteRead:
        expected = max(read.counts, default=None)
        named = "names no number" if expected is None else f"names {expected}"
        why = "rows moved between pages, pages came short, or the agent may not see all"
        if read.repeated:
            why = "a page came that repeats an earlier one, so the server does not turn the pages"
        return IncompleteRead(
            f"{VENDOR} {self._where}: {len(read.ids)} rows were read where {VENDOR} {named}, and {len(self._passes)} "
            f"passes did not agree ({why}). "
            "None of it is used; run again later.",
            vendor=VENDOR,
            where=self._where,
            got=len(read.ids),
            expected=expected,
        )


def _exact(read: Pass) -> bool:
    """True if every page named exactly the number of rows that came, or if no page named a number and there was only
    one page.

    A number that Halo also sends without meaning (50, or the page size) proves nothing, even where it fits.
    """
    if read.counts:
        named = set(read.counts)
        return named == {len(read.ids)} and not named & {_FIXED_COUNT, read.page_size}
    return len(read.pages) <= 1 or all(_same_rows(page, read.pages[0]) for page in read.pages)


def _same_rows(page: tuple[Row, ...], other: tuple[Row, ...]) -> bool:
    return [row_id(row) for row in page] == [row_id(row) for row in other]


def _claims_more(read: Pass) -> bool:
    return max(read.counts, default=0) > len(read.ids)


def _count_is_meaningless(one: Pass, other: Pass) -> bool:
    """True if two passes that cut the list differently both name 50, or each names its own page size."""
    fixed = set(one.counts) == set(other.counts) == {_FIXED_COUNT}
    echoed = all(set(each.counts) == {each.page_size} for each in (one, other))
    return (fixed or (echoed and one.page_size != other.page_size)) and _cut_differently(one, other)


def _cut_differently(one: Pass, other: Pass) -> bool:
    """True if an error at the edge of a page cannot have hidden the same rows in both passes."""
    nothing_to_cut = not one.ids or other.page_size == 1 != one.page_size
    return nothing_to_cut or one.edge != other.edge


def _ids(rows: Sequence[Row], where: str) -> set[Hashable]:
    ids = {row_id(row) for row in rows}
    if None in ids:
        raise bad_answer(VENDOR, where, "a row has no id")
    return set(ids)
