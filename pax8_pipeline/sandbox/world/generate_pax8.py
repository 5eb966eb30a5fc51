"""Makes the Pax8 side of a synthetic world: companies, products, subscriptions with their past, usage.

It decides who buys what at the start, with one seeded generator. The Halo side is in `generate_halo.py`, invoices in
`invoices.py`, later events in `scenario.py` and `simulation.py`.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from pax8_pipeline.sandbox.core.clock import add_months, add_years
from pax8_pipeline.sandbox.pax8.invoice_items import YEARS_OF_TERM
from pax8_pipeline.sandbox.pax8.store import Pax8Store, Row, moment_text
from pax8_pipeline.sandbox.pax8.usage import CENT
from pax8_pipeline.sandbox.world.catalogue import BRITISH_TOWNS, GOODS, TOWNS, Good, company_name

GOODS_BY_NAME = {good.name: good for good in GOODS}
SEATS = tuple(good for good in GOODS if good.kind != "usage")
SUITES = tuple(good for good in GOODS if good.kind == "suite")
USAGE = tuple(good for good in GOODS if good.kind == "usage")
ITEM_SHAPE_OF = {  # how an unassigned group's Arrears item looks (docs/vendors/pax8.md#no-company)
    "missing": "item-missing",
    "null": "item-null",
    "owner": "item-owner",
    "dangling": "item-dangling",
    "empty": "item-null",
    "hidden": "item-null",
}
_TERMS = ("Monthly",) * 70 + ("Annual",) * 24 + ("3-Year",) * 4 + ("2-Year",) * 2


@dataclass(frozen=True)
class Sizes:
    """How big the world is."""

    companies: int
    subscriptions: int
    usage: int


def uuid_from(rng: random.Random) -> str:
    """Return the generator's next id."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def fill_pax8(store: Pax8Store, rng: random.Random, sizes: Sizes, unassigned: tuple[str, ...]) -> None:
    """Fill an empty store as of the clock's today. `unassigned`: the forms of usage groups without a company."""
    for good in GOODS:
        store.add_product(_product(rng, good))
    for index in range(sizes.companies):
        row = make_company(rng, company_name(index), store.today, british=index % 12 == 7)
        row["billOnBehalfOfEnabled"] = index % 40 == 17
        store.add_company(row)
    _add_the_deleted(store, rng)
    companies = [row for row in store.companies.values() if row["status"] != "Deleted"]
    counts = _shares(rng, sizes.subscriptions - sizes.usage, len(companies))
    for company, count in zip(companies, counts, strict=True):
        _buy_seats(store, rng, company, count)
    for number in range(sizes.usage):
        company = companies[number] if number < len(companies) else rng.choice(companies)
        _buy_usage(store, rng, company, USAGE[number % len(USAGE)])
    _unlink_groups(store, rng, unassigned)


# Companies and products -----------------------------------------------------------------------------------


def make_company(rng: random.Random, name: str, today: date, *, british: bool = False) -> Row:
    """Return a company. British ones belong to the child partner and pay in pounds."""
    town, county, code = rng.choice(BRITISH_TOWNS if british else TOWNS)
    moment = datetime.combine(today - timedelta(days=rng.randrange(5, 700)), time(9, 12, 3, 114000))
    domain = "".join(letter for letter in name.lower() if letter.isalnum())
    return {
        "id": uuid_from(rng),
        "name": name,
        "address": {
            "street": f"{rng.randrange(1, 900)} Sample St",
            "street2": "Suite 4" if rng.random() < 0.2 else "",
            "city": town,
            "stateOrProvince": county,
            "postalCode": code,
            "country": "GB" if british else "US",
        },
        "phone": f"555-0{rng.randrange(100, 200)}",
        "website": f"https://{domain}.example",
        "externalId": None,
        "billOnBehalfOfEnabled": False,
        "selfServiceAllowed": rng.random() < 0.2,
        "orderApprovalRequired": rng.random() < 0.1,
        "status": "Inactive" if rng.random() < 0.03 else "Active",  # has no contacts; its subscriptions continue
        "updatedDate": moment_text(moment),
        "_partner": 1 if british else 0,
        "_currency": "GBP" if british else "USD",
        "_size": min(90, int(rng.lognormvariate(2.6, 0.7)) + 3),
    }


def _add_the_deleted(store: Pax8Store, rng: random.Random) -> None:
    row = make_company(rng, "Closed Doors Bakery", store.today)
    row["status"] = "Deleted"
    store.add_company(row)


