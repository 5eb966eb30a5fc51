"""Usage of the emulated Pax8: totals of the month so far by day, summaries and lines, and how unassigned groups look.

It contains docs/vendors/pax8.md#usage-summaries, #usage-timing, #no-company. The invoice items of usage are in
`invoice_items.py`.

A group is one customer at the vendor under a usage subscription; Pax8 calls its month a usage summary. Canonical row:
id, subscriptionId, companyId (the company that the group is linked to, None while unassigned), productId,
resourceGroup, vendorName, currencyCode, isTrial, `_assignment` ("assigned" or an unassigned shape), `_itemShape` (its
counterpart on the invoice), `_azure`, `_products` [{productId, name, unit, price, cost, daily, starts, stops}]. Nothing
is stored by day: a day's figure is drawn from (group, product, month), so it is always the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from uuid import NAMESPACE_URL, uuid5

from pax8_pipeline.sandbox.core.clock import add_months, month_end, month_start
from pax8_pipeline.sandbox.pax8 import wire
from pax8_pipeline.sandbox.pax8.store import Pax8Store, Row

DANGLING_COMPANY = "dead0000-0000-4000-8000-00000000beef"  # an id that is in no list of companies
CENT = Decimal("0.01")
MILL = Decimal("0.001")
_MONTHS_LISTED = 13  # older lines no longer exist


@dataclass(frozen=True)
class UsageFigure:
    """One product of one group on one day, as the vendor posted it: amounts of the month so far."""

    product: Row
    day: date
    quantity: Decimal
    charges: Decimal  # customer side, two decimals
    partner_total: Decimal  # partner side, three decimals


def figures(store: Pax8Store, group: Row, day: date) -> list[UsageFigure]:
    """Return what the vendor posted for a day that is over, of products that have started and not stopped."""
    if day >= store.today or day < add_months(store.today, -_MONTHS_LISTED):
        return []
    return [_figure(store, group, product, day) for product in group["_products"] if _posted(product, day)]


def final_figures(store: Pax8Store, group: Row, month: date) -> list[UsageFigure]:
    """Return the last posted figure of each product in the month of `month`: a month is billed by it."""
    return _last_figures(store, group, month, month_end(month))


def _last_figures(store: Pax8Store, group: Row, month: date, until: date) -> list[UsageFigure]:
    last_figures = []
    for product in group["_products"]:
        last = min(until, date.fromisoformat(product["stops"])) if product["stops"] else until
        if last >= month_start(month) and _posted(product, last):
            last_figures.append(_figure(store, group, product, last, whole_month=True))
    return last_figures


def _posted(product: Row, day: date) -> bool:
    text = day.isoformat()
    return bool(product["starts"] <= text and (not product["stops"] or text <= product["stops"]))


def _figure(store: Pax8Store, group: Row, product: Row, day: date, *, whole_month: bool = False) -> UsageFigure:
    first = max(month_start(day), date.fromisoformat(product["starts"]))
    totals = _running_totals(group["id"], product["productId"], str(product["daily"]), first, month_end(day))
    index = (day - first).days
    quantity = totals[index]
    if store.switches.azure_lines == "daily" and group["_azure"] and not whole_month and index:
        quantity -= totals[index - 1]
    if day == month_end(day) and store.today >= day + timedelta(days=2):
        quantity += _late_posting(group["id"], product["productId"], quantity)
    charges = (quantity * product["price"]).quantize(CENT)
    partner_total = (quantity * product["cost"]).quantize(MILL)
    return UsageFigure(product, day, quantity, charges, partner_total)


@lru_cache(maxsize=20_000)
def _running_totals(group_id: str, product_id: str, daily: str, first: date, last: date) -> tuple[Decimal, ...]:
    rng = random.Random(f"{group_id}|{product_id}|{first:%Y-%m}")
    usual = Decimal(daily)
    total = Decimal(0)
    totals = []
    for _ in range((last - first).days + 1):
        total += (usual * rng.randrange(600, 1400) / 1000).quantize(MILL)
        totals.append(total)
    return tuple(totals)


def _late_posting(group_id: str, product_id: str, quantity: Decimal) -> Decimal:
    """Some vendors raise the last day's total once more; they can do so until the 2nd (UTC)."""
    if (int(group_id[:6], 16) + int(product_id[:6], 16)) % 6:
        return Decimal(0)
    return (quantity * Decimal("0.004")).quantize(MILL)


