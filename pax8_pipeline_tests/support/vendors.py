"""Both vendors in memory, a few lines each: lists to read, and Halo's writes. No HTTP."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from pax8_pipeline.clock import ClockSeen
from pax8_pipeline.errors import IncompleteRead, NotFound, VendorError
from pax8_pipeline.transport.listing import Listing
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline_tests.support import vendor_data

Row = dict[str, Any]


def incomplete(where: str) -> IncompleteRead:
    """The error for a list that could not be read completely."""
    return IncompleteRead(f"{where}: 3 rows were read where 5 are named", vendor="Pax8", where=where, got=3, expected=5)


@dataclass
class _Fake:
    """Records every call; `faults` maps a call's name to the error that it raises."""

    faults: dict[str, VendorError] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    date: datetime | None = None  # the Date header of every answer

    def many(self, fn: Callable[[Any], Any], ids: Iterable[Any], progress: Any = None) -> list[Any]:
        results = []
        items = list(ids)
        for number, item in enumerate(items, start=1):
            results.append(fn(item))
            if progress is not None:
                progress(number, len(items))
        return results

    def asked(self, name: str) -> list[Any]:
        return [what for called, what in self.calls if called == name]

    def _list(self, name: str, rows: list[Row], what: Any = None) -> Listing:
        self.calls.append((name, what))
        if name in self.faults:
            raise self.faults[name]
        return Listing(f"/{name}", tuple(copy.deepcopy(rows)), len(rows), 1, 0)

    @property
    def clock(self) -> ClockSeen | None:
        """The time of an answer; most of these have no Date header."""
        if self.date is None:
            return None
        return ClockSeen(self.date, datetime.now(UTC))

    def close(self) -> None:
        self.calls.append(("close", None))


@dataclass
class Pax8InMemory(_Fake):
    """Pax8: lists, usage by subscription id, single summaries by id, lines by (summary id, day)."""

    company_rows: list[Row] = field(default_factory=lambda: [vendor_data.company()])
    product_rows: list[Row] = field(default_factory=list)
    subscription_rows: list[Row] = field(default_factory=lambda: [vendor_data.subscription()])
    invoice_rows: list[Row] = field(default_factory=list)
    draft_rows: list[Row] = field(default_factory=list)
    histories: dict[str, list[Row]] = field(default_factory=dict)
    items: dict[str, list[Row]] = field(default_factory=dict)
    usage: dict[str, list[Row]] = field(default_factory=dict)
    summaries: dict[str, Row] = field(default_factory=dict)
    lines: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def check(self) -> None:
        self.calls.append(("check", None))

    def companies(self) -> Listing:
        return self._list("companies", self.company_rows)

    def products(self) -> Listing:
        return self._list("products", self.product_rows)

    def subscriptions(self) -> Listing:
        return self._list("subscriptions", self.subscription_rows)

    def invoices(self) -> Listing:
        return self._list("invoices", self.invoice_rows)

    def invoice_items(self, invoice_id: str) -> Listing:
        return self._list("items", self.items.get(invoice_id, []), invoice_id)

    def draft_items(self) -> Listing:
        return self._list("draft_items", self.draft_rows)

    def subscription_history(self, subscription_id: str) -> Listing:
        self._missing(subscription_id)
        return self._list("history", self.histories.get(subscription_id, []), subscription_id)

    def usage_summaries(self, subscription_id: str) -> Listing:
        self._missing(subscription_id)
        return self._list("usage", self.usage.get(subscription_id, []), subscription_id)

    def usage_summary(self, summary_id: str) -> Row:
        self.calls.append(("summary", summary_id))
        if summary_id not in self.summaries:
            raise NotFound(f"no summary {summary_id}", vendor="Pax8", status=404)
        return copy.deepcopy(self.summaries[summary_id])

    def usage_lines(self, summary_id: str, usage_date: date) -> Listing:
        self._missing(summary_id)
        return self._list("lines", self.lines.get((summary_id, usage_date.isoformat()), []), (summary_id, usage_date))

    def subscription(self, subscription_id: str) -> Row:
        return next(r for r in self.subscription_rows if str(r["id"]).lower() == subscription_id)

    def _missing(self, thing: str) -> None:
        if thing in self.gone:
            self.calls.append(("gone", thing))
            raise NotFound(f"no {thing}", vendor="Pax8", status=404)