def _product(rng: random.Random, good: Good) -> Row:
    code = "".join(word[:3].upper() for word in good.name.split()[:4])
    components = [
        {
            "productId": uuid_from(rng),
            "name": part.name,
            "unit": part.unit,
            "price": part.price,
            "cost": part.cost,
            "daily": part.daily,
        }
        for part in good.components
    ]
    return {
        "id": uuid_from(rng),
        "name": good.name,
        "vendorName": good.vendor,
        "shortDescription": f"{good.name} by {good.vendor}",
        "description": f"{good.name}: billed per {good.unit.lower()}.",
        "sku": f"{code}-C100",
        "vendorSku": f"{rng.randrange(10000, 99999)}-{code[:2]}-XYZ",
        "altVendorSku": uuid_from(rng),
        "requiresCommitment": good.vendor == "Contora" and good.kind != "usage",
        "_kind": good.kind,
        "_unit": good.unit,
        "_price": good.price,
        "_cost": good.cost,
        "_components": components,
        "_azure": good.azure_like,
    }


def product_named(store: Pax8Store, name: str) -> Row:
    """The product with this name."""
    return next(row for row in store.products.values() if row["name"] == name)


# Seats ----------------------------------------------------------------------------------------------------


def _shares(rng: random.Random, total: int, parts: int) -> list[int]:
    """Divide `total` things among `parts` companies, unevenly; each gets at least one if there are enough."""
    counts = [1] * parts if total >= parts else [0] * parts
    weights = [rng.uniform(0.4, 1.6) for _ in range(parts)]
    for index in rng.choices(range(parts), weights, k=total - sum(counts)):
        counts[index] += 1
    return counts


def _buy_seats(store: Pax8Store, rng: random.Random, company: Row, count: int) -> None:
    goods: list[Good] = [rng.choice(SUITES)] if count else []
    others = [good for good in SEATS if good not in goods]
    while len(goods) < count:
        goods.extend(rng.sample(others, min(len(others), count - len(goods))))
    base: Row | None = None
    for good in goods:
        row, past = make_subscription(store, rng, company, good)
        if good.kind == "addon" and base:
            row["parentSubscriptionId"] = base["id"]
        _age(rng, row, past, store.today)
        store.add_subscription(row, past)
        base = base or row


def make_subscription(
    store: Pax8Store,
    rng: random.Random,
    company: Row,
    good: Good,
    *,
    start: date | None = None,
    term: str | None = None,
    quantity: int | None = None,
) -> tuple[Row, list[Row]]:
    """Return a new active subscription (not stored yet) and its empty past. What is not given is drawn."""
    product = product_named(store, good.name)
    today = store.today
    start = start or today - timedelta(days=rng.randrange(20, 900))
    term = term or rng.choice(_TERMS)
    years = YEARS_OF_TERM.get(term)
    created = _created(rng, start)
    markup = Decimal(rng.randrange(95, 112)) / 100
    months = 12 * years * Decimal("0.95") if years else Decimal(1)
    row: Row = {
        "id": uuid_from(rng),
        "parentSubscriptionId": None,
        "companyId": company["id"],
        "productId": product["id"],
        "vendorSubscriptionId": f"VND-{rng.randrange(10**6):06d}" if rng.random() < 0.5 else uuid_from(rng),
        "vendorSkuId": product["vendorSku"],
        "quantity": quantity or _seats(rng, company, good),
        "startDate": start.isoformat(),
        "endDate": None,
        "createdDate": moment_text(created),
        "updatedDate": None,
        "billingStart": start.isoformat(),
        "status": "Active",
        "price": (good.price * months * markup).quantize(CENT),
        "currencyCode": company["_currency"],
        "partnerCost": good.cost * months,
        "productName": good.name,
        "billingTerm": term,
        "commitment": None,
        "_vendor": good.vendor,
    }
    if years or (product["requiresCommitment"] and rng.random() < 0.7):
        row["commitment"] = _commitment(rng, start, years or 1, today)
    return row, []


def _created(rng: random.Random, start: date) -> datetime:
    created = datetime.combine(start, time(rng.randrange(24), rng.randrange(60), rng.randrange(60)))
    return created + timedelta(days=-rng.randrange(4), milliseconds=rng.randrange(1000))


def _commitment(rng: random.Random, start: date, years: int, today: date) -> Row:
    end = term_end(start, years, today)
    return {"id": uuid_from(rng), "term": f"{years}-Year", "endDate": end.isoformat()}