# Summaries ------------------------------------------------------------------------------------------------


def summary_month(store: Pax8Store) -> date:
    """Return the month of today's summaries: the current one, or the last one until its charges are made on the 3rd."""
    if store.switches.rollover == "previous_until_charged" and store.today.day < 4:
        return add_months(store.today, -1)
    return month_start(store.today)


def summary_id(store: Pax8Store, group: Row, month: date) -> str:
    """Return the id of a group's summary in a month: always the same, or a new one each month."""
    if store.switches.summary_ids == "stable":
        return str(group["id"])
    return str(uuid5(NAMESPACE_URL, f"{group['id']}|{month:%Y-%m}"))


def find_summary(store: Pax8Store, summary: str) -> tuple[Row, date] | None:
    """Return the group and month of a summary id, or None."""
    month = summary_month(store)
    if store.switches.summary_ids == "stable":
        group = store.groups.get(summary.lower())
        return (group, month) if group else None
    for group in store.groups.values():
        for back in range(4):
            if summary_id(store, group, add_months(month, -back)) == summary.lower():
                return group, add_months(month, -back)
    return None


def listed_groups(store: Pax8Store, subscription_id: str) -> list[Row]:
    """Return the groups that a list of summaries shows for one subscription."""
    settling = store.switches.azure_hidden_while_settling and store.today.day <= 4
    groups = [store.groups[key] for key in store.groups_of.get(subscription_id, ())]
    return [group for group in groups if shape_of(store, group) != "hidden" and not (settling and group["_azure"])]


def shape_of(store: Pax8Store, group: Row) -> str:
    """Return `assigned`, or the form in which the API shows that it is not."""
    if group["_assignment"] == "assigned" or store.switches.unassigned_shape == "by_group":
        return str(group["_assignment"])
    return store.switches.unassigned_shape


def summary(store: Pax8Store, group: Row, month: date, *, in_list: bool) -> Row:
    """Return a usage summary as it is answered, for the given month up to yesterday."""
    posted = _last_figures(store, group, month, min(month_end(month), store.today - timedelta(days=1)))
    out: Row = {
        "id": summary_id(store, group, month),
        "companyId": None,
        "subscriptionId": group["subscriptionId"],
        "productId": group["productId"],
        "resourceGroup": group["resourceGroup"],
        "vendorName": wire.vendor_name(group["vendorName"], store.switches),
        "currentCharges": sum((figure.charges for figure in posted), Decimal(0)),
        "currencyCode": group["currencyCode"],
        "partnerTotal": sum((figure.partner_total for figure in posted), Decimal(0)),
        "isTrial": group["isTrial"],
    }
    _put_company(store, out, group, in_list=in_list)
    return out


def _put_company(store: Pax8Store, out: Row, group: Row, *, in_list: bool) -> None:
    shape = shape_of(store, group)
    if shape == "assigned":
        out["companyId"] = group["companyId"]
        if in_list and not wire.summary_spelling(group["id"], store.switches):
            del out["companyId"]
    elif shape == "owner":
        out["companyId"] = store.subscriptions[group["subscriptionId"]]["companyId"]
    elif shape == "dangling":
        out["companyId"] = DANGLING_COMPANY
    elif shape == "empty":
        out["companyId"] = ""
    elif shape == "missing":
        del out["companyId"]


def lines(store: Pax8Store, group: Row, summary_key: str, day: date) -> list[Row]:
    """The usage lines of one day; they have no id and no company."""
    rows = []
    for figure in figures(store, group, day):
        product = figure.product
        row: Row = {
            "usageSummaryId": summary_key,
            "usageDate": day.isoformat(),
            "productName": product["name"],
            "productId": product["productId"],
            "unitOfMeasure": product["unit"],
            "quantity": figure.quantity,
            "currentCharges": figure.charges,
            "currentProfit": figure.charges - figure.partner_total,
            "partnerTotal": figure.partner_total,
            "unitPrice": product["price"],
            "currencyCode": group["currencyCode"],
            "isTrial": group["isTrial"],
        }
        if store.switches.missing_keys != "none" and int(group["id"][:4], 16) % 2:
            del row["usageSummaryId"]  # absent from the reference's sample
        rows.append(row)
    return rows
