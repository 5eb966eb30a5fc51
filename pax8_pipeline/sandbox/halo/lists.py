"""Lists as Halo gives them: hidden rows, filters, pages, and wrong counts in the envelope.

It contains filters, order, paging and envelopes (docs/vendors/halo.md#lists), with the switches for wrong counts and
for capped and repeated pages. The shape of a row is in `answers.py`, rights in `api.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any

from pax8_pipeline.sandbox.halo import answers
from pax8_pipeline.sandbox.halo.members import HaloRefusal, conversion
from pax8_pipeline.sandbox.halo.rows import Row, read_day
from pax8_pipeline.sandbox.halo.store import HaloStore

DEFAULT_PAGE = 50
_SERVER_ERROR = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Server Error</h1></body></html>"
_DATE_COLUMNS = {
    "invoice_date": "invoice_date",
    "last_modified": "last_modified",
    "duedate": "duedate",
    "schedulestartdate": "startdate",
    "scheduleenddate": "enddate",
}


class Query:
    """The parameters of one call. Names are compared without case; a malformed number or date is a 400."""

    def __init__(self, params: Mapping[str, str]) -> None:
        self._params = {name.lower(): value for name, value in params.items()}

    def text(self, name: str) -> str:
        """The value, "" when absent."""
        return self._params.get(name, "")

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean parameter."""
        value = self.text(name).lower()
        return value in ("true", "1") if value else default

    def number(self, name: str) -> int | None:
        """An int parameter, None when absent."""
        value = self.text(name)
        if not value:
            return None
        try:
            return int(value)
        except ValueError:
            raise conversion(f"The value '{value}' is not valid for {name}.") from None

    def numbers(self, name: str) -> set[int] | None:
        """A comma separated list of ints, None when absent."""
        value = self.text(name)
        try:
            return {int(part) for part in value.split(",")} if value else None
        except ValueError:
            raise conversion(f"The value '{value}' is not valid for {name}.") from None

    def day(self, name: str) -> date | None:
        """The date of a parameter, None when absent."""
        value = self.text(name)
        try:
            return date.fromisoformat(value[:10]) if value else None
        except ValueError:
            raise conversion(f"The value '{value}' is not valid for {name}.") from None


Test = Callable[[Row], bool]
Answer = Callable[..., Row]


@dataclass(frozen=True)
class Resource:
    """One resource with a list: where its rows are, how a query filters them, and how they are answered."""

    key: str  # of the envelope
    rows: Callable[[HaloStore], list[Row]]
    # A row is in the list when it passes all of these tests.
    tests: Callable[[HaloStore, Query], list[Test]] = lambda _store, _query: []
    answer: Answer = answers.plain_answer
    order: str = "name"  # the order when none is asked for
    certain_envelope: bool = True  # else the switch `unknown_envelopes` decides
    needs: str = ""  # Halo fails without this parameter


