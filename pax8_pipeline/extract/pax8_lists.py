"""Reads Pax8's lists into raw: companies, products, subscriptions, invoices and their items.

Here belongs: which list goes into which table, and which invoices still have to be read. Not here: usage (`usage`),
HTTP (`pax8_pipeline.pax8`). Facts: docs/vendors/pax8.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pax8_pipeline.extract.completeness import whole
from pax8_pipeline.extract.ports import Pax8Reader, Progress
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql

# How far back an invoice may be dated to have its items read: the last one, and the one before it.
ITEM_DAYS = 62
# The most rows Pax8 gives on a page (docs/vendors/pax8.md#lists).
PAGE_SIZE = 200


def read_list(client: Pax8Reader, name: str) -> snapshots.Read:
    """Read one of Pax8's flat lists: companies, products, subscriptions or invoices."""
    asks = {
        "companies": client.companies,
        "products": client.products,
        "subscriptions": client.subscriptions,
        "invoices": client.invoices,
    }
    return whole(f"pax8.{name}", asks[name], f"/{name}")


@dataclass(frozen=True)
class Wanted:
    """An invoice whose items are to be read. `invoice_id` as sent; `month`: the usage month it charges, yyyy-mm."""

    invoice_id: str
    month: str


_MISSING = load_sql("extract/pax8_lists_missing.sql")


def invoices_to_read(connection: Connection, today: date, months: Sequence[str] = ()) -> list[Wanted]:
    """Return the invoices whose items are not here yet, oldest usage month first: those of the last two months by their
    date, and those with the charges of the usage `months`, which are dated in the month after
    (docs/vendors/pax8.md#invoice-items).

    An approved invoice never changes (docs/vendors/pax8.md#invoices), so its items are read once, of Void and Credited
    ones too. A read that brought no items is not trusted with that and is asked again.
    """
    values = {"since": today - timedelta(days=ITEM_DAYS), "months": list(months)}
    found = [Wanted(str(row[0]), str(row[1])) for row in connection.execute(_MISSING, values).fetchall()]
    return sorted(found, key=lambda w: (w.month, w.invoice_id))


def pages_per_invoice(connection: Connection) -> int:
    """Return how many calls the items of one invoice take: as those read so far did, else by the subscriptions."""
    known, subscriptions = connection.execute(
        "SELECT (SELECT ceil(avg(requests)) FROM meta.snapshots WHERE table_name = 'pax8.invoice_items' AND complete "
        "AND row_count > 0), (SELECT count(*) FROM newest.pax8_subscriptions)"
    ).fetchall()[0]
    return max(1, int(known) if known is not None else -(-int(subscriptions) // PAGE_SIZE))


def read_invoice_items(
    client: Pax8Reader, invoice_ids: Sequence[str], progress: Progress | None = None
) -> list[snapshots.Read]:
    """Read the items of some invoices, one Read each; the scope is the invoice id in lower case."""

    def read(invoice_id: str) -> snapshots.Read:
        endpoint = f"/invoices/{invoice_id}/items"
        scope = invoice_id.strip().lower()
        return whole("pax8.invoice_items", lambda: client.invoice_items(invoice_id), endpoint, scope)

    return client.many(read, invoice_ids, progress)
