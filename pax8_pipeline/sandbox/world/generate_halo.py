"""Makes the Halo side of a synthetic world, exactly in step with Pax8: clients, items, licences, invoices.

It decides which Halo rows belong to which Pax8 rows and how they can be found. Halo's own rules are in `halo`, the Pax8
side in `generate_pax8.py`, later differences in `scenario.py`.

This tenant has one client for each company; one recurring invoice for each client and billing term (monthly; yearly,
two- and three-yearly where a client pays so); one licence and one line for each subscription. Usage subscriptions have
a line too, with price zero: their money comes in arrears on a separate invoice.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from pax8_pipeline.sandbox.core.clock import add_months
from pax8_pipeline.sandbox.core.links import ClientLink, LineLink, Links
from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.sandbox.pax8.invoice_items import YEARS_OF_TERM
from pax8_pipeline.sandbox.pax8.store import Pax8Store, Row

COMPANY_FIELD = "CFPax8CompanyId"
WAYS = ("mapping_file", "external_id", "custom_field", "external_link")
PERIOD_OF_TERM = {"Monthly": 2, "Annual": 3, "2-Year": 8, "3-Year": 7}  # docs/vendors/halo.md#periods
_REFERENCE_OF_PERIOD = {2: "Monthly services", 3: "Annual subscriptions", 8: "Two-year terms", 7: "Three-year terms"}
_NONE = "1900-01-01T00:00:00"


class HaloGenerator:
    """Fills an empty Halo from a filled Pax8. Later it adds what bills one more subscription, as a person would."""

    def __init__(self, pax8: Pax8Store, halo: HaloStore, rng: random.Random, links: Links) -> None:
        self.pax8 = pax8
        self.halo = halo
        self.rng = rng
        self.links = links
        self._invoices: dict[tuple[int, int], Row] = {
            (row["client_id"], row["period"]): row for row in halo.recurring_invoices.values() if not row["disabled"]
        }

    def fill(self) -> None:
        """Add everything that is in Halo at the start of the world."""
        self.halo.define_custom_field("client", COMPANY_FIELD)
        supplier = self.halo.add_supplier(name="Pax8")
        for product in self.pax8.products.values():
            self.links.items[product["id"]] = self._add_item(product, supplier)
        ways = 0
        for company in self.pax8.companies.values():
            if company["status"] == "Deleted":
                continue
            self.add_client(company, WAYS[ways % len(WAYS)])
            ways += 1
            for subscription_id in self.pax8.subscriptions_of.get(company["id"], ()):
                self._bill_at_start(subscription_id)
            self._add_noise(self.links.clients[company["id"]].client_id, company)
        self._add_strangers()

    # Clients and items ------------------------------------------------------------------------------------

    def add_client(self, company: Row, way: str) -> int:
        """Add the Halo client of a company, which can be found by `way`; return its id."""
        spelt = company["id"].upper() if self.rng.random() < 0.1 else company["id"]
        fields: Row = {}
        if way == "custom_field":
            fields["customfields"] = [{"name": COMPANY_FIELD, "value": spelt}]
        if way == "external_link":
            link = {"third_party_id": spelt, "third_party_desc": company["name"], "details_id": 1}
            fields["external_links"] = [link]
        name = company["name"] + (self.rng.choice((", Inc.", " Ltd", " LLC")) if self.rng.random() < 0.3 else "")
        client_id = self.halo.add_client(name=name, currencyisocode=company["_currency"], **fields)
        if way == "external_id":
            company["externalId"] = str(client_id)
        elif self.rng.random() < 0.2:
            company["externalId"] = f"CRM-{self.rng.randrange(10**5):05d}"  # free text that is not a client id
        self.links.clients[company["id"]] = ClientLink(client_id, way)
        return client_id

    def _add_item(self, product: Row, supplier: int) -> int:
        return self.halo.add_item(
            name=product["name"],
            baseprice=product["_price"],
            recurringprice=product["_price"],
            costprice=product["_cost"],
            recurringcost=product["_cost"],
            supplier_id=supplier,
            supplier_name="Pax8",
            supplier_part_code=product["sku"],
            externalreference=product["id"],
        )

    # Licences and lines -----------------------------------------------------------------------------------

    def _bill_at_start(self, subscription_id: str) -> None:
        row = self.pax8.subscriptions[subscription_id]
        if self.pax8.companies[row["companyId"]]["billOnBehalfOfEnabled"]:
            return  # Pax8 bills this company itself
        if row["status"] == "Cancelled" and self.rng.random() < 0.3:
            return  # ended before this tenant existed
        draw = self.rng.random()
        if draw < 0.10 and row["price"]:
            self.bill(subscription_id, quantity_type=0)
        elif draw < 0.13:
            self.bill(subscription_id, quantity_type=4, snowid=False)
        else:
            self.bill(subscription_id, quantity_type=1 if draw < 0.25 else 4)

    def bill(self, subscription_id: str, *, quantity_type: int = 4, snowid: bool = True) -> LineLink:
        """Add the licence (none for a manual line) and the line that bill a subscription from now on."""
        row = self.pax8.subscriptions[subscription_id]
        client_id = self.links.clients[row["companyId"]].client_id
        header = self._invoice(client_id, PERIOD_OF_TERM[row["billingTerm"]], row)
        licence_id = None if quantity_type == 0 else self._add_licence(row, client_id, snowid=snowid)
        line = self.halo.line_row(self._line(row, quantity_type, licence_id), header)
        header["lines"].append(line)
        way = "snowid" if licence_id is not None and snowid else "mapping_file"
        names_line = licence_id is None or self.rng.random() < 0.5
        link = LineLink(header["id"], line["id"], licence_id, way, names_line)
        self.links.lines[subscription_id] = link
        return link

    def _add_licence(self, row: Row, client_id: int, *, snowid: bool) -> int:
        company = self.pax8.companies[row["companyId"]]
        months = 12 * YEARS_OF_TERM.get(row["billingTerm"], 0) or 1
        spelt = row["id"].upper() if self.rng.random() < 0.05 else row["id"]
        commitment = row["commitment"]
        active = row["status"] != "Cancelled"
        return self.halo.add_licence(
            type=1,
            name=row["productName"],
            count=int(row["quantity"]),
            client_id=client_id,
            price=row["price"],
            purchase_price=row["partnerCost"],
            monthly_price=(row["price"] / months).quantize(Decimal("0.01")),
            monthly_cost=(row["partnerCost"] / months).quantize(Decimal("0.01")),
            billing_cycle=row["billingTerm"],
            term_duration=commitment["term"] if commitment else "Monthly",
            status=row["status"],
            is_active=active,
            start_date=f"{row['startDate']}T00:00:00",
            end_date=f"{row['endDate']}T00:00:00" if row["endDate"] else _NONE,
            distributor="Pax8",
            vendor=self.pax8.products[row["productId"]]["vendorName"],
            snowid=spelt if snowid else "",
            third_party_productid=row["productId"],
            third_party_productname=row["productName"],
            thirdparty_client_id=row["companyId"],
            third_party_client_name=company["name"],
            item_id=self.links.items[row["productId"]],
            linked_item=row["productName"],
        )

    def _line(self, row: Row, quantity_type: int, licence_id: int | None) -> Row:
        line: Row = {
            "_itemid": self.links.items[row["productId"]],
            "item_shortdescription": row["productName"],
            "qty_order": Decimal(row["quantity"]),
            "unit_price": row["price"],
            "baseprice": row["price"],
            "unit_cost": row["partnerCost"],
            "nominal_code": "4000",
            "recurring_invoice_quantity_type": quantity_type,
            "isinactive": row["status"] == "Cancelled",
        }
        if licence_id is not None:
            link = {"kind": quantity_type, "licence_id": licence_id, "licence_name": row["productName"]}
            link |= {"qty_free": 0, "minimum_qty": 0, "pro_rata": 1}
            line["quantity_subscriptions" if quantity_type == 4 else "quantity_licences"] = [link]
        return line

    def follow_twice(self, link: LineLink) -> int:
        """Add a second line that follows the same licence; return its id."""
        header = self.halo.recurring_invoices[link.recurring_invoice_id]
        first = next(line for line in header["lines"] if line["id"] == link.line_id)
        copy = {name: value for name, value in first.items() if name not in ("id", "sequenceid")}
        for member in ("quantity_subscriptions", "quantity_licences"):
            copy[member] = [{k: v for k, v in one.items() if k != "id"} for one in first[member]]
        copy["item_shortdescription"] = f"{first['item_shortdescription']} (second site)"
        line = self.halo.line_row(copy, header)
        header["lines"].append(line)
        return int(line["id"])

    # Recurring invoices -----------------------------------------------------------------------------------

    def _invoice(self, client_id: int, period: int, row: Row) -> Row:
        header = self._invoices.get((client_id, period))
        if header is None:
            due = _next_creation(self.halo.now().date(), period, date.fromisoformat(row["startDate"]))
            header_id = self.halo.add_recurring_invoice(
                lines=[],
                client_id=client_id,
                reference=_REFERENCE_OF_PERIOD[period],
                period=period,
                startdate=f"{add_months(due, -24)}T00:00:00",
                nextcreationdate=f"{due}T00:00:00",
                lastcreated=f"{add_months(due, -1)}T00:00:00" if period == 2 else _NONE,
            )
            header = self._invoices[client_id, period] = self.halo.recurring_invoices[header_id]
            member = {2: "pax8monthlyinvoice", 3: "pax8annualinvoice"}.get(period)
            if member:
                self.halo.clients[client_id][member] = header_id
        return header

    # What Pax8 does not feed ------------------------------------------------------------------------------

    def _add_noise(self, client_id: int, company: Row) -> None:
        header = self._invoices.get((client_id, 2))
        if header is None:
            return
        for line in noise_lines(self.rng, company["_size"]):
            header["lines"].append(self.halo.line_row(line, header))

    def _add_strangers(self) -> None:
        """Add clients that buy nothing through Pax8, one of them inactive, and a replaced recurring invoice."""
        for number, name in enumerate(("Hilltop Prospects", "Walk-in Repairs", "Former Customer Co")):
            inactive = number == 2
            client = self.halo.add_client(name=name, currencyisocode="USD", inactive=inactive)
            self.halo.add_recurring_invoice(
                lines=list(noise_lines(self.rng, 9)),
                client_id=client,
                reference="Support agreement",
                period=2,
                disabled=inactive,
                nextcreationdate=f"{add_months(self.halo.now().date(), 1)}T00:00:00",
            )


def noise_lines(rng: random.Random, size: int) -> Iterator[Row]:
    """Yield lines that do not depend on Pax8: a heading, labour, a bundled line, users, assets, a custom query."""
    heading = {"isgroupdesc": True, "item_shortdescription": "Managed services", "group_id": 1}
    retainer = {"item_shortdescription": "Labour retainer", "qty_order": Decimal(1), "unit_price": Decimal("450.00")}
    bundle = {"item_shortdescription": "Starter bundle", "is_bundled_line": True, "bundle_id": 7, "qty_order": 1}
    users = {"item_shortdescription": "Support per user", "recurring_invoice_quantity_type": 2}
    users |= {"qty_order": Decimal(size), "unit_price": Decimal("35.00")}
    assets = {"item_shortdescription": "Monitoring per device", "recurring_invoice_quantity_type": 3}
    assets |= {"qty_order": Decimal(size + 2), "unit_price": Decimal("6.50")}
    custom = {"item_shortdescription": "Storage by query", "recurring_invoice_quantity_type": 5, "quantity_custom": 3}
    custom |= {"qty_order": Decimal("12.5"), "unit_price": Decimal("0.80")}
    yield heading
    yield retainer
    for line, likely in ((bundle, 0.3), (users, 0.6), (assets, 0.4), (custom, 0.2)):
        if rng.random() < likely:
            yield line


def _next_creation(today: date, period: int, start: date) -> date:
    """Return the first of the next month, or of the month of the anniversary for longer terms."""
    if period == 2:
        return add_months(today, 1)
    years = {3: 1, 8: 2, 7: 3}[period]
    due = start.replace(day=1)
    while due <= today:
        due = add_months(due, 12 * years)
    return due