def list_answer(store: HaloStore, name: str, query: Query) -> Any:
    """Return the body of a list call. With `count`, paging is ignored (docs/vendors/halo.md#lists)."""
    resource = RESOURCES[name.lower()]
    if resource.needs and store.switches.change_log_needs_filter and query.number(resource.needs) is None:
        raise HaloRefusal(500, _SERVER_ERROR)
    rows = resource.rows(store)
    for test in resource.tests(store, query):
        rows = [row for row in rows if test(row)]
    rows = _ordered(rows, resource, query)
    total = len(rows)
    envelope: Row = {}
    if query.flag("pageinate"):
        page_no, size = (max(query.number("page_no") or 1, 1), max(query.number("page_size") or DEFAULT_PAGE, 1))
        caps = {name.lower(): cap for name, cap in store.switches.page_caps.items()}
        size = min(size, store.switches.page_cap or size, caps.get(name.lower(), size))
        if query.number("count"):
            page_no, size = 1, query.number("count") or size  # every page is the same then
        rows = _page(rows, page_no, size, store.switches.repeated_page)
        envelope = {"page_no": page_no, "page_size": size}
        envelope["record_count"] = {"true": total, "too_small": total // 2, "fifty": 50}[store.switches.record_count]
    else:
        limit = query.number("count")
        rows = rows[:limit] if limit is not None and limit > 0 else rows
        envelope["record_count"] = len(rows)
    answered = [_list_row(store, resource, row, query) for row in rows]
    if not resource.certain_envelope and store.switches.unknown_envelopes == "bare":
        return answered
    return {**envelope, resource.key: answered}


def _list_row(store: HaloStore, resource: Resource, row: Row, query: Query) -> Row:
    if query.flag("idonly"):
        return {"id": row["id"]}
    if resource.key == "invoices":
        return resource.answer(
            store, row, details=False, lines=query.flag("includelines") and not store.switches.list_ignores_includelines
        )
    return resource.answer(store, row, details=False)


def _ordered(rows: list[Row], resource: Resource, query: Query) -> list[Row]:
    member = query.text("order").lower() or resource.order
    # Anything but the literal `true` sorts ascending, 1 too (docs/vendors/halo.md#lists).
    descending = query.text("orderdesc").lower() == "true" if query.text("order") else resource.order == "id"
    if not all(member in row for row in rows[:1]):
        return rows
    return sorted(rows, key=itemgetter(member), reverse=descending)


def _page(rows: list[Row], page_no: int, size: int, repeated: bool | str) -> list[Row]:
    start = (page_no - 1) * size
    if repeated is True and page_no > 1:
        start -= size
    elif repeated == "endless" and start >= len(rows) > 0:
        start = (len(rows) - 1) // size * size
    return rows[start : start + size]


# Filters ------------------------------------------------------------------------------------------


def _visible(query: Query, is_inactive: Test) -> list[Test]:
    """Active rows by default, inactive ones with `includeinactive`."""
    tests: list[Test] = []
    if not query.flag("includeinactive"):
        tests.append(lambda row: not is_inactive(row))
    if not query.flag("includeactive", True):
        tests.append(is_inactive)
    return tests


def _equal(query: Query, none: int | None = None, **columns: str) -> list[Test]:
    """Exact int filters, parameter=column; a value of `none` filters nothing."""

    def test(column: str, wanted: int) -> Test:
        return lambda row: bool(row[column] == wanted)

    wanted = {column: query.number(parameter) for parameter, column in columns.items()}
    return [test(column, value) for column, value in wanted.items() if value is not None and value != none]


def _exact(query: Query, **columns: str) -> list[Test]:
    """Exact text filters, parameter=column."""

    def test(column: str, wanted: str) -> Test:
        return lambda row: bool(row[column] == wanted)

    return [test(column, query.text(name)) for name, column in columns.items() if query.text(name)]


def _search(query: Query, parameter: str, columns: Sequence[str]) -> list[Test]:
    """Rows with the parameter's text in any of the columns, without regard to case."""
    needle = query.text(parameter).lower()
    return [lambda row: any(needle in str(row[column]).lower() for column in columns)] if needle else []


def _since(query: Query, parameter: str, column: str) -> list[Test]:
    """Rows dated on or after the parameter's day; rows without a date do not pass."""
    since = query.day(parameter)
    return [lambda row: (read_day(row[column]) or date.min) >= since] if since else []


def _client_tests(_: HaloStore, query: Query) -> list[Test]:
    return [
        *_visible(query, lambda row: bool(row["inactive"])),
        *_equal(query, toplevel_id="toplevel_id"),
        *_search(query, "search", ("name", "ref")),
        *_search(query, "search_name_only", ("name",)),
        *_since(query, "lastupdatefromdate", "alastupdate"),
    ]


def _item_tests(_: HaloStore, query: Query) -> list[Test]:
    """Status 0 counts as active: the documents name no other flag."""
    return [
        *_visible(query, lambda row: bool(row["status"])),
        *_equal(query, supplier_id="supplier_id"),
        *_search(query, "search", ("name", "internalreference", "externalreference")),
    ]


def _licence_tests(_: HaloStore, query: Query) -> list[Test]:
    return [
        *_equal(query, 0, client_id="client_id"),
        *_equal(query, -1, site_id="site_id"),
        *_equal(query, licence_type="type"),
        *_exact(query, tenant_id="tenant_id"),
        lambda row: not row["deleted"],
        *_visible(query, lambda row: not row["is_active"]),
        *_search(query, "search", ("name", "name_extra")),
    ]


def _invoice_tests(store: HaloStore, query: Query) -> list[Test]:
    """Recurring and ordinary invoices; the date window only where the switch says it is honoured."""
    tests = [
        *_equal(query, 0, client_id="client_id", contract_id="contract_id"),
        *_exact(query, third_party_id="thirdpartyinvoicenumber"),
        *_search(query, "search", store.switches.invoice_search_columns),
        *_date_window(store, query),
    ]
    recurring = query.number("recurringinvoice_id")
    clients = _clients_of_filter(store, query)
    if clients is not None:
        tests.append(lambda row: row["client_id"] in clients)
    if recurring:
        tests.append(lambda row: recurring in (row["recurring_invoice_id"], row["id"]))
    if query.flag("postedonly"):
        tests.append(lambda row: bool(row["posted"]))
    if query.flag("notpostedonly"):
        tests.append(lambda row: not row["posted"])
    return tests


def _clients_of_filter(store: HaloStore, query: Query) -> set[int] | None:
    clients = query.numbers("client_ids")
    if clients is None or store.switches.several_clients == "ignored":
        return None
    return clients if store.switches.several_clients == "all" else {int(query.text("client_ids").partition(",")[0])}


def _date_window(store: HaloStore, query: Query) -> list[Test]:
    column = _DATE_COLUMNS.get(query.text("datesearch").lower())
    start, end = query.day("start_date") or date.min, query.day("end_date") or date.max
    if column is None or not store.switches.date_search_supported:
        return []
    return [lambda row: start <= (read_day(row[column]) or date.min) <= end]


def _link_tests(_: HaloStore, query: Query) -> list[Test]:
    return [
        *_equal(query, table_id="table_id", module_id="module_id", halo_id="halo_id", details_id="details_id"),
        *_exact(query, third_party_id="third_party_id", third_party_secondary_id="third_party_secondary_id"),
    ]


def _rows_of(table: str) -> Callable[[HaloStore], list[Row]]:
    return lambda store: list(getattr(store, table).values())


def _prorata_rows(store: HaloStore) -> list[Row]:
    return [e for h in store.recurring_invoices.values() for line in h["lines"] for e in line["prorata_data"]]


RESOURCES: dict[str, Resource] = {
    "client": Resource("clients", _rows_of("clients"), _client_tests, answers.client_answer),
    "item": Resource("items", _rows_of("items"), _item_tests, answers.item_answer),
    "softwarelicence": Resource("licences", _rows_of("licences"), _licence_tests, answers.licence_answer),
    "recurringinvoice": Resource(
        "invoices", _rows_of("recurring_invoices"), _invoice_tests, answers.header_answer, "id"
    ),
    "invoice": Resource("invoices", _rows_of("invoices"), _invoice_tests, answers.header_answer, "id"),
    "clientcontract": Resource(
        "contracts",
        _rows_of("contracts"),
        lambda _, query: [*_equal(query, 0, client_id="client_id"), *_visible(query, lambda row: not row["active"])],
        answers.contract_answer,
        "ref",
    ),
    "supplier": Resource(
        "suppliers",
        _rows_of("suppliers"),
        lambda _, query: [*_visible(query, lambda row: bool(row["inactive"])), *_search(query, "search", ("name",))],
    ),
    "licencechange": Resource(
        "licencechanges",
        lambda store: store.licence_changes,
        lambda _, query: [*_equal(query, licence_id="licence_id"), *_since(query, "change_date", "datetime")],
        order="id",
        certain_envelope=False,
        needs="licence_id",
    ),
    "invoicechange": Resource(
        "invoicechanges",
        lambda store: store.invoice_changes,
        lambda _, query: _equal(query, invoice_id="invoice_id", line_id="invoice_line_id", type_id="type_id"),
        order="id",
        certain_envelope=False,
        needs="invoice_id",
    ),
    "externallink": Resource("externallinks", answers.external_links, _link_tests, order="id", certain_envelope=False),
    "customtable": Resource("customtables", lambda _: []),
    "invoicedetailprorata": Resource("prorata", _prorata_rows, order="id", certain_envelope=False),
}
