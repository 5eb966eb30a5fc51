"""The invoice calendar of the emulated Pax8: made on the 4th, visible on the 5th, never changed after that.

It contains docs/vendors/pax8.md#invoices: which invoices exist, since when, and in which state. Their items are in
`invoice_items.py`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from pax8_pipeline.sandbox.core.clock import month_start
from pax8_pipeline.sandbox.pax8 import invoice_items
from pax8_pipeline.sandbox.pax8.store import EXAMPLE_PARTNERS, Pax8Store, Row
from pax8_pipeline.sandbox.pax8.usage import CENT

GENERATED_ON = 4
APPROVED_ON = 5
_FREEZE_UP_TO = 5000  # subscriptions; in a larger world items are made when they are first read


def generate(store: Pax8Store, period: date) -> list[Row]:
    """Make the invoices of the month that starts with `period`: one for each partner and currency."""
    sets: dict[tuple[int, str], str] = {}
    for row in store.subscriptions.values():
        partner = store.companies[row["companyId"]]["_partner"]
        sets.setdefault((partner, row["currencyCode"]), row["companyId"])
    return [
        _new(store, period, partner, currency, "regular", owner) for (partner, currency), owner in sorted(sets.items())
    ]


def visible(store: Pax8Store) -> list[Row]:
    """Return the invoices that the API shows today, with their amounts."""
    today = store.today.isoformat()
    rows = [row for row in store.invoices.values() if row["_approvedOn"] <= today]
    for row in rows:
        _settle_amounts(store, row)
    return rows


def items_of(store: Pax8Store, invoice: Row) -> list[Row]:
    """Return the canonical items of an invoice. They are made once and then stored."""
    if invoice["_items"] is None:
        period = date.fromisoformat(invoice["invoiceDate"])
        new_items = invoice_items.items_of_month(
            store, period, invoice["_partner"], invoice["currencyCode"], invoice["id"]
        )
        invoice["_items"] = new_items
    items: list[Row] = invoice["_items"]
    return items


def credit_and_rebill(store: Pax8Store, invoice_id: str, *, on: date, share: Decimal = Decimal("0.9")) -> Row:
    """Correct an approved invoice: the old one becomes Credited (still readable), and a new one with a new id replaces
    it. On it the first Arrears item is `share` of what it was.
    """
    old = store.invoices[invoice_id.lower()]
    old["status"] = "Credited"
    period = date.fromisoformat(old["invoiceDate"])
    items = [dict(item) for item in items_of(store, old)]
    for number, item in enumerate(items):
        item["id"] = str(uuid5(NAMESPACE_URL, f"{item['id']}|rebilled|{number}"))
    wrong = next((item for item in items if item["term"] == "Arrears" and item["total"]), items[0])
    for name in ("quantity", "subTotal", "total", "costTotal", "amountDue"):
        places = Decimal("0.001") if name == "quantity" else CENT
        wrong[name] = (wrong[name] * share).quantize(places)
    return _new(
        store, period, old["_partner"], old["currencyCode"], "replacement", old["_companyId"], on=on, items=items
    )


def second_invoice(
    store: Pax8Store, period: date, *, on: date, like: Row | None = None, items: list[Row] | None = None
) -> Row:
    """Make a second valid invoice in one month, for the partner and currency of `like` (by default the first one).

    It has `items`, or one Arrears item again: usage that a vendor posted too late.
    """
    first = like or live_invoice(store, period)
    if items is None:
        items = [_posted_late(store, first)]
    partner, currency, owner = first["_partner"], first["currencyCode"], first["_companyId"]
    return _new(store, period, partner, currency, "second", owner, on=on, items=items)


def _posted_late(store: Pax8Store, first: Row) -> Row:
    late = next((item for item in items_of(store, first) if item["term"] == "Arrears" and item["total"]), None)
    item = dict(late or items_of(store, first)[0])
    item["id"] = str(uuid5(NAMESPACE_URL, f"{item['id']}|late"))
    item["description"] = f"Late posting: {item['description']}"
    return item


def live_invoice(store: Pax8Store, period: date, *, partner: int = 0) -> Row:
    """Return the first valid invoice of a month and partner. Raises ValueError when there is none."""
    for row in store.invoices.values():
        live = row["status"] not in ("Void", "Credited")
        if row["invoiceDate"] == period.isoformat() and row["_partner"] == partner and live:
            return row
    raise ValueError(f"there is no invoice for {period:%Y-%m}")


def void_invoice(store: Pax8Store, period: date, *, on: date) -> Row:
    """Make an invoice of a month by mistake and declare it void; it is still listed."""
    row = second_invoice(store, period, on=on)
    row["status"] = "Void"
    row["_kind"] = "void"
    return row


def _new(
    store: Pax8Store,
    period: date,
    partner: int,
    currency: str,
    kind: str,
    owner: str,
    *,
    on: date | None = None,
    items: list[Row] | None = None,
) -> Row:
    number = sum(1 for row in store.invoices.values() if row["invoiceDate"] == period.isoformat())
    row: Row = {
        "id": str(uuid5(NAMESPACE_URL, f"{owner}|{period}|{partner}|{currency}|{number}")),
        "invoiceDate": period.isoformat(),
        "dueDate": period.replace(day=15).isoformat(),
        "total": None,
        "balance": None,
        "carriedBalance": Decimal(0),
        "currencyCode": currency,
        "status": "Unpaid",
        "partnerName": EXAMPLE_PARTNERS[partner],
        "_partner": partner,
        "_companyId": owner,
        "_kind": kind,
        "_generatedOn": (on or period.replace(day=GENERATED_ON)).isoformat(),
        "_approvedOn": (on or period.replace(day=APPROVED_ON)).isoformat(),
        "_items": items,
    }
    store.add_invoice(row)
    if len(store.subscriptions) <= _FREEZE_UP_TO:
        _settle_amounts(store, row)
    return row


def _settle_amounts(store: Pax8Store, invoice: Row) -> None:
    """Put the amounts on an invoice. `total` includes money of earlier invoices, unlike the items."""
    if invoice["balance"] is not None:
        return
    invoice["balance"] = sum((item["costTotal"] for item in items_of(store, invoice)), Decimal(0))
    earlier = [row for row in store.invoices.values() if row["status"] == "Carried" and row is not invoice]
    invoice["carriedBalance"] = sum((row["balance"] or Decimal(0) for row in earlier), Decimal(0))
    invoice["total"] = invoice["balance"] + invoice["carriedBalance"]


def month_is_generated(store: Pax8Store, day: date) -> bool:
    """Whether the invoices of the month of `day` have been made already."""
    period = month_start(day).isoformat()
    return any(row["invoiceDate"] == period and row["_kind"] == "regular" for row in store.invoices.values())
