"""The protocols of the two clients as this room uses them, so that a test can use a small stand-in. HTTP is in
`pax8_pipeline.pax8` and `pax8_pipeline.halo`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Protocol, TypeVar

from pax8_pipeline.clock import ClockSeen
from pax8_pipeline.transport.listing import Listing, Row

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]


class Many(Protocol):
    """A client that reads many things at once."""

    def many(self, fn: Callable[[Item], Result], ids: Iterable[Item], progress: Progress | None = None) -> list[Result]:
        """Apply `fn` to all ids. Results have the order of the ids; the first error ends the call and is raised."""


class Pax8Reader(Many, Protocol):
    """The Pax8 client as this room uses it (pax8.client.Pax8Client)."""

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

    def draft_items(self) -> Listing:
        """The items of next month's invoice as of today."""

    def subscription_history(self, subscription_id: str) -> Listing:
        """The snapshots of one subscription, in any order."""

    @property
    def clock(self) -> ClockSeen | None:
        """Pax8's clock beside ours; None before the first answer with a time."""

    def usage_summaries(self, subscription_id: str) -> Listing:
        """The usage summaries of one subscription in the current month."""

    def usage_summary(self, summary_id: str) -> Row:
        """One usage summary."""

    def usage_lines(self, summary_id: str, usage_date: date) -> Listing:
        """The usage lines of one summary as posted for one day."""


class HaloReader(Many, Protocol):
    """The Halo client as this room uses it (halo.client.HaloClient)."""

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
        """Ordinary invoices from `start` to `end`."""

    def integration(self) -> list[dict[str, Any]]:
        """The accounts of Halo's own Pax8 integration."""

    def integration_account(self, account_id: int) -> Row:
        """One account with its links of clients."""
