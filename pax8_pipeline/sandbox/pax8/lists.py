"""Lists of the emulated Pax8: the filters and sorts of each list, and the rows of one page.

It contains docs/vendors/pax8.md#lists (paging, sorting, filtering) as pure functions over rows. The spelling of a row
is in `wire.py`, HTTP and error messages in `api.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pax8_pipeline.sandbox.pax8.refusal import Pax8Refusal
from pax8_pipeline.sandbox.pax8.store import Row
from pax8_pipeline.sandbox.pax8.switches import Pax8Switches

DEFAULT_SIZE = 10
MAX_SIZE = 200

Getter = Callable[[Row], Any]


@dataclass(frozen=True)
class ListRules:
    """What one list understands. Everything else in a query is ignored without a message."""

    filters: Mapping[str, Getter] = field(default_factory=dict)
    sorts: Mapping[str, Getter] = field(default_factory=dict)


@dataclass(frozen=True)
class PageOf:
    """One page: its rows, and the paging members of the envelope."""

    rows: list[Row]
    size: int
    total: int
    number: int

    @property
    def total_pages(self) -> int:
        """0 for an empty list."""
        return -(-self.total // self.size)


def _of(name: str) -> Getter:
    return lambda row: row[name]


def _address(name: str) -> Getter:
    return lambda row: row["address"].get(name)


_ADDRESS = {name: _address(name) for name in ("city", "country", "stateOrProvince", "postalCode")}

RULES: dict[str, ListRules] = {
    "companies": ListRules(
        filters=_ADDRESS
        | {
            name: _of(name)
            for name in ("selfServiceAllowed", "billOnBehalfOfEnabled", "orderApprovalRequired", "status")
        },
        sorts=_ADDRESS | {"name": _of("name")},
    ),
    "products": ListRules(
        filters={"vendorName": _of("vendorName")},  # the original vendor, whatever the switch `suites_of` shows
        sorts={"name": _of("name"), "vendor": _of("vendorName")},
    ),
    "subscriptions": ListRules(
        filters={name: _of(name) for name in ("status", "billingTerm", "companyId", "productId")},
        sorts={
            name: _of(name) for name in ("quantity", "startDate", "endDate", "createdDate", "billingStart", "price")
        },
    ),
    "invoices": ListRules(
        filters={name: _of(name) for name in ("status", "invoiceDate", "dueDate", "total", "balance", "carriedBalance")}
        | {"companyId": _of("_companyId")},
        sorts={
            name: _of(name)
            for name in ("invoiceDate", "dueDate", "status", "partnerName", "total", "balance", "carriedBalance")
        },
    ),
    "usage_summaries": ListRules(
        filters={"resourceGroup": _of("resourceGroup"), "companyId": lambda row: row.get("companyId")},
        sorts={name: _of(name) for name in ("resourceGroup", "currentCharges", "partnerTotal")},
    ),
    "usage_lines": ListRules(filters={"productId": _of("productId")}),
    "invoice_items": ListRules(),
    "draft_items": ListRules(),
    "contacts": ListRules(),
    "orders": ListRules(),
}


def paging(query: Mapping[str, str], switches: Pax8Switches) -> tuple[int, int]:
    """Return page number and size of a query. Raises Pax8Refusal."""
    number, size = _whole(query, "page", 0), _whole(query, "size", DEFAULT_SIZE)
    if number < 0:
        raise Pax8Refusal(400, "page must not be less than zero")
    if size < 1:
        raise Pax8Refusal(400, "size must be greater than or equal to 1")
    if size > MAX_SIZE:
        if switches.over_max == "400":
            raise Pax8Refusal(400, f"size must be less than or equal to {MAX_SIZE}")
        if switches.over_max == "clamp":
            size = MAX_SIZE
    return number, size


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise Pax8Refusal(400, f"Failed to convert value '{text}' of parameter '{name}'") from None


def keep(name: str, rows: Sequence[Row], query: Mapping[str, str]) -> Sequence[Row]:
    """Return the rows that pass the list's own filters. No row passes an unknown value of a known filter."""
    for parameter, getter in RULES[name].filters.items():
        filter_value = query.get(parameter)
        if filter_value:
            rows = [row for row in rows if _text(getter(row)) == filter_value.lower()]
    return rows


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).lower()


def order(name: str, rows: Sequence[Row], query: Mapping[str, str], switches: Pax8Switches, seed: int) -> Sequence[Row]:
    """Return the rows in the requested order. Without a sort there is no order: every `seed` gives another one.

    Lists that cannot be sorted come in the order in which they are stored, unless the switch says that they are
    shuffled too.
    """
    getter, descending = _sort_of(name, query)
    if getter is None:
        shuffles = switches.unsorted_order == "shuffled_everywhere"
        shuffles = shuffles or (switches.unsorted_order == "shuffled" and bool(RULES[name].sorts))
        return random.Random(seed).sample(list(rows), len(rows)) if shuffles else rows
    if switches.sorted_ties == "shuffled":
        rows = random.Random(seed).sample(list(rows), len(rows))
    filled = [row for row in rows if getter(row) is not None]
    empty = [row for row in rows if getter(row) is None]
    return [*sorted(filled, key=getter, reverse=descending), *empty]


def is_sorted(name: str, query: Mapping[str, str]) -> bool:
    """True when the query asks for a sort that this list has."""
    return _sort_of(name, query)[0] is not None


def _sort_of(name: str, query: Mapping[str, str]) -> tuple[Getter | None, bool]:
    column, _, direction = query.get("sort", "").partition(",")
    return RULES[name].sorts.get(column), direction.lower() == "desc"


def page(rows: Sequence[Row], number: int, size: int) -> PageOf:
    """Cut one page out of ordered rows."""
    return PageOf(list(rows[number * size : (number + 1) * size]), size, len(rows), number)
