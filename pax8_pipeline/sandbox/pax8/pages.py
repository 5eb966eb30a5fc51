"""One page of a list of the emulated Pax8, in the common envelope.

Spelt rows and the order of large lists are cached until something changes, so that a page of 200 only joins texts. The
rules of a list (filters, sorts, paging) are in `lists.py`, the rows in `answers.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pax8_pipeline.sandbox.pax8 import lists
from pax8_pipeline.sandbox.pax8.store import Pax8Store, Row
from pax8_pipeline.sandbox.pax8.wire import spell_text

Query = Mapping[str, str]
Spell = Callable[[Row], Row]


class Pages:
    """The pages of one store's lists. Use it under the store's lock."""

    def __init__(self, store: Pax8Store) -> None:
        self.store = store
        self._requests = 0
        self._made_for: tuple[Any, ...] = ()
        self._orders: dict[tuple[Any, ...], Sequence[Row]] = {}
        self._texts: dict[tuple[str, str], str] = {}
        self._disturbed = 0

    def page(self, name: str, rows: Sequence[Row], query: Query, spell: Spell, *, cached: bool = False) -> str:
        """Return one page of a list. `cached` reuses order and spelling until something changes."""
        number, size = lists.paging(query, self.store.switches)
        self._requests += 1
        self._forget_if_changed()
        ordered = self._ordered(name, rows, query, cached=cached)
        ordered = self._disturb(name, ordered, number)
        page = lists.page(ordered, number, size)
        if cached:
            texts = [self._text(name, row, spell) for row in page.rows]
        else:
            texts = [spell_text(spell(row)) for row in page.rows]
        return self._envelope(name, page, texts)

    def _ordered(self, name: str, rows: Sequence[Row], query: Query, *, cached: bool) -> Sequence[Row]:
        switches = self.store.switches
        if not cached or not lists.is_sorted(name, query) or switches.sorted_ties == "shuffled":
            rows = lists.keep(name, rows, query)
            return lists.order(name, rows, query, switches, self._requests)
        key = (name, *sorted((k, v) for k, v in query.items() if k not in ("page", "size")))
        if key not in self._orders:
            matching = lists.keep(name, rows, query)
            self._orders[key] = lists.order(name, matching, query, switches, 0)
        return self._orders[key]

    def _text(self, name: str, row: Row, spell: Spell) -> str:
        text = self._texts.get((name, row["id"]))
        if text is None:
            text = self._texts[name, row["id"]] = spell_text(spell(row))
        return text

    def _disturb(self, name: str, ordered: Sequence[Row], number: int) -> Sequence[Row]:
        """Leave out the first row until the list's first page was read: then it moves every later page by one."""
        switches = self.store.switches
        if switches.insert_between_pages != name or self._disturbed >= switches.insert_between_pages_times:
            return ordered
        if number == 0:
            return ordered[1:]
        self._disturbed += 1
        return ordered

    def _envelope(self, name: str, page: lists.PageOf, texts: list[str]) -> str:
        paging = spell_text(
            {"size": page.size, "totalElements": page.total, "totalPages": page.total_pages, "number": page.number}
        )
        style = self.store.switches.empty_content
        if not texts and (style == "omit" or (style == "omit_on_invoices" and name == "invoices")):
            return f'{{"page":{paging}}}'
        return f'{{"content":[{",".join(texts)}],"page":{paging}}}'

    def _forget_if_changed(self) -> None:
        state = (self.store.revision, self.store.today, *map(str, self.store.switches.to_json().items()))
        if state != self._made_for:
            self._made_for = state
            self._orders.clear()
            self._texts.clear()
            self._disturbed = 0
