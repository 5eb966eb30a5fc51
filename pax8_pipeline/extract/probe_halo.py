"""Asks Halo what its documents leave open: page sizes, lines in lists, where Pax8's ids are. Some thirty reads, no write.

Facts with mark U: docs/vendors/halo.md#lists, #licence, #client. What the answers mean for a run is in
`settings.tenant_answers`. Whether two reads of a line show the same links decides what a run may believe of a list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Protocol

from pax8_pipeline.errors import BadRequest, ServerFault
from pax8_pipeline.extract.halo_lists import ask_integration
from pax8_pipeline.extract.ports import HaloReader
from pax8_pipeline.extract.probe import Problems, RawReader, Row, id_of, missing_members, without_empty
from pax8_pipeline.settings.tenant_answers import CompanyPlace, HaloAnswers, RecordCount, YesNo
from pax8_pipeline.values import IntegrationState

# Path, envelope, and the members that the typed tables read (warehouse/sql/staging).
_LISTS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "clients": ("/Client", "clients", ("id", "name", "inactive")),
    "items": ("/Item", "items", ("id", "name")),
    "licences": (
        "/SoftwareLicence", "licences",
        ("id", "client_id", "type", "count", "is_active", "price", "purchase_price", "billing_cycle", "requested_quantity"),
    ),
    "recurring invoices": (
        "/RecurringInvoice", "invoices", ("id", "client_id", "disabled", "period", "nextcreationdate", "change_seq", "lines"),
    ),
    "invoices": ("/Invoice", "invoices", ("id", "client_id", "invoice_date", "posted", "voided", "reference", "lines")),
}  # fmt: skip
_LINE = ("id", "ihid", "qty_order", "unit_price", "unit_cost", "isinactive", "recurring_invoice_quantity_type")
_SIZES = (1000, 500, 200, 100, 50)
_LINKED_TYPES = (1, 4)
_LINKS = ("quantity_licences", "quantity_subscriptions")
_FIXED_COUNT = 50
# Single reads to compare with the list: for each type of line, some with links and some without.
_COMPARED = 3
_CLIENTS_READ = 5
_NOTHING: dict[str, Any] = {}
_NO_ROWS: Sequence[Row] = ()
_NOT_SHOWN: tuple[YesNo, tuple[int, ...]] = ("not known", ())
_NO_PLACES: tuple[tuple[CompanyPlace, ...], YesNo] = ((), "not known")
# The members of a client that may hold a company id, with the member of each row that would be the id.
_HOLDERS = {"customfields": "value", "external_links": "third_party_id"}


class HaloProbed(HaloReader, RawReader, Protocol):
    """The Halo client as the probe uses it."""

    def instance_info(self) -> dict[str, Any]:
        """What Halo says about itself."""

    def recurring_invoice(self, recurring_invoice_id: int) -> dict[str, Any]:
        """One recurring invoice with lines and links."""


class HaloProbe:
    """One probe. `subscriptions`: Pax8 ids with the vendor's ids; `companies`: Pax8 ids. They are looked for in Halo."""

    def __init__(
        self, client: HaloProbed, today: date, subscriptions: Mapping[str, str], companies: Collection[str], field: str
    ) -> None:
        self._client = client
        self._today = today
        self._subscriptions = subscriptions
        self._companies = companies
        self._custom_field = field
        self._sizes: dict[str, int] = {}
        self._counts: list[bool] = []
        self._missing: dict[str, tuple[str, ...]] = {}
        self.problems = Problems()
        self.other_fields: set[str] = set()  # a person of this tenant gave these names: shown, and never stored

    def answers(self) -> HaloAnswers:
        """Ask everything."""
        ask = self.problems.ask
        version = str(ask(self._client.instance_info, _NOTHING).get("app_version") or "")
        rows = {name: ask(partial(self._first_page, name), _NO_ROWS) for name in _LISTS}
        lines_in_lists, links = ask(lambda: self._lines(rows["recurring invoices"]), _NOT_SHOWN)
        places, in_list = ask(lambda: self._company_ids(rows["clients"]), _NO_PLACES)
        integration: IntegrationState = ask(lambda: ask_integration(self._client).state, "unknown")
        licences = rows["licences"]
        return HaloAnswers(
            probed_on=self._today,
            version=version if version.replace(".", "").replace("-", "").isalnum() else "",
            page_sizes=self._sizes,
            record_count=self._record_count(),
            lines_in_lists=lines_in_lists,
            links_in_lists=links,
            subscription_id_members=_members_with(licences, self._subscriptions.keys()),
            vendor_id_members=_members_with(licences, set(self._subscriptions.values()) - {""}),
            company_id_places=places,
            client_ids_in_list=in_list,
            integration=integration,
            missing_members=without_empty(self._missing),
            limit_headers=self._client.limit_headers,
        )

    def _get(self, path: str, **params: str) -> Any:
        return self._client.raw(path, params)

    # Lists

    def _first_page(self, name: str) -> Sequence[Row]:
        """Read the first page with the largest size that Halo takes, and note how many rows it gives."""
        path, key, expected = _LISTS[name]
        size, body = self._largest(path)
        rows = _rows(body, key)
        count = body.get("record_count") if isinstance(body, dict) else None
        more = _rows(self._page(path, size, 2), key) if rows and len(rows) < size else rows
        if len(rows) < size and more:
            self._sizes[name] = len(rows)
        elif size < _SIZES[0]:
            self._sizes[name] = size
        if isinstance(count, int) and rows and len(rows) != _FIXED_COUNT and not (len(rows) < size and more):
            self._counts.append(count == len(rows))
        self._missing[name] = missing_members(rows, expected)
        return rows

    def _largest(self, path: str) -> tuple[int, Any]:
        for size in _SIZES[:-1]:
            try:
                return size, self._page(path, size, 1)
            except (BadRequest, ServerFault):
                continue
        return _SIZES[-1], self._page(path, _SIZES[-1], 1)

    def _page(self, path: str, size: int, number: int) -> Any:
        params = {"pageinate": "true", "page_size": str(size), "page_no": str(number), "order": "id"}
        more = {"includelines": "true"} if path.endswith("Invoice") else {"includeinactive": "true"}
        return self._get(path, **params, **more)

    def _record_count(self) -> RecordCount:
        if not self._counts:
            return "not known"
        return "the total" if all(self._counts) else "not the total"

    # Lines

    def _lines(self, headers: Sequence[Row]) -> tuple[YesNo, tuple[int, ...]]:
        """Compare lines of the list with single reads: are they there, and are their links the same?"""
        listed = {
            header["id"]: list(_dicts(header.get("lines"))) for header in headers if isinstance(header.get("id"), int)
        }
        self._missing["lines"] = missing_members([line for lines in listed.values() for line in lines], _LINE)
        if not any(listed.values()):
            return self._lines_elsewhere(listed), ()
        if not self._lines_are_whole(listed):
            return "no", ()
        proven = [kind for kind in _LINKED_TYPES if self._links_are_shown(listed, kind)]
        return "yes", tuple(proven)

    def _lines_elsewhere(self, listed: Mapping[int, Sequence[Row]]) -> YesNo:
        """Return "no" when a single read has lines that the list leaves out."""
        for invoice_id in list(listed)[:_COMPARED]:
            if self._client.recurring_invoice(invoice_id).get("lines"):
                return "no"
        return "not known"

    def _lines_are_whole(self, listed: Mapping[int, Sequence[Row]]) -> bool:
        """True when single reads have the same lines: of some with lines, and of some whose list is empty."""
        filled = [invoice for invoice, lines in listed.items() if lines]
        empty = [invoice for invoice, lines in listed.items() if not lines]
        return all(
            _ids(self._client.recurring_invoice(invoice).get("lines")) == _ids(listed[invoice])
            for invoice in (*filled[:_COMPARED], *empty[:_COMPARED])
        )

    def _links_are_shown(self, listed: Mapping[int, Sequence[Row]], kind: int) -> bool:
        """True when the list shows links of this type, and single reads show neither more nor others."""
        of_kind = {invoice: [line for line in lines if line.get("recurring_invoice_quantity_type") == kind]
                   for invoice, lines in listed.items()}  # fmt: skip
        linked = [invoice for invoice, lines in of_kind.items() if any(map(_links, lines))]
        bare = [invoice for invoice, lines in of_kind.items() if any(not _links(line) for line in lines)]
        if not linked:
            return False
        compared = dict.fromkeys([*linked[:_COMPARED], *bare[:_COMPARED]])
        return all(self._same_links(invoice, of_kind[invoice]) for invoice in compared)

    def _same_links(self, invoice_id: int, lines: Sequence[Row]) -> bool:
        single = {line.get("id"): line for line in _dicts(self._client.recurring_invoice(invoice_id).get("lines"))}
        return all(_links(line) == _links(single.get(line.get("id"), {})) for line in lines)

    # Clients

    def _company_ids(self, clients: Sequence[Row]) -> tuple[tuple[CompanyPlace, ...], YesNo]:
        """Read some clients whole: where do they hold Pax8 company ids, and does the list show the same?"""
        listed = {row["id"]: row for row in clients if isinstance(row.get("id"), int) and not row.get("inactive")}
        found: set[CompanyPlace] = set()
        same: list[bool] = []
        for client_id in list(listed)[:_CLIENTS_READ]:
            row = self._client.client(client_id)
            found |= self._places_of(row)
            # What a list row leaves out altogether a run sees by itself.
            same += [_held(listed[client_id], name) == _held(row, name) for name in _HOLDERS
                     if listed[client_id].get(name) is not None and (_held(row, name) or listed[client_id][name])]  # fmt: skip
        return tuple(sorted(found)), "not known" if not same else "yes" if all(same) else "no"

    def _places_of(self, row: Row) -> set[CompanyPlace]:
        found: set[CompanyPlace] = set()
        for custom in _dicts(row.get("customfields")):
            if id_of(custom.get("value")) in self._companies:
                name = str(custom.get("name") or "")
                own = name.lower() == self._custom_field.lower()
                found.add("custom field of the policy" if own else "another custom field")
                if not own:
                    self.other_fields.add(name)
        if any(id_of(link.get("third_party_id")) in self._companies for link in _dicts(row.get("external_links"))):
            found.add("external_links")
        return found


def _rows(body: Any, key: str) -> tuple[Row, ...]:
    return tuple(_dicts(body.get(key) if isinstance(body, dict) else body))


def _dicts(value: object) -> Iterator[Row]:
    yield from (row for row in (value if isinstance(value, list | tuple) else ()) if isinstance(row, dict))


def _ids(lines: Any) -> set[Any]:
    return {line.get("id") for line in _dicts(lines)}


def _links(line: Row) -> set[Any]:
    return {link.get("licence_id") for name in _LINKS for link in _dicts(line.get(name))}


def _held(client: Row, name: str) -> set[str]:
    return {id_of(row.get(_HOLDERS[name])) for row in _dicts(client.get(name))} - {""}


def _members_with(rows: Sequence[Row], ids: Collection[str]) -> dict[str, int]:
    """Count by member in how many rows its value is one of the ids."""
    found = Counter(name for row in rows for name, value in row.items() if id_of(value) and id_of(value) in ids)
    return dict(found.most_common())
