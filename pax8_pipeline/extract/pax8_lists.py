"""Reads Pax8's lists into the raw tables: companies, products, subscriptions, invoices, invoice items and draft items. It
also decides which invoices are still to be read.

Usage is in `usage_summaries` and `usage_lines`; HTTP is in `pax8_pipeline.pax8`. Facts: docs/vendors/pax8.md.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pax8_pipeline.errors import VendorError
from pax8_pipeline.extract.completeness import read_complete
from pax8_pipeline.extract.ports import Pax8Reader, Progress
from pax8_pipeline.settings.tenant_answers import Pax8Answers
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql

# The items of an invoice are read when its date is within so many days: the last invoice and the one before it.
ITEM_DAYS = 62
# The largest page that Pax8 gives (docs/vendors/pax8.md#lists).
PAGE_SIZE = 200


def read_list(client: Pax8Reader, name: str) -> snapshots.Read:
    """Read one of Pax8's flat lists: companies, products, subscriptions or invoices. Else KeyError."""
    readers = {
        "companies": client.companies,
        "products": client.products,
        "subscriptions": client.subscriptions,
        "invoices": client.invoices,
    }
    return read_complete(f"pax8.{name}", readers[name], f"/{name}")


# A draft that a probe did not get is not asked for on so many days: each time a run would wait minutes for nothing.
NOT_ASKED_DAYS = 30


def read_draft_items(client: Pax8Reader, today: date, answers: Pax8Answers | None = None) -> snapshots.Read:
    """Read the draft of next month's invoice as of `today`. The scope is the month of that invoice, yyyy-mm.

    Which month is the next one is decided by Pax8's day in UTC (docs/vendors/pax8.md#invoice-items), which is not ours
    around midnight; `today` stands in where its answers show no time.

    A forecast must not stop a run: where Pax8 does not give the draft, the Read has no object and the reason as its
    problem. So a draft that was not read is never one without items. `answers`: of the last probe; a draft that was not
    given then is asked for again after NOT_ASKED_DAYS.
    """
    endpoint = "/invoices/draftItems"
    if answers is not None and answers.draft_items in ("too slow", "refused"):
        again = answers.probed_on + timedelta(days=NOT_ASKED_DAYS)
        if today < again:
            why = "answers too late" if answers.draft_items == "too slow" else "refuses it"
            problem = (
                f"Pax8 was not asked for the draft of its next invoice: it {why}, as `pax8-pipeline doctor --probe` found "
                f"on {answers.probed_on}. It is asked again from {again}, or when a new probe gets it"
            )
            return snapshots.Read("pax8.draft_items", (), endpoint, next_month(today), problem=problem)
    try:
        read = read_complete("pax8.draft_items", client.draft_items, endpoint)
    except VendorError as error:
        read = snapshots.Read("pax8.draft_items", (), endpoint, problem=str(error))
    clock = client.clock
    pax8_day = today if clock is None else clock.vendor_time.date()
    covers = (today, today) if read.complete else None
    return replace(read, scope=next_month(pax8_day), covers=covers)


def next_month(today: date) -> str:
    """Return the month after that of `today`, yyyy-mm."""
    return f"{today.replace(day=1) + timedelta(days=31):%Y-%m}"


@dataclass(frozen=True)
class InvoiceToRead:
    """An invoice whose items must be read. `invoice_id`: as Pax8 sent it. `month`: the usage month that it charges,
    yyyy-mm.
    """

    invoice_id: str
    month: str


_MISSING = load_sql("extract/pax8_lists_missing.sql")


def invoices_to_read(connection: Connection, today: date, months: Sequence[str] = ()) -> list[InvoiceToRead]:
    """Return the invoices whose items are not stored yet, sorted by usage month.

    They are the invoices dated in the last ITEM_DAYS days, and those that charge the usage `months` (yyyy-mm). An
    invoice charges the month before its date (docs/vendors/pax8.md#invoice-items). An approved invoice never changes
    (docs/vendors/pax8.md#invoices), so its items are read once, also when it is Void or Credited. If a read brought no
    items, the invoice is asked again.
    """
    values = {"since": today - timedelta(days=ITEM_DAYS), "months": list(months)}
    invoices = [InvoiceToRead(str(row[0]), str(row[1])) for row in connection.execute(_MISSING, values).fetchall()]
    return sorted(invoices, key=lambda w: (w.month, w.invoice_id))


def pages_per_invoice(connection: Connection) -> int:
    """Return the calls for the items of one invoice: the average so far, else by the number of subscriptions."""
    known, subscriptions = connection.execute(
        "SELECT (SELECT ceil(avg(requests)) FROM meta.snapshots WHERE table_name = 'pax8.invoice_items' AND complete "
        "AND row_count > 0), (SELECT count(*) FROM newest.pax8_subscriptions)"
    ).fetchall()[0]
    return max(1, int(known) if known is not None else -(-int(subscriptions) // PAGE_SIZE))


def read_invoice_items(
    client: Pax8Reader,
    invoice_ids: Sequence[str],
    progress: Progress | None = None,
    errors: MutableMapping[str, VendorError] | None = None,
) -> list[snapshots.Read]:
    """Read the items of some invoices, one Read for each. The scope is the invoice id in lower case.

    The first VendorError is raised. With `errors`, it is put there by its invoice id instead, and the other invoices
    are read all the same.
    """

    def read(invoice_id: str) -> snapshots.Read | None:
        endpoint = f"/invoices/{invoice_id}/items"
        scope = invoice_id.strip().lower()
        try:
            return read_complete("pax8.invoice_items", lambda: client.invoice_items(invoice_id), endpoint, scope)
        except VendorError as error:
            if errors is None:
                raise
            errors[invoice_id] = error
            return None

    return [one for one in client.many(read, invoice_ids, progress) if one is not None]
