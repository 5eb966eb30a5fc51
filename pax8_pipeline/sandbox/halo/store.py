"""The state of the emulated Halo: its rows, its ids, and a log of all writes.

It has functions that add complete rows, numbering, change logs, saving and loading. The rules of a write are in
`writes.py`, quantities and money in `quantities.py`, invoices in `invoicing.py`, the night in `nightly.py`, HTTP in
`api.py`. Rows are plain JSON-able dicts named as in docs/vendors/halo.md, with money and quantity as Decimal. A test or
an event may read and edit them directly, under `store.lock` while a server runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from pax8_pipeline.sandbox.halo import templates
from pax8_pipeline.sandbox.halo.auth import TokenIssuer
from pax8_pipeline.sandbox.halo.rows import AGENT, EMPTY_DATE, Row, new_row, stamp
from pax8_pipeline.sandbox.halo.switches import HaloSwitches
from pax8_pipeline.text import jsontext

_FIRST_IDS = {
    "client": 201,
    "item": 81,
    "licence": 4101,
    "line": 24901,
    "invoice": 51801,
    "quantity": 901,
    "prorata": 301,
    "link": 1201,
    "field": 301,
    "contract": 61,
    "supplier": 11,
    "licence_change": 1,
    "invoice_change": 1,
}


class HaloStore:
    """One tenant. `now` returns the moment of the world's clock (aware UTC). `switches` may be changed at any time.

    `native_counts`, when set, returns what Halo's own Pax8 integration would import: subscription id -> quantity, in
    whole seats. It is called only while the switch `native_sync` is on. `vendor_id_of` returns the vendor's id of a
    Pax8 subscription; it is called only while the switch `licence_ids` is `vendor`.
    """

    def __init__(self, *, now: Callable[[], datetime], switches: HaloSwitches | None = None) -> None:
        self.now = now
        self.switches = switches or HaloSwitches()
        self.lock = threading.RLock()
        self.clients: dict[int, Row] = {}
        self.items: dict[int, Row] = {}
        self.licences: dict[int, Row] = {}
        self.recurring_invoices: dict[int, Row] = {}
        self.invoices: dict[int, Row] = {}
        self.contracts: dict[int, Row] = {}
        self.suppliers: dict[int, Row] = {}
        self.licence_changes: list[Row] = []
        self.invoice_changes: list[Row] = []
        self.writes: list[Row] = []
        self.violations: list[Row] = []
        self.integration: Row = new_row(templates.PAX8_DETAILS.stored, {})
        self.custom_fields: dict[str, dict[str, int]] = {}  # entity -> name -> id; unknown names are ignored on write
        self.native_counts: Callable[[], Mapping[str, int]] | None = None
        self.vendor_id_of: Callable[[str], str | None] | None = None
        self.tokens = TokenIssuer(now)
        self._next = dict(_FIRST_IDS)
        self._next_recurring = -10

    # Adders -----------------------------------------------------------------------------------------------

    def add_client(self, **fields: Any) -> int:
        """Add a client; `customfields` as [{name, value}], `external_links` with at least third_party_id."""
        row = new_row(templates.CLIENT.stored, {"datecreated": self.stamp(), "alastupdate": self.stamp(), **fields})
        row["id"] = self._take_id("client", fields)
        row["customfields"] = self.custom_field_rows("client", row["customfields"], define=True)
        row["external_links"] = [self._link_row(link, row) for link in row["external_links"]]
        self.clients[row["id"]] = row
        return int(row["id"])

    def add_item(self, **fields: Any) -> int:
        """Add a product."""
        given = {"datecreated": self.stamp(), "lastmodified": self.stamp(), **fields}
        number = self._add("item", self.items, templates.ITEM.stored, given)
        row = self.items[number]
        row["customfields"] = self.custom_field_rows("item", row["customfields"], define=True)
        return number

    def add_licence(self, **fields: Any) -> int:
        """Add a licence or subscription (type 1 unless given); `count` must be an int."""
        if not isinstance(fields.get("count", 0), int):
            raise TypeError("a licence's count is an int (docs/vendors/halo.md#formats)")
        return self._add("licence", self.licences, templates.LICENCE.stored, fields)

    def add_contract(self, **fields: Any) -> int:
        """Add a client contract."""
        return self._add("contract", self.contracts, templates.CONTRACT.stored, fields)

    def add_supplier(self, **fields: Any) -> int:
        """Add a supplier."""
        return self._add("supplier", self.suppliers, templates.SUPPLIER.stored, fields)

    def _add(self, kind: str, table: dict[int, Row], template: Row, fields: Mapping[str, Any]) -> int:
        row = new_row(template, fields)
        row["id"] = self._take_id(kind, fields)
        table[row["id"]] = row
        return int(row["id"])

    def add_recurring_invoice(self, *, lines: Iterable[Mapping[str, Any]], **fields: Any) -> int:
        """Add a recurring invoice (negative id, from -10 downwards) with its lines (positive ids)."""
        row = new_row(templates.HEADER.stored, {"date_created": self.stamp(), "last_modified": self.stamp(), **fields})
        row["id"] = fields.get("id") or self._next_recurring
        row["is_recurring_invoice"] = True
        self._next_recurring = min(self._next_recurring, row["id"] - 1)
        row["customfields"] = self.custom_field_rows("invoice", row["customfields"], define=True)
        row["lines"] = [self.line_row(line, row) for line in lines]
        self.recurring_invoices[row["id"]] = row
        return int(row["id"])

    def add_invoice(self, *, lines: Iterable[Mapping[str, Any]], **fields: Any) -> int:
        """Add an ordinary invoice (positive id, unposted unless given) with its lines."""
        moment = self.stamp()
        defaults = {"date_created": moment, "last_modified": moment, "invoice_date": moment[:10] + "T00:00:00"}
        row = new_row(templates.HEADER.stored, {**defaults, **fields})
        row["id"] = self._take_id("invoice", fields)
        row["customfields"] = self.custom_field_rows("invoice", row["customfields"], define=True)
        row["lines"] = [self.line_row(line, row) for line in lines]
        self.invoices[row["id"]] = row
        return int(row["id"])

    def define_custom_field(self, entity: str, name: str) -> int:
        """Let `entity` (client, item, invoice, line) have a custom field. Values of undefined fields are ignored."""
        names = self.custom_fields.setdefault(entity, {})
        if name not in names:
            names[name] = self.take_id("field")
        return names[name]

    # Rows and numbers -------------------------------------------------------------------------------------

    def take_id(self, kind: str) -> int:
        """Return the next number of a sequence; lines of both kinds of invoices share one."""
        number = self._next[kind]
        self._next[kind] = number + 1
        return number

    def _take_id(self, kind: str, fields: Mapping[str, Any]) -> int:
        given_id = fields.get("id")
        if not given_id:
            return self.take_id(kind)
        self._next[kind] = max(self._next[kind], given_id + 1)
        return int(given_id)

    def stamp(self) -> str:
        """The world's moment as Halo writes it."""
        return stamp(self.now())

    def line_row(self, fields: Mapping[str, Any], header: Row) -> Row:
        """A line to store under `header`, with ids for itself and everything in it."""
        row = new_row(templates.LINE.stored, fields)
        row["id"] = self._take_id("line", fields)
        row["ihid"] = header["id"]
        row["sequenceid"] = fields.get("sequenceid") or len(header.get("lines") or []) + 1
        if "baseprice" not in fields:
            row["baseprice"] = row["unit_price"]
        self.adopt_children(row)
        row["customfields"] = self.custom_field_rows("line", row["customfields"], define=False)
        return row

    def adopt_children(self, line: Row) -> None:
        """Number a line's quantity links and pro rata entries that have no id yet, and link them to the line."""
        kinds = {"quantity_licences": 1, "quantity_users": 2, "quantity_assets": 3, "quantity_subscriptions": 4}
        for member, kind in kinds.items():
            links = [
                new_row(templates.QUANTITY.stored, {"kind": kind, **link, "licence_name": ""})
                for link in line[member] or []
            ]
            for link in links:
                link["id"] = self._take_id("quantity", link)
                link["invoice_line_id"] = line["id"]
            line[member] = links
        entries = [new_row(templates.PRORATA.stored, entry) for entry in line["prorata_data"] or []]
        for entry in entries:
            entry["id"] = self._take_id("prorata", entry)
            entry["invoicedetailid"] = line["id"]
            entry["recurring_invoice_id"] = line["ihid"]
        line["prorata_data"] = entries

    def custom_field_rows(self, entity: str, values: Iterable[Mapping[str, Any]], *, define: bool) -> list[Row]:
        """Return rows for the values whose field the tenant has. With `define`, a missing field is made first."""
        rows = []
        for value in values or []:
            name = str(value.get("name", ""))
            if define:
                self.define_custom_field(entity, name)
            number = self.custom_fields.get(entity, {}).get(name)
            if number is None:
                continue
            text = value.get("value")
            shown = "" if text is None else str(text)
            rows.append(
                new_row(templates.CUSTOM_FIELD.stored, {**value, "id": number, "label": name, "display": shown})
            )
        return rows

    def _link_row(self, link: Mapping[str, Any], client: Row) -> Row:
        row = new_row(templates.EXTERNAL_LINK.stored, {"halo_desc": client["name"], **link})
        row["id"] = self._take_id("link", link)
        row["halo_id"] = client["id"]
        return row

    # Logs -------------------------------------------------------------------------------------------------

    def log_write(self, method: str, path: str, body: Any) -> None:
        """Record an accepted write."""
        self.writes.append({"at": self.stamp(), "method": method, "path": path, "body": body})

    def log_violation(self, method: str, path: str, body: Any, why: str) -> None:
        """Record a call that the product must never make (docs/architecture.md#rule-9)."""
        self.violations.append({"at": self.stamp(), "method": method, "path": path, "body": body, "why": why})

    def log_licence_change(self, licence_id: int, field: str, old: Any, new: Any, who: str = AGENT[1]) -> int:
        """Record a changed member of a licence. Return the id of the record."""
        number = self.take_id("licence_change")
        self.licence_changes.append(
            {
                "id": number,
                "licence_id": licence_id,
                "field_id": 0,
                "field_name": field,
                "old_value": _shown(old),
                "new_value": _shown(new),
                "who": who,
                "datetime": self.stamp(),
            }
        )
        return number

    def log_invoice_change(
        self, invoice_id: int, line_id: int, field: str, old: Any, new: Any, who: str = AGENT[1]
    ) -> None:
        """Record a changed member of a header (`line_id` 0) or a line."""
        self.invoice_changes.append(
            {
                "id": self.take_id("invoice_change"),
                "invoice_id": invoice_id,
                "invoice_line_id": line_id,
                "field_id": 0,
                "field_name": field,
                "old_value": _shown(old),
                "new_value": _shown(new),
                "who": who,
                "datetime": self.stamp(),
                "type_id": 1 if line_id else 0,
            }
        )

    # Tokens -----------------------------------------------------------------------------------------------

    def expire_tokens(self) -> None:
        """Make all tokens issued so far invalid."""
        with self.lock:
            self.tokens.expire_all()

    # Saving -----------------------------------------------------------------------------------------------

    _ROWS = ("clients", "items", "licences", "recurring_invoices", "invoices", "contracts", "suppliers")
    _LOGS = ("licence_changes", "invoice_changes", "writes", "violations")

    def to_json(self) -> dict[str, Any]:
        """The whole state without tokens and clock. It shares the rows: write it before the store changes."""
        data: dict[str, Any] = {name: list(getattr(self, name).values()) for name in self._ROWS}
        data.update({name: getattr(self, name) for name in self._LOGS})
        data["integration"] = self.integration
        data["custom_fields"] = self.custom_fields
        data["switches"] = self.switches.to_json()
        data["next_ids"] = self._next
        data["next_recurring_id"] = self._next_recurring
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, now: Callable[[], datetime]) -> HaloStore:
        """The inverse of `to_json`."""
        store = cls(now=now, switches=HaloSwitches.from_json(data.get("switches", {})))
        for name in cls._ROWS:
            getattr(store, name).update({row["id"]: row for row in data[name]})
        for name in cls._LOGS:
            getattr(store, name).extend(data[name])
        store.integration = data["integration"]
        store.custom_fields = data["custom_fields"]
        store._next.update(data["next_ids"])
        store._next_recurring = data["next_recurring_id"]
        return store


def _shown(value: Any) -> str:
    """A value as the change log shows it."""
    if value is None or value == EMPTY_DATE:
        return ""
    return jsontext.dumps(value) if isinstance(value, (list, dict)) else str(value)
