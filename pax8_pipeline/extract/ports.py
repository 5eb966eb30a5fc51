"""What loading needs of the two clients, so that a stand-in of a few lines can take their place.

Here belongs: protocols. Not here: HTTP (`pax8`, `halo`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Protocol, TypeVar

from pax8_pipeline.transport.listing import Listing, Row

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]


class Many(Protocol):
    """A client that asks for many things at once."""

    def many(self, fn: Callable[[Item], Result], ids: Iterable[Item], progress: Progress | None = None) -> list[Result]:
        """Apply `fn` to all ids; results in order, the first error ends it all."""


class Pax8Reader(Many, Protocol):
    """Pax8 as loading sees it (pax8.client.Pax8Client)."""

    def companies(self) -> Listing:
        """All companies."""

    def products(self) -> Listing:
        """All products."""

    def subscriptions(self) -> Listing:
        """All subscriptions."""

    def invoices(self) -> Listing:
        """All invoices."""

    def invoice_items(self, invoice_id: str) -> Listing:
        """All items of one invoice."""

    def usage_summaries(self, subscription_id: str) -> Listing:
        """The usage summaries of one subscription, this month."""

    def usage_summary(self, summary_id: str) -> Row:
        """One usage summary."""

    def usage_lines(self, summary_id: str, usage_date: date) -> Listing:
        """The usage lines of one summary as posted for one day."""


class HaloReader(Many, Protocol):
    """Halo as loading sees it (halo.client.HaloClient)."""

    def clients(self) -> Listing:
        """All clients."""

    def client(self, client_id: int) -> Row:
        """One client with custom fields and links."""

    def items(self) -> Listing:
        """All items."""

    def licences(self) -> Listing:
        """All licences and subscriptions."""

    def recurring_invoices(self, progress: Progress | None = None) -> Listing:
        """All recurring invoices with lines and links."""

    def invoices(self, start: date, end: date) -> Listing:
        """Ordinary invoices of a span of days."""

    def integration(self) -> list[dict[str, Any]]:
        """The accounts of Halo's own Pax8 integration."""
