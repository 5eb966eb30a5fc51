"""Reads Pax8's lists into raw: companies, products, subscriptions, invoices and their items.

Here belongs: which list goes into which table, and which invoices still have to be read. Not here: usage (`usage`),
HTTP (`pax8_pipeline.pax8`). Facts: api/pax8.md sections 7 to 12.
"""

from __future__ import annotations

from datetime import date, timedelta

from pax8_pipeline.loading.reads import whole
from pax8_pipeline.loading.vendors import Pax8Reader, Progress
from pax8_pipeline.warehouse import raw
from pax8_pipeline.warehouse.connection import Connection

# How far back an invoice may be dated to have its items read: the last one, and the one before it.
ITEM_DAYS = 62


def read_list(client: Pax8Reader, name: str) -> raw.Read:
    """Read one of Pax8's flat lists: companies, products, subscriptions or invoices."""
    asks = {
        "companies": client.companies,
        "products": client.products,
        "subscriptions": client.subscriptions,
        "invoices": client.invoices,
    }
    return whole(f"pax8.{name}", asks[name], f"/{name}")


def invoices_to_read(connection: Connection, today: date) -> list[str]:
    """Return the ids, as sent, of invoices of the last two months whose items are not here yet.

    An approved invoice never changes (section 11), so its items are read once. A read that brought no items is
    not trusted with that and is asked again.
    """
    rows = connection.execute(
        "SELECT DISTINCT ON (object_id) json_extract_string(payload, '$.id') AS id FROM newest.pax8_invoices i "
        "WHERE meta.day(json_extract_string(payload, '$.invoiceDate')) >= $since "
        "AND meta.idtext(json_extract_string(payload, '$.id')) IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM meta.snapshots s WHERE s.table_name = 'pax8.invoice_items' AND s.complete "
        "AND s.row_count > 0 AND s.scope = i.object_id) ORDER BY object_id",
        {"since": today - timedelta(days=ITEM_DAYS)},
    ).fetchall()
    return [str(row[0]) for row in rows]


def read_invoice_items(client: Pax8Reader, invoice_ids: list[str], progress: Progress | None = None) -> list[raw.Read]:
    """Read the items of some invoices, one Read each; the scope is the invoice id in lower case."""

    def read(invoice_id: str) -> raw.Read:
        endpoint = f"/invoices/{invoice_id}/items"
        scope = invoice_id.strip().lower()
        return whole("pax8.invoice_items", lambda: client.invoice_items(invoice_id), endpoint, scope)

    return client.many(read, invoice_ids, progress)
