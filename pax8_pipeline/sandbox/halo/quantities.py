"""The quantity that Halo bills of a line, and its money: quantities that follow licences, pro rata, computed amounts.

Pure arithmetic over rows (docs/vendors/halo.md#line-follows-licence, #pro-rata). Invoices are made in `invoicing.py`,
saved in `writes.py`; the shape of answers is in `answers.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from pax8_pipeline.sandbox.halo import templates
from pax8_pipeline.sandbox.halo.rows import ZERO, Row, as_double, new_row, read_day
from pax8_pipeline.sandbox.halo.store import HaloStore

MANUAL, LICENCES, USERS, ASSETS, SUBSCRIPTIONS = 0, 1, 2, 3, 4
FOLLOWS_LICENCES = (LICENCES, SUBSCRIPTIONS)
_LINKS_OF = {LICENCES: "quantity_licences", SUBSCRIPTIONS: "quantity_subscriptions"}
_PERIOD_MONTHS = {2: 1, 3: 12, 4: 3, 5: 6, 7: 36, 8: 24, 9: 48}  # docs/vendors/halo.md#periods; 1 is a week, others 60
_CENT = Decimal("0.01")


def months_of(period: int) -> int:
    """Months in a recurring invoice's `period`; a week counts as one."""
    return 1 if period == 1 else _PERIOD_MONTHS.get(period, 60)


def licence_links(line: Row) -> list[Row]:
    """Return the quantity links that count for this line's quantity type (none for a line that follows no licence)."""
    member = _LINKS_OF.get(line["recurring_invoice_quantity_type"])
    return list(line[member] or []) if member else []


def lines_following(store: HaloStore, licence_id: int) -> Iterator[tuple[Row, Row, Row]]:
    """Yield (header, line, link) for each recurring line whose quantity follows this licence."""
    for header in store.recurring_invoices.values():
        for line in header["lines"]:
            member = _LINKS_OF.get(line["recurring_invoice_quantity_type"])
            for link in line[member] if member else ():
                if link["licence_id"] == licence_id:
                    yield header, line, link


def count_of(store: HaloStore, licence_id: int) -> int:
    """Return a licence's count; 0 for a deleted licence."""
    licence = store.licences.get(licence_id)
    return int(licence["count"]) if licence else 0


def billed_quantity(store: HaloStore, line: Row) -> Decimal:
    """Return the quantity of this line that an invoice made now would bill.

    For type 1 and 4: the sum of `count` of the linked licences, active or not, minus `qty_free`, at least
    `minimum_qty`. The licence's `is_active` does not matter. Any other type bills `qty_order`.
    """
    if line["recurring_invoice_quantity_type"] not in FOLLOWS_LICENCES:
        return Decimal(line["qty_order"])
    links = licence_links(line)
    return _followed(links, {link["licence_id"]: count_of(store, link["licence_id"]) for link in links})


def _followed(links: list[Row], counts: Mapping[int, int]) -> Decimal:
    total = sum(counts[link["licence_id"]] - link["qty_free"] for link in links)
    floor = max((link["minimum_qty"] for link in links), default=0)
    return as_double(max(total, floor, 0))


def shown_quantity(store: HaloStore, line: Row) -> Decimal:
    """Return `qty_order` as a read shows it: from the licences, or as of the last invoice (a switch)."""
    if store.switches.qty_order_refresh == "at_read":
        return billed_quantity(store, line)
    return Decimal(line["qty_order"])


def linked_price(store: HaloStore, line: Row) -> tuple[Decimal, Decimal]:
    """Unit price and cost; a link can say the licence's (docs/vendors/halo.md#line-follows-licence)."""
    price, cost = Decimal(line["unit_price"]), Decimal(line["unit_cost"])
    for link in licence_links(line):
        licence = store.licences.get(link["licence_id"])
        if licence is None:
            continue
        price = Decimal(licence["price"]) if link["use_linked_subscription_price"] else price
        cost = Decimal(licence["purchase_price"]) if link["use_linked_subscription_cost"] else cost
    return price, cost


def line_is_live(line: Row, today: date) -> bool:
    """`isActive`: not switched off, inside its dates, and not a finished one-time line."""
    start, end = read_day(line["startdate"]), read_day(line["enddate"])
    outside = (start is not None and start > today) or (end is not None and end < today)
    finished = line["onetimecharge"] and line["onetimechargeinvoiceid"] > 0
    return not (line["isinactive"] or outside or finished)


def money(amount: Decimal) -> Decimal:
    """An amount rounded to cents, as Halo's double."""
    return as_double(amount.quantize(_CENT, ROUND_HALF_UP))


@dataclass(frozen=True)
class Figures:
    """What a read shows of a line: quantity, unit price and cost, net and tax, in the invoice's currency."""

    quantity: Decimal
    price: Decimal
    cost: Decimal
    net: Decimal
    tax: Decimal


def line_figures(store: HaloStore, line: Row) -> Figures:
    """Compute the figures of a line; a group heading costs nothing."""
    quantity, (price, cost) = shown_quantity(store, line), linked_price(store, line)
    rate = Decimal(line["tax_rate"])
    if line["isgroupdesc"]:
        net = tax = ZERO
    elif store.switches.double_noise:
        net = as_double(float(quantity) * float(price))
        tax = as_double(float(net) * float(rate) / 100)
    else:
        net, tax = money(quantity * price), money(quantity * price * rate / 100)
    return Figures(quantity, price, cost, net, tax)


def note_count_change(store: HaloStore, licence: Row, old: int, new: int, change_id: int) -> None:
    """Make the pro rata entries that a licence's new count causes on active computed lines.

    It may be called before or after `licence["count"]` gets the new value: it uses only `old` and `new` for this
    licence.
    """
    for header, line, link in list(lines_following(store, licence["id"])):
        if not link["pro_rata"] or line["isinactive"] or header["disabled"]:
            continue
        links = licence_links(line)

        counts = {other["licence_id"]: count_of(store, other["licence_id"]) for other in links}
        before = _followed(links, {**counts, licence["id"]: old})
        delta = _followed(links, {**counts, licence["id"]: new}) - before
        if delta == 0 or (delta < 0 and not store.switches.allow_negative_prorata):
            continue
        price, cost = linked_price(store, line)
        entry = {
            "id": store.take_id("prorata"),
            "invoicedetailid": line["id"],
            "recurring_invoice_id": header["id"],
            "client_id": header["client_id"],
            "date": store.stamp(),
            "quantity": delta,
            "unitprice": price,
            "unitcost": cost,
            "shortdescription": f"Pro rata: {line['item_shortdescription']}",
            "quantity_id": link["id"],
            "change_id": change_id,
        }
        line["prorata_data"].append(new_row(templates.PRORATA.stored, entry))