def _seats(rng: random.Random, company: Row, good: Good) -> int:
    if good.unit == "Server":
        return rng.randrange(1, 4)
    share = 1.0 if good.kind == "suite" else rng.uniform(0.15, 1.1)
    return max(1, round(int(company["_size"]) * share))


def term_end(start: date, years: int, today: date) -> date:
    """Return the last day of the term that includes today."""
    end = add_years(start, years)
    while end <= today:
        end = add_years(end, years)
    return end - timedelta(days=1)


def _age(rng: random.Random, row: Row, past: list[Row], today: date) -> None:
    """Give some subscriptions a history: seats bought or returned, conversions from trials, old cancellations."""
    start = date.fromisoformat(row["startDate"])
    draw = rng.random()
    days = (today - start).days
    if draw < 0.10 and days > 12:
        when = today - timedelta(days=rng.randrange(2, min(75, days)))
        past.append(dict(row, quantity=max(1, row["quantity"] + rng.choice((-3, -2, -1, 1, 2, 4)))))
        row["updatedDate"] = f"{when.isoformat()}T08:01:44.002"
    elif draw < 0.14 and days > 40:
        end = today - timedelta(days=rng.randrange(6, min(200, days)))
        past.append(dict(row))
        row |= {"status": "Cancelled", "endDate": end.isoformat(), "updatedDate": f"{end.isoformat()}T23:15:10.500"}
        row["commitment"] = None
    elif draw < 0.16:
        row["status"] = "Converted"
    elif draw < 0.6:
        row["updatedDate"] = f"{(start + timedelta(days=min(days, 1))).isoformat()}T17:40:00.120"


# Usage ----------------------------------------------------------------------------------------------------


def _buy_usage(store: Pax8Store, rng: random.Random, company: Row, good: Good) -> None:
    start = add_months(store.today, -rng.randrange(4, 20)) + timedelta(days=rng.randrange(28))
    row, _past = make_subscription(store, rng, company, good, start=start, term="Monthly", quantity=1)
    row["commitment"] = None
    store.add_subscription(row)
    add_group(store, rng, row, company["name"], company["id"])
    if rng.random() < 0.2:  # one usage subscription may cover several customers (docs/vendors/pax8.md#no-company)
        own = [c for c in list(store.companies.values())[:400] if c["_partner"] == company["_partner"]]
        other = rng.choice([c for c in own if c["status"] != "Deleted"])
        add_group(store, rng, row, f"{other['name']} (tenant)", other["id"])
    if rng.random() < 0.08:
        add_group(store, rng, row, f"{company['name']} trial", company["id"], trial=True)


def add_group(
    store: Pax8Store,
    rng: random.Random,
    subscription: Row,
    name: str,
    company_id: str | None,
    *,
    shape: str = "assigned",
    trial: bool = False,
) -> Row:
    """Add a vendor's customer to a usage subscription; some of its products stop in mid-month."""
    product = store.products[subscription["productId"]]
    size = Decimal(rng.randrange(20, 260)) / 100
    parts = []
    for index, part in enumerate(product["_components"]):
        stops = None
        if index and rng.random() < 0.25:
            stops = (store.today.replace(day=1) - timedelta(days=rng.randrange(-9, 20))).isoformat()
        daily = (part["daily"] * size).quantize(Decimal("0.001"))
        parts.append(dict(part, daily=daily, starts=subscription["startDate"], stops=stops))
    return store.add_group(
        {
            "id": uuid_from(rng),
            "subscriptionId": subscription["id"],
            "companyId": company_id,
            "productId": product["id"],
            "resourceGroup": name,
            "vendorName": product["vendorName"],
            "currencyCode": subscription["currencyCode"],
            "isTrial": trial,
            "_assignment": shape,
            "_itemShape": ITEM_SHAPE_OF.get(shape, ""),
            "_azure": product["_azure"],
            "_products": parts,
        }
    )


def _unlink_groups(store: Pax8Store, rng: random.Random, shapes: tuple[str, ...]) -> None:
    """Add one more group for each form, each under another usage subscription, which nobody has linked to a company."""
    containers = [store.subscriptions[key] for key in sorted(store.groups_of)]
    rng.shuffle(containers)
    if len(containers) < len(shapes):
        raise ValueError(
            f"{len(shapes)} unassigned groups need as many usage subscriptions; there are {len(containers)}"
        )
    for number, (shape, row) in enumerate(zip(shapes, containers, strict=False)):
        add_group(store, rng, row, f"Tenant {number + 1:02d} (not linked)", None, shape=shape)
