"""The items of an invoice of the emulated Pax8, and draft items: seats in advance, part months, usage in arrears.

It contains docs/vendors/pax8.md#invoice-items. Which invoices exist and when they are visible is in `invoices.py`,
spelling in `wire.py`. An item depends only on the histories of the subscriptions and the usage, so the past can be made
at any time. `period` is the invoice's month; arrears are of the month before.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from pax8_pipeline.sandbox.core.clock import add_months, add_years, month_end
from pax8_pipeline.sandbox.pax8.store import Pax8Store, Row
from pax8_pipeline.sandbox.pax8.usage import CENT, DANGLING_COMPANY, final_figures
from pax8_pipeline.sandbox.pax8.wire import any_of

YEARS_OF_TERM = {"Annual": 1, "2-Year": 2, "3-Year": 3}
_TERM_OF = {
    "2-Year": "2 Year",
    "3-Year": "3 Year",
}  # items spell the terms in another way (docs/vendors/pax8.md#invoice-items)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def items_of_month(store: Pax8Store, period: date, partner: int, currency: str, invoice_id: str) -> list[Row]:
    """Return all items of one partner's invoice for the month that starts with `period`, in no particular order."""
    rng = random.Random(f"{invoice_id}|items")
    items: list[Row] = []
    for row in list(store.subscriptions.values()):
        if store.companies[row["companyId"]]["_partner"] != partner or row["currencyCode"] != currency:
            continue
        items.extend(seat_items(store, row["id"], period))
        for group_id in store.groups_of.get(row["id"], ()):
            items.extend(_arrears_items(store, store.groups[group_id], add_months(period, -1)))
    items.extend(_sundries(store, period, partner, currency, rng))
    for item in items:
        item["id"] = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    items.extend(_extras(store, period, partner, currency))
    rng.shuffle(items)
    return items


def _extras(store: Pax8Store, period: date, partner: int, currency: str) -> Iterator[Row]:
    """Yield charges of `usage_events.charge`: on the invoice of their currency, else the partner's first."""
    own = {
        row["currencyCode"]
        for row in store.subscriptions.values()
        if store.companies[row["companyId"]]["_partner"] == partner
    }
    for item in store.extra_items:
        invoice_currency = (
            item["currencyCode"] if item["currencyCode"] in own else ("USD" if "USD" in own else min(own))
        )
        if item["_period"] == period.isoformat() and item["_partner"] == partner and invoice_currency == currency:
            yield dict(item)


def draft_items(store: Pax8Store, period: date) -> list[Row]:
    """Return seats and part months of the next invoice as of today; no usage in arrears."""
    items = [item for row in list(store.subscriptions.values()) for item in seat_items(store, row["id"], period)]
    for number, item in enumerate(items):
        item["id"] = f"{number:08x}-draft"  # never visible; only decides the dialect
    return items


# Seats ----------------------------------------------------------------------------------------------------


def seat_items(store: Pax8Store, subscription_id: str, period: date) -> Iterator[Row]:
    """Yield what one subscription adds to the invoice of a month: the period in advance, and last month's changes."""
    now = store.as_of(subscription_id, period)
    years = YEARS_OF_TERM.get(now["billingTerm"])
    if years:
        anniversary = _anniversary(now, period, years)
        if anniversary and _alive(now, anniversary):
            yield _seat(store, now, anniversary, add_years(anniversary, years) - timedelta(days=1))
    elif _alive(now, period) and now["startDate"] <= period.isoformat():
        yield _seat(store, now, period, month_end(period))
    yield from _part_months(store, subscription_id, add_months(period, -1))


def _anniversary(row: Row, period: date, years: int) -> date | None:
    """Return the first day of a term, if it is in the month up to and including the first of `period`."""
    start = date.fromisoformat(row["startDate"])
    day = start
    while day < add_months(period, -1) + timedelta(days=1):
        day = add_years(start, day.year - start.year + years)
    return day if day <= period else None


def _alive(row: Row, day: date) -> bool:
    """Dates, not the status, decide about billing (docs/vendors/pax8.md#subscriptions)."""
    text = day.isoformat()
    return bool(row["startDate"] <= text and (not row["endDate"] or row["endDate"] >= text))


def _seat(store: Pax8Store, row: Row, start: date, end: date) -> Row:
    trial = row["status"] == "Trial" or row["billingTerm"] == "Trial"
    item = bare_item(store, row, "subscription", start, end)
    item["term"] = "Trial" if trial else _TERM_OF.get(row["billingTerm"], row["billingTerm"])
    item["description"] = row["productName"]
    price, cost = (Decimal(0), Decimal(0)) if trial else (row["price"], row["partnerCost"])
    return priced(item, Decimal(row["quantity"]), price, cost)


