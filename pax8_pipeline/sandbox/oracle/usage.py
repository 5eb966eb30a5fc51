"""The sandbox's own oracle of usage: what a month's usage must come to, from both stores and their links.

For each client what is to be billed, and what must not be billed to anybody, by docs/architecture.md#rule-10, #rule-11
and docs/vendors/pax8.md#invoice-items, #usage-timing, #no-company, for the default policy (the client's price, a line
for each subscription and product, from approved invoices). It imports nothing of the product, so that the two can
disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pax8_pipeline.sandbox.core.links import Links
from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.sandbox.pax8 import invoices
from pax8_pipeline.sandbox.pax8.store import Pax8Store, Row

_CENT = Decimal("0.01")
_SHAPES = {"item-missing": "no company", "item-null": "no company", "item-dangling": "dangling", "item-owner": "owner"}


@dataclass(frozen=True)
class Charge:
    """One usage item of a valid invoice, and what must happen with it.

    `why` is empty for a billed item, else unassigned, trial, zero, billed_by_pax8, unmatched_company, no_price,
    currency_mismatch or no_item. `company_id`: the company that it belongs to, as Pax8 shows it today.
    """

    invoice_id: str
    subscription_id: str
    product_id: str
    resource_group: str
    company_id: str
    shape: str
    total: Decimal
    cost: Decimal
    currency: str
    why: str


@dataclass(frozen=True)
class ExpectedClientUsage:
    """What one client is billed: `lines` by "subscription product" in cents, and `total`, their sum."""

    client_id: int
    company_id: str
    currency: str
    total: Decimal
    cost: Decimal
    items: int
    lines: dict[str, Decimal]


@dataclass(frozen=True)
class ExpectedUsage:
    """One usage month. `read` is the cost of all its usage items by "invoice currency"; rule 11 holds for it."""

    month: str
    clients: dict[str, ExpectedClientUsage]
    unassigned: list[dict[str, Any]]
    skipped: dict[str, dict[str, Decimal]]
    read: dict[str, Decimal]
    charges: list[Charge] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, without the single charges."""
        data = asdict(self)
        del data["charges"]
        return data


@dataclass(frozen=True)
class _Sides:
    """Both stores and their links."""

    pax8: Pax8Store
    halo: HaloStore
    links: Links


def expected_usage(
    pax8: Pax8Store, halo: HaloStore, links: Links, month: date | str, *, confirmed: Collection[str] = ()
) -> ExpectedUsage:
    """Return the expected usage of a month (`yyyy-mm`, or a day in it) from the invoices that are visible today.

    `confirmed`: "subscription id/resource group" of groups that a person confirmed as usage of the subscription's
    owner.
    """
    text = month if isinstance(month, str) else f"{month:%Y-%m}"
    known = {name.lower() for name in confirmed}
    sides = _Sides(pax8, halo, links)
    with pax8.lock, halo.lock:
        charges = [_charge(sides, row, invoice, known) for invoice, row in _usage_items(pax8, text)]
    charges.sort(key=lambda one: (one.invoice_id, one.subscription_id, one.product_id, one.resource_group, one.total))
    read: dict[str, Decimal] = defaultdict(Decimal)
    skipped: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for one in charges:
        read[f"{one.invoice_id} {one.currency}"] += one.cost
        if one.why not in ("", "unassigned"):
            skipped[one.why][one.currency] += one.cost
    plain = {why: dict(sums) for why, sums in sorted(skipped.items())}
    return ExpectedUsage(text, _clients(links, charges), _groups(charges), plain, dict(read), charges)


def _usage_items(pax8: Pax8Store, month: str) -> Iterator[tuple[Row, Row]]:
    """Yield the usage items of a month on valid invoices, with their invoices."""
    metered = set(pax8.groups_of)
    for invoice in invoices.visible(pax8):
        if invoice["status"] in ("Void", "Credited"):
            continue
        for item in invoices.items_of(pax8, invoice):
            trial = item["term"] == "Trial" and item["subscriptionId"] in metered
            if (item["term"] == "Arrears" or trial) and item["startPeriod"][:7] == month:
                yield invoice, item


def _charge(sides: _Sides, item: Row, invoice: Row, confirmed: Collection[str]) -> Charge:
    shape, company_id = _missing_and_owner(sides.pax8, item, confirmed)
    return Charge(
        invoice_id=invoice["id"],
        subscription_id=item["subscriptionId"] or "",
        product_id=item["productId"] or "",
        resource_group=item["details"] or "",
        company_id=company_id,
        shape=shape,
        total=Decimal(item["total"]),
        cost=Decimal(item["costTotal"]),
        currency=item["currencyCode"],
        why=_why(sides, item, company_id),
    )