@dataclass
class HaloInMemory(_Fake):
    """Halo: lists, details by client id, integration accounts, and writes that take effect."""

    client_rows: list[Row] = field(default_factory=lambda: [{"id": 231, "name": "Example", "inactive": False}])
    details: dict[int, Row] = field(default_factory=dict)
    item_rows: list[Row] = field(default_factory=lambda: [{"id": 88, "name": "Suite"}])
    licence_rows: list[Row] = field(default_factory=lambda: [vendor_data.licence()])
    recurring_rows: list[Row] = field(default_factory=lambda: [vendor_data.invoice([vendor_data.line()])])
    invoice_rows: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    bare: bool = False  # the list of accounts leaves out the links of clients
    instance: Row = field(default_factory=lambda: {"app_version": "2.210.1", "database_version": "2.210.1"})
    written: list[tuple[str, Row]] = field(default_factory=list)
    write_fault: VendorError | None = None

    def clients(self) -> Listing:
        return self._list("clients", self.client_rows)

    def client(self, client_id: int) -> Row:
        self.calls.append(("client", client_id))
        if client_id not in self.details:
            raise NotFound(f"no client {client_id}", vendor="Halo", status=404)
        return copy.deepcopy(self.details[client_id])

    def items(self) -> Listing:
        return self._list("items", self.item_rows)

    def licences(self) -> Listing:
        return self._list("licences", self.licence_rows)

    def recurring_invoices(self, progress: Any = None) -> Listing:
        return self._list("recurring_invoices", self.recurring_rows)

    def invoices(self, start: date, end: date) -> Listing:
        return self._list("invoices", self.invoice_rows, (start, end))

    def instance_info(self) -> Row:
        self.calls.append(("instance_info", None))
        if "instance_info" in self.faults:
            raise self.faults["instance_info"]
        return copy.deepcopy(self.instance)

    def integration(self) -> list[Row]:
        self.calls.append(("integration", None))
        if "integration" in self.faults:
            raise self.faults["integration"]
        return copy.deepcopy(
            [{**row, "client_mappings": None} for row in self.accounts] if self.bare else self.accounts
        )

    def integration_account(self, account_id: int) -> Row:
        self.calls.append(("integration account", account_id))
        return copy.deepcopy(next(row for row in self.accounts if row.get("id") == account_id))

    def licence(self, licence_id: int) -> Row:
        return copy.deepcopy(next(r for r in self.licence_rows if r["id"] == licence_id))

    def recurring_invoice(self, recurring_invoice_id: int) -> Row:
        return copy.deepcopy(next(r for r in self.recurring_rows if r["id"] == recurring_invoice_id))

    def update_licence(self, fields: Row) -> None:
        self._write("licence", fields)
        next(r for r in self.licence_rows if r["id"] == fields["id"]).update(fields)

    def update_line(self, line: Row) -> None:
        self._write("line", line)
        for invoice in self.recurring_rows:
            invoice["lines"] = [copy.deepcopy(line) if x["id"] == line["id"] else x for x in invoice["lines"]]

    def replace_lines(self, header: Row) -> None:
        self._write("lines", header)

    def _write(self, kind: str, body: Row) -> None:
        if self.write_fault is not None:
            raise self.write_fault
        self.written.append((kind, copy.deepcopy(body)))


def stored(read: snapshots.Read) -> list[str]:
    """The objects of a read as text."""
    return [o.payload for o in read.objects]