def _part_months(store: Pax8Store, subscription_id: str, month: date) -> Iterator[Row]:
    """Yield prorate items for changes from the 2nd to the end of `month`; the 1st is on that month's own invoice."""
    snapshots = store.snapshots(subscription_id)
    first = snapshots[0]
    begin, last = add_months(month, 0), month_end(month)
    if begin.isoformat() < first["startDate"] <= last.isoformat() and first["billingTerm"] == "Monthly":
        yield from _part(store, first, Decimal(first["quantity"]), date.fromisoformat(first["startDate"]), last)
    for before, after in pairwise(snapshots):
        day = date.fromisoformat((after["updatedDate"] or after["startDate"])[:10])
        if not begin < day <= last:
            continue
        if after["status"] == "Cancelled" and before["status"] != "Cancelled":
            end = date.fromisoformat(after["endDate"]) if after["endDate"] else day
            if begin <= end < last:
                yield from _part(
                    store, after, -Decimal(before["quantity"]), end + timedelta(days=1), last, "(Canceled) "
                )
        elif after["quantity"] != before["quantity"] and _alive(after, day):
            yield from _part(store, after, Decimal(after["quantity"]) - Decimal(before["quantity"]), day, last)


def _part(
    store: Pax8Store, row: Row, quantity: Decimal, start: date, month_last: date, prefix: str = ""
) -> Iterator[Row]:
    """Return one prorate item from `start` to the end of the month, or of the current year for longer terms."""
    years = YEARS_OF_TERM.get(row["billingTerm"])
    if years:
        end = date.fromisoformat(row["startDate"])
        while end <= start:
            end = add_years(end, years)
        end -= timedelta(days=1)
        share = Decimal((end - start).days + 1) / Decimal(365 * years)
    else:
        end = month_last
        share = Decimal((end - start).days + 1) / Decimal(month_last.day)
    if not row["price"]:
        return
    item = bare_item(store, row, "prorate", start, end)
    item["term"] = _TERM_OF.get(row["billingTerm"], row["billingTerm"])
    item["description"] = f"{prefix or _MONTHS[start.month - 1] + ' Partial: '}{row['productName']}"
    yield priced(item, quantity, (row["price"] * share).quantize(CENT), (row["partnerCost"] * share).quantize(CENT))


# Usage ----------------------------------------------------------------------------------------------------


def _arrears_items(store: Pax8Store, group: Row, month: date) -> Iterator[Row]:
    row = store.subscriptions[group["subscriptionId"]]
    if row["endDate"] and row["endDate"] < month.isoformat():
        return
    for figure in final_figures(store, group, month):
        item = bare_item(store, row, "subscription", month, month_end(month))
        item |= {
            "term": "Trial" if group["isTrial"] else "Arrears",
            "description": figure.product["name"],
            "details": group["resourceGroup"],
            "unitOfMeasure": figure.product["unit"],
            "productId": figure.product["productId"],
            "productName": figure.product["name"],
            "_group": group["id"],
        }
        if group["isTrial"]:
            yield priced(item, figure.quantity, Decimal(0), Decimal(0))
            continue
        item = priced(item, figure.quantity, figure.product["price"], figure.product["cost"])
        item["subTotal"] = item["total"] = figure.charges
        item["costTotal"] = item["amountDue"] = figure.partner_total.quantize(CENT)
        _assign(store, item, group)
        if store.switches.azure_items == "by_guid" and group["_azure"]:
            yield from _by_azure_subscription(item, group)
        else:
            yield item


def _by_azure_subscription(item: Row, group: Row) -> Iterator[Row]:
    """Split a meter's charge between two Azure subscriptions of the group (docs/vendors/pax8.md#azure)."""
    for number in (1, 2):
        guid = uuid.uuid5(uuid.UUID(group["id"]), f"azure {number}")
        text = f"Azure plan - Arrears charge - {group['resourceGroup']} {number} - {guid} - {item['productName']}"
        part = {**item, "description": text, "details": text}
        for member in ("quantity", "total", "subTotal", "costTotal", "amountDue"):
            half = (Decimal(item[member]) / 2).quantize(CENT)
            part[member] = half if number == 1 else Decimal(item[member]) - half
        yield part


def _assign(store: Pax8Store, item: Row, group: Row) -> None:
    """Put the linked company on an Arrears item, or how it is missing (docs/vendors/pax8.md#no-company)."""
    shape = group["_itemShape"]
    if group["_assignment"] != "assigned" and store.switches.unassigned_item_shape != "by_group":
        shape = store.switches.unassigned_item_shape
    if group["_assignment"] == "assigned":
        _put_company(store, item, group["companyId"])
    elif shape != "item-owner":
        item["externalId"] = None
        item["companyName"] = None
        item["companyId"] = DANGLING_COMPANY if shape == "item-dangling" else None
        if shape == "item-missing":
            del item["companyId"], item["companyName"]


