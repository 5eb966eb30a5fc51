"""Decides whether the list of recurring invoices shows where the quantities of its lines come from. Pure.

A line of type 1 or 4 bills the licences that it is linked to; without the links it is useless
(docs/vendors/halo.md#line-follows-licence). Reading the missing ones singly is in `client`.
"""

from __future__ import annotations

from collections.abc import Collection

from pax8_pipeline.transport.listing import Listing, Row

# Halo computes the quantity of these lines from licences (1) or subscriptions (4). Without their links the lines are
# useless.
LINKED_TYPES = (1, 4)


def shows_links(listing: Listing, kind: int) -> bool:
    """True when a line of this quantity type came with links: what a probe proved still holds in this very list."""
    return any(
        line.get("recurring_invoice_quantity_type") == kind and _has_links(line)
        for row in listing.objects
        for line in row.get("lines") or ()
    )


def _has_links(line: Row) -> bool:
    return bool(line.get("quantity_licences") or line.get("quantity_subscriptions"))


def lacks_links(row: Row, shown: Collection[int] = ()) -> bool:
    """True for a recurring invoice whose list row does not show where its quantities come from.

    `shown`: quantity types whose links this Halo's list shows, so that an empty list of them means that there are none.
    """
    lines = row.get("lines")
    if not lines:
        return True
    return any(
        line.get("recurring_invoice_quantity_type") in LINKED_TYPES
        and not _has_links(line)
        and not (line.get("recurring_invoice_quantity_type") in shown and _says_none(line))
        for line in lines
    )


def _says_none(line: Row) -> bool:
    """True when both lists of links are there and empty; a missing one or null says nothing."""
    return line.get("quantity_licences") == [] and line.get("quantity_subscriptions") == []
