"""When a list of Halo has been read whole. Pure: pages go in, a Listing or "read again" comes out.

Here belongs: the envelope, the stop rule and the completeness rule (docs/vendors/halo.md#lists). Not here: HTTP,
endpoints (`client`).

Halo's `record_count` is the total, or too small, or always 50; pages can be shorter than asked for. So one pass over a
list goes on to an empty page, or to two pages in a row without a new id. What it brought is whole when the distinct ids
are exactly as many as every page named. Where `record_count` says anything else it proves nothing, and a second pass
that cuts the list into pages of another size must bring the very same ids. A page that repeats an earlier one is an
error, not the end: a server that does not turn the pages shows only a part. Lists that name no number at all are no
pages, but lookups that come whole each time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from pax8_pipeline import values
from pax8_pipeline.errors import BadAnswer, IncompleteRead
from pax8_pipeline.transport.listing import Listing, Merged, Row, merge, only_list

VENDOR = "Halo"
ATTEMPTS = 3
_STALE_PAGES = 2
# More pages than any tenant has: a server that invents new ids for ever must not keep us for ever.
_MOST_PAGES = 20_000
# Pages asked for on the word of `record_count` alone.
_MOST_AT_ONCE = 64
# `record_count` has been seen to be this whatever the list (docs/vendors/halo.md#lists).
_FIXED_COUNT = 50


def parse_list(body: Any, key: str | None, where: str) -> tuple[tuple[Row, ...], int | None]:
    """Rows and `record_count` of one answer: a bare list, or the list under `key` (None: under whichever key).

    Raises BadAnswer when the key is missing: that is an error, never "no rows".
    """
    count = None
    rows = body
    if isinstance(body, dict):
        if key is not None and key not in body:
            raise _bad(where, f"the answer has no list `{key}`")
        rows = only_list(body) if key is None else body[key]
        rows = [] if rows is None and key is not None else rows
        said = body.get("record_count")
        count = said if isinstance(said, int) and not isinstance(said, bool) and said >= 0 else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _bad(where, "the answer is not a list of objects")
    return tuple(rows), count


def row_id(row: Row) -> int | None:
    """A row's id as int (recurring invoices are negative); None if it has none."""
    try:
        return values.recurring_invoice_id(row.get("id"))
    except ValueError:
        return None


class Pass:
    """One pass over all pages of a list, from page 1. Ask for `wanted` pages at once, `add` them in order."""

    def __init__(self, where: str, page_size: int) -> None:
        self.page_size = page_size
        self.pages: list[tuple[Row, ...]] = []
        self.counts: list[int] = []
        self.asked = 0
        self.done = False
        self.overlapped = False  # a page held both new and known rows: the list moved
        self.beyond = False  # new rows after an end
        self.repeated = False  # a page held the very rows of an earlier one
        self.ids: set[Hashable] = set()
        self._where = where
        self._stale = 0
        self._wave = 1

    @property
    def wanted(self) -> range:
        """The page numbers to read next, empty when the pass is over.

        `record_count` is only a hint of how many to read at once; beyond it the number doubles with each
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
        """Take the pages just read, in order. Raises BadAnswer for a row without a usable id."""
        beyond_hint = bool(self.pages)
        for rows, count in answers:
            self.asked += 1
            if self.done:
                # Read ahead of the end; past it there is nothing.
                self.beyond = self.beyond or bool(_ids(rows, self._where) - self.ids)
                continue
            self._take(rows, count)
        if beyond_hint:
            self._wave = min(self._wave * 2, 4)

    def _take(self, rows: tuple[Row, ...], count: int | None) -> None:
        if count is not None and (rows or self.asked == 1):
            self.counts.append(count)  # what a page past the end says is worth nothing
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
            raise _bad(self._where, f"the list does not end within {_MOST_PAGES} pages")

    @property
    def edge(self) -> int:
        """Rows on the first page: where the list was cut."""
        return len(self.pages[0]) if self.pages else 0


class ListRead:
    """Judges the passes over one list: `begin` a pass, fill it, `add` it; repeat until a Listing comes."""

    def __init__(self, endpoint: str, page_size: int) -> None:
        self._endpoint = endpoint
        self._where = f"GET {endpoint}"
        self._page_size = page_size
        self._passes: list[Pass] = []

    def begin(self) -> Pass:
        """Begin a pass; each cuts the list where the one before did not, so that a fault at a page's edge shows.

        The edge that came back counts, not the size asked for: a tenant may cap its pages far below that.
        """
        size = max(1, self._passes[-1].edge * 4 // 5) if self._passes else self._page_size
        return Pass(self._where, size)

    def add(self, read: Pass) -> Listing | None:
        """Take a finished pass. Returns the Listing if the list is whole now, else None: read again.

        Raises IncompleteRead after the last attempt.
        """
        self._passes.append(read)
        merged = merge(read.pages, row_id)
        turned = not (read.repeated and read.counts)
        if turned and not read.beyond and (_exact(read) or self._confirmed(read)):
            return self._listing(read, merged)
        if len(self._passes) >= ATTEMPTS:
            raise self._incomplete(read)
        return None

    def _confirmed(self, read: Pass) -> bool:
        if read.overlapped:
            return False
        same = [other for other in self._passes[:-1] if other.ids == read.ids and not other.overlapped]
        if _claims_more(read) and not any(_known_lie(other, read) for other in same):
            return False
        if _claims_more(read) and not read.ids:
            return len(same) == ATTEMPTS - 1  # nothing at all, where rows are named: only if it never comes otherwise
        if any(_cut_differently(other, read) for other in same):
            return True
        # A server that never lets go of its own page size: as many agreeing passes as we are willing to make.
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
            "Nothing of it is used; run again later.",
            vendor=VENDOR,
            where=self._where,
            got=len(read.ids),
            expected=expected,
        )


def _exact(read: Pass) -> bool:
    """Every page named exactly as many as came; or no page named any and there was but one page to read.

    A number that Halo also names when it means nothing proves nothing, even where it fits.
    """
    if read.counts:
        named = set(read.counts)
        return named == {len(read.ids)} and not named & {_FIXED_COUNT, read.page_size}
    return len(read.pages) <= 1 or all(_same_rows(page, read.pages[0]) for page in read.pages)


def _same_rows(page: tuple[Row, ...], other: tuple[Row, ...]) -> bool:
    return [row_id(row) for row in page] == [row_id(row) for row in other]


def _claims_more(read: Pass) -> bool:
    return max(read.counts, default=0) > len(read.ids)


def _known_lie(one: Pass, other: Pass) -> bool:
    """True if both name the fixed number, or each the page size it was asked for, on pages cut differently."""
    fixed = set(one.counts) == set(other.counts) == {_FIXED_COUNT}
    echoed = all(set(each.counts) == {each.page_size} for each in (one, other))
    return (fixed or (echoed and one.page_size != other.page_size)) and _cut_differently(one, other)


def _cut_differently(one: Pass, other: Pass) -> bool:
    """True if a fault at the edge of a page could not have hidden the same rows in both passes."""
    nothing_to_cut = not one.ids or other.page_size == 1 != one.page_size
    return nothing_to_cut or one.edge != other.edge


def _ids(rows: Sequence[Row], where: str) -> set[Hashable]:
    ids = {row_id(row) for row in rows}
    if None in ids:
        raise _bad(where, "a row has no id")
    return set(ids)


def _bad(where: str, what: str) -> BadAnswer:
    return BadAnswer(f"{VENDOR} {where}: {what}. Nothing of it is used.", vendor=VENDOR, where=where, status=200)