# All other kinds ------------------------------------------------------------------------------------------


def _sundries(store: Pax8Store, period: date, partner: int, currency: str, rng: random.Random) -> Iterator[Row]:
    """Yield single items: work without a subscription, rebates, credits and charges. They are few and never equal."""
    own = [row for row in store.companies.values() if row["_partner"] == partner and row["_currency"] == currency]
    if not own:
        return
    for number in range(1 + len(own) // 25):
        item = _loose(store, rng.choice(own), "one-time", period, currency)
        item["term"] = ("One-Time", "One-time")[number % 2]
        item["description"] = item["productName"] = "Mailbox Migration"
        yield priced(item, Decimal(rng.randrange(1, 9)), Decimal("14.00"), Decimal("11.25"))
    for kind, term, text, amount in (
        ("rebate", "Rebate", "Growth rebate", -Decimal(rng.randrange(500, 4000)) / 100),
        ("service-charge", "One-Time", "Onboarding assistance", Decimal("75.00")),
        ("service-credit", "One-Time", "Service credit", -Decimal(rng.randrange(100, 900)) / 100),
        ("payment-credit", "One-Time", "Payment received, thank you", -Decimal("25.00")),
    ):
        item = _loose(store, rng.choice(own), kind, period, currency)
        item |= {"term": term, "description": text}
        if kind == "payment-credit":  # it is the partner's own and belongs to no company
            item |= {"companyId": None, "companyName": None, "externalId": None}
        customer_side = Decimal(0) if kind != "service-charge" else amount
        yield priced(item, Decimal(1), customer_side, amount)


def _loose(store: Pax8Store, company: Row, kind: str, period: date, currency: str) -> Row:
    """Return an item without a subscription."""
    row: Row = {"id": company["id"], "companyId": company["id"], "productId": None, "currencyCode": currency}
    item = bare_item(store, row, kind, period, month_end(period))
    item["subscriptionId"] = None
    return item


def bare_item(store: Pax8Store, row: Row, kind: str, start: date, end: date) -> Row:
    """Return an item without money for a row with id, productId, companyId and currencyCode."""
    product = store.products.get(row["productId"] or "", {})
    style = store.switches.period_end
    if style == "mixed":
        style = any_of(("inclusive", "exclusive"), row["id"], start.month)
    item: Row = {
        "id": "",
        "type": kind,
        "purchaseOrderNumber": "N/A",
        "companyId": None,
        "externalId": None,
        "companyName": None,
        "startPeriod": start.isoformat(),
        "endPeriod": (end + timedelta(days=1) if style == "exclusive" else end).isoformat(),
        "quantity": Decimal(0),
        "unitOfMeasure": product.get("_unit", "Each"),
        "term": "Monthly",
        "sku": product.get("sku"),
        "description": "",
        "details": None,
        "rateType": "flat",
        "chargeType": "per",
        "price": Decimal(0),
        "subTotal": Decimal(0),
        "cost": Decimal(0),
        "costTotal": Decimal(0),
        "offeredBy": "Pax8",
        "billedByPax8": False,
        "total": Decimal(0),
        "productId": row["productId"],
        "productName": product.get("name"),
        "vendorName": product.get("vendorName"),
        "billingFee": 0,
        "billingFeeRate": 0,
        "amountDue": Decimal(0),
        "currencyCode": row["currencyCode"],
        "salesTax": 0,
        "subscriptionId": row["id"],
    }
    _put_company(store, item, row["companyId"])
    return item


def _put_company(store: Pax8Store, item: Row, company_id: str) -> None:
    company = store.companies[company_id]
    item["companyId"] = company_id
    item["companyName"] = company["name"]
    item["externalId"] = company["externalId"]
    item["billedByPax8"] = company["billOnBehalfOfEnabled"]


def priced(item: Row, quantity: Decimal, price: Decimal, cost: Decimal) -> Row:
    """Fill in the money. Whole amounts have no fraction, as in the samples of the documents."""
    total = (quantity * price).quantize(CENT)
    cost_total = (quantity * cost).quantize(CENT)
    item |= {"quantity": _plain(quantity), "price": price, "cost": cost, "subTotal": total, "total": total}
    item |= {"costTotal": cost_total, "amountDue": cost_total}
    return item


def _plain(quantity: Decimal) -> Decimal | int:
    return int(quantity) if quantity == quantity.to_integral_value() else quantity