def _missing_and_owner(pax8: Pax8Store, item: Row, confirmed: Collection[str]) -> tuple[str, str]:
    """Return how the item's company is missing, and the company that it belongs to now; both may be empty."""
    group = pax8.groups.get(item.get("_group") or "")
    named_company = item.get("companyId") or ""
    if group is not None and group["_assignment"] != "assigned":
        return _shape(pax8, item, group), ""
    if named_company not in pax8.companies:
        return ("dangling" if named_company else "no company"), (group["companyId"] if group else "")
    if group is not None and group["companyId"] != named_company:
        return "owner", group["companyId"]  # linked after the invoice was made
    if _is_group_of_owner(pax8, item, named_company, confirmed):
        return "owner", ""
    return "", named_company


def _shape(pax8: Pax8Store, item: Row, group: Row) -> str:
    named_company = item.get("companyId")
    if named_company and named_company in pax8.companies:
        return "owner"
    return _SHAPES.get(group["_itemShape"], "no company") if not named_company else "dangling"


def _is_group_of_owner(pax8: Pax8Store, item: Row, company_id: str, confirmed: Collection[str]) -> bool:
    """True for a group of another name under a subscription's owner (docs/vendors/pax8.md#no-company)."""
    sold = pax8.subscriptions.get(item["subscriptionId"] or "")
    if sold is None or sold["companyId"] != company_id or len(pax8.groups_of.get(sold["id"], ())) < 2:
        return False
    name = (item["details"] or "").strip().lower()
    if not name or name == pax8.companies[company_id]["name"].strip().lower():
        return False
    return f"{sold['id']}/{name}" not in confirmed


def _why(sides: _Sides, item: Row, company_id: str) -> str:
    """Return why an item is not billed; "" when it is."""
    link = sides.links.clients.get(company_id)
    sold = sides.pax8.subscriptions.get(item["subscriptionId"] or "")
    items = sides.links.items
    if item["term"] == "Trial":
        return "trial"
    if not item["total"] and not item["costTotal"]:
        return "zero"
    if not company_id:
        return "unassigned"
    if item["billedByPax8"] or sides.pax8.companies[company_id]["billOnBehalfOfEnabled"]:
        return "billed_by_pax8"
    if link is None:
        return "unmatched_company"
    if not item["total"]:
        return "no_price"
    if sides.halo.clients[link.client_id]["currencyisocode"] != item["currencyCode"]:
        return "currency_mismatch"
    if item["productId"] not in items and (sold is None or sold["productId"] not in items):
        return "no_item"
    return ""


def _clients(links: Links, charges: list[Charge]) -> dict[str, ExpectedClientUsage]:
    """Return what is billed, by company: one invoice line for each subscription and product, rounded to the cent."""
    own: dict[str, list[Charge]] = defaultdict(list)
    for one in charges:
        if not one.why:
            own[one.company_id].append(one)
    return {company: _client(links, company, of) for company, of in sorted(own.items())}


def _client(links: Links, company_id: str, charges: list[Charge]) -> ExpectedClientUsage:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for one in charges:
        key = f"{one.subscription_id or '-'} {one.product_id or '-'}"
        totals[key] += one.total
        costs[key] += one.cost
    lines = {key: _cents(amount) for key, amount in sorted(totals.items())}
    cost = sum((_cents(amount) for amount in costs.values()), Decimal(0))
    client_id = links.clients[company_id].client_id
    total = sum(lines.values(), Decimal(0))
    return ExpectedClientUsage(client_id, company_id, charges[0].currency, total, cost, len(charges), lines)


def _groups(charges: list[Charge]) -> list[dict[str, Any]]:
    """Return what nobody is billed for yet, by group, the largest amount first."""
    by_group: dict[tuple[str, str, str, str], list[Charge]] = defaultdict(list)
    for one in charges:
        if one.why == "unassigned":
            by_group[one.subscription_id, one.resource_group, one.shape, one.currency].append(one)
    rows = [
        {
            "subscription_id": subscription, "resource_group": group, "shape": shape, "currency": currency, "items": len(of),
            "charges": sum((one.total for one in of), Decimal(0)), "cost": sum((one.cost for one in of), Decimal(0)),
        }
        for (subscription, group, shape, currency), of in by_group.items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row["cost"], row["subscription_id"], row["resource_group"]))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)
