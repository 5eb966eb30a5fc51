"""What apply needs of the world outside, as protocols: Halo, Pax8, and the place where every step is written down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Protocol

from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.model import Entry, WriteStatus


class Objects(Protocol):
    """A list that was read whole."""

    @property
    def objects(self) -> Sequence[Object]:
        """Its rows."""

    @property
    def requests(self) -> int:
        """How many calls that took."""


class InvoiceGateway(Protocol):
    """What a usage invoice needs of Halo. Reads raise VendorError; writes raise WriteRefused or WriteUnknown."""

    def invoices(self, start: date, end: date, client_ids: Sequence[int] = ()) -> Objects:
        """Return ordinary invoices of a span of days, both ends included, with their lines, in any state; of some clients
        or all. With several clients, nothing follows from a row that is missing (`document_search`).
        """

    def invoice(self, invoice_id: int) -> Object:
        """Return one ordinary invoice with its lines."""

    def recurring_invoices(self) -> Objects:
        """Return all recurring invoices with their lines and links."""

    def recurring_invoices_of(self, client_ids: Sequence[int]) -> Objects:
        """Return those of some clients. With several clients, nothing follows from a row that is missing."""

    def create_invoice(self, invoice: dict[str, Any]) -> Any:
        """Create one ordinary invoice. The reply may name it (`saved`) and is no proof."""

    def create_invoices(self, invoices: Sequence[dict[str, Any]]) -> Any:
        """Create several ordinary invoices in one call. The reply may name them (`rows`) and is no proof."""


class HaloGateway(InvoiceGateway, Protocol):
    """What apply needs of Halo. Reads raise VendorError; writes raise WriteRefused or WriteUnknown."""

    def recurring_invoice(self, recurring_invoice_id: int) -> Object:
        """Return one recurring invoice with all its lines and links."""

    def licence(self, licence_id: int) -> Object:
        """Return one licence."""

    def licences(self) -> Objects:
        """Return all licences."""

    def licences_of(self, client_id: int) -> Objects:
        """Return the licences of one client, inactive ones too."""

    def clients(self) -> Objects:
        """Return all clients, inactive ones too, without custom fields."""

    def client(self, client_id: int) -> Object:
        """Return one client with custom fields."""

    def create_client(self, client: dict[str, Any]) -> Any:
        """Create one client."""

    def create_licence(self, licence: dict[str, Any]) -> Any:
        """Create one licence."""

    def create_line(self, line: dict[str, Any]) -> Any:
        """Put one new line on a recurring invoice."""

    def update_licence(self, fields: dict[str, Any]) -> Any:
        """Save some members of one licence."""

    def update_licences(self, rows: Sequence[dict[str, Any]]) -> Any:
        """Save some members of several licences in one call."""

    def update_line(self, line: dict[str, Any]) -> Any:
        """Save one whole recurring invoice line."""

    def update_lines(self, lines: Sequence[dict[str, Any]]) -> Any:
        """Save several whole recurring invoice lines in one call."""

    def replace_lines(self, header: dict[str, Any]) -> Any:
        """Save a recurring invoice with every one of its lines."""


class Record(Protocol):
    """Where every step is written down; `record` returns once it is on disk."""

    def record(self, plan_id: str, entries: Sequence[Entry]) -> None:
        """Append entries."""

    def write_history(self, row_id: str) -> Sequence[WriteStatus]:
        """Return what became of one row in every plan that had it, compared without case."""

    def documents_of(self, client_id: int | None, start: date, end: date) -> Sequence[str]:
        """Return the keys of usage documents of a client that a search over these days must show."""


class Pax8Gateway(Protocol):
    """What apply needs of Pax8: asking for a subscription once more before its line is ended."""

    def subscription(self, subscription_id: str) -> Object:
        """Return one subscription."""
