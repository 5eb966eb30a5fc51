"""What people and vendors do to usage: a group linked in the portal, an odd or late charge, a corrected invoice.

Single actions that a test or `/control` performs on one Pax8. The calendar of invoices and corrections is in
`pax8/invoices.py`; the expected result is in `oracle/usage.py`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pax8_pipeline.sandbox.core.clock import add_months, month_end
from pax8_pipeline.sandbox.pax8 import invoice_items, invoices
from pax8_pipeline.sandbox.pax8.store import Pax8Store, Row

_NAMES = ("product_id", "product_name", "quantity", "unit", "price", "cost", "total", "cost_total", "currency",
          "group", "term", "billed_by_pax8")  # fmt: skip


def assign_group(store: Pax8Store, group_id: str, company_id: str) -> Row:
    """Let a person link a usage group to a company in the Pax8 portal; return the group.

    Summaries show the company from now on, and invoices made from now on too. An invoice that exists does not change
    (docs/vendors/pax8.md#invoices). Raises KeyError for an unknown group or company.
    """
    company = store.companies[company_id.lower()]
    return store.change_group(group_id, {"companyId": company["id"], "_assignment": "assigned"})


def charge(
    store: Pax8Store, month: date, *, company_id: str | None = None, subscription_id: str | None = None, **given: Any
) -> Row:
    """Let Pax8 charge something odd in arrears for the usage month that starts with `month`; return the invoice item.

    It is on the month's invoice when that is made, or on a second one if it is made already. Optional: product_id,
    product_name, quantity, unit, price, cost, total, cost_total, currency, group (the vendor's name of it), term
    (Arrears), billed_by_pax8. Without `company_id` the item shows no company, without `subscription_id` no
    subscription. Totals that are not given are quantity times price or cost, to the cent. Raises ValueError for an
    unknown name.
    """
    if unknown := sorted(set(given) - set(_NAMES)):
        raise ValueError(f"an item has no {', '.join(unknown)}; it has {', '.join(_NAMES)}")
    item = _item(store, month, company_id, subscription_id, given)
    period = add_months(month, 1)
    item["_period"], item["_partner"] = period.isoformat(), _partner(store, company_id, subscription_id)
    if not invoices.month_is_generated(store, period):
        store.extra_items.append(item)
        store.touch()
        return item
    like = invoices.live_invoice(store, period, partner=item["_partner"])
    invoices.second_invoice(store, period, on=store.today, like=like, items=[item])
    return item


def _item(
    store: Pax8Store, month: date, company_id: str | None, subscription_id: str | None, given: dict[str, Any]
) -> Row:
    """Return the item as it will be on an invoice, with a new id."""
    sold = store.subscriptions[subscription_id.lower()] if subscription_id else None
    company = store.companies[company_id.lower()] if company_id else None
    product_id = given.get("product_id") or (sold["productId"] if sold else next(iter(store.products)))
    owner: Row = {
        "id": sold["id"] if sold else product_id,
        "productId": product_id,
        "companyId": company["id"] if company else (sold["companyId"] if sold else next(iter(store.companies))),
        "currencyCode": given.get("currency") or (sold or {}).get("currencyCode") or (company or {}).get("_currency", "USD"),
    }  # fmt: skip
    item = invoice_items.bare_item(store, owner, "subscription", month, month_end(month))
    quantity = Decimal(str(given.get("quantity", 1)))
    price, cost = Decimal(str(given.get("price", "1.00"))), Decimal(str(given.get("cost", "0.80")))
    item = invoice_items.priced(item, quantity, price, cost)
    total, cost_total = (
        Decimal(str(given.get(n, item[m]))) for n, m in (("total", "total"), ("cost_total", "costTotal"))
    )
    number = len(store.extra_items) + len(store.invoices)
    item |= {
        "id": str(uuid5(NAMESPACE_URL, f"charge|{month}|{company_id}|{subscription_id}|{number}|{total}")),
        "subTotal": total, "total": total, "costTotal": cost_total, "amountDue": cost_total,
        "term": given.get("term", "Arrears"),
        "subscriptionId": sold["id"] if sold else None,
        "details": given.get("group"),
        "description": given.get("product_name") or item["productName"],
        "productName": given.get("product_name") or item["productName"],
        "unitOfMeasure": given.get("unit", "GB"),
    }  # fmt: skip
    if company is None:
        item |= {"companyId": None, "companyName": None, "externalId": None, "billedByPax8": False}
    if "billed_by_pax8" in given:
        item["billedByPax8"] = bool(given["billed_by_pax8"])
    return item


def _partner(store: Pax8Store, company_id: str | None, subscription_id: str | None) -> int:
    """Return the partner whose invoice gets the item."""
    if not company_id and subscription_id:
        company_id = store.subscriptions[subscription_id.lower()]["companyId"]
    return int(store.companies[company_id.lower()]["_partner"]) if company_id else 0


def credit_and_rebill(
    store: Pax8Store,
    *,
    invoice_id: str | None = None,
    invoice_month: date | None = None,
    share: Decimal = Decimal("0.9"),
) -> Row:
    """Let Pax8 credit an approved invoice and make another one, whose first Arrears item is `share` of what it was.

    The invoice is named by its id, or is the first partner's of `invoice_month`. Return the new invoice.
    """
    if invoice_id is None:
        if invoice_month is None:
            raise ValueError("name the invoice by its id or its month")
        invoice_id = invoices.live_invoice(store, invoice_month)["id"]
    if store.invoices[invoice_id.lower()]["status"] in ("Void", "Credited"):
        raise ValueError(f"invoice {invoice_id} was taken back already")
    return invoices.credit_and_rebill(store, invoice_id, on=store.today, share=share)
