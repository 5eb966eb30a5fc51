"""What each read of the emulated Pax8 answers, as JSON text.

It knows the paths, and makes an envelope from the store: ordered, filtered and spelt rows. Rights and the form of an
error are in `api.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from pax8_pipeline.sandbox.core.clock import add_months
from pax8_pipeline.sandbox.pax8 import invoice_items, invoices, usage, wire
from pax8_pipeline.sandbox.pax8.invoice_items import YEARS_OF_TERM
from pax8_pipeline.sandbox.pax8.pages import Pages, Query
from pax8_pipeline.sandbox.pax8.refusal import Pax8Refusal, not_found
from pax8_pipeline.sandbox.pax8.store import Pax8Store, Row
from pax8_pipeline.sandbox.pax8.wire import spell_text


class Answers:
    """The answers of one store. Call them under the store's lock."""

    def __init__(self, store: Pax8Store) -> None:
        self.store = store
        self.pages = Pages(store)

    def read(self, path: str, query: Query) -> str:
        """Return the answer of a path below the base. Raises Pax8Refusal for an unknown path, id or parameter."""
        for pattern, answer in _READS:
            if match := pattern.fullmatch(path):
                return answer(self, query, *match.groups())
        raise Pax8Refusal(404, f"No static resource public/v1{path}.")

    # Companies, products, subscriptions --------------------------------------------------------------------

    def _list(self, name: str, query: Query) -> str:
        """A page of companies, products or subscriptions."""
        rows: Sequence[Row] = list(getattr(self.store, name).values())
        switches = self.store.switches
        if name == "companies" and switches.deleted_companies == "hidden" and not query.get("status"):
            rows = [row for row in rows if row["status"] != "Deleted"]
        if name == "products" and query.get("search"):
            rows = [row for row in rows if query["search"].lower() in row["name"].lower()]
        spell = _SPELLINGS[name]
        return self.pages.page(name, rows, query, lambda row: spell(row, switches, in_list=True), cached=True)

    def _one(self, name: str, key: str) -> str:
        """One company, product or subscription, with members that its list rows may lack."""
        return spell_text(_SPELLINGS[name](self._row(name, key), self.store.switches, in_list=False))

    def _row(self, name: str, key: str) -> Row:
        row: Row | None = getattr(self.store, name).get(key.lower())
        if row is None:
            raise not_found(_NOUNS[name], key)
        return row

    def _check_company(self, company: str | None) -> None:
        if not company:
            return
        if company.lower() in map(str.lower, self.store.switches.foreign_companies):
            raise Pax8Refusal(403, f"Access to company {company} is denied")
        self._row("companies", company)

    def _subscriptions(self, query: Query) -> str:
        company = query.get("companyId")
        if company and company.lower() not in self.store.companies:
            raise Pax8Refusal(403, f"Access to company {company} is denied")
        return self._list("subscriptions", query)

    def _history(self, _query: Query, key: str) -> str:
        """All snapshots of one subscription; no paging."""
        rows = list(self.store.snapshots(self._row("subscriptions", key)["id"]))
        style = self.store.switches.history_order
        if style == "newest_first":
            rows.reverse()
        elif style == "shuffled":
            rows = rows[1::2] + rows[::2]
        spelt = [wire.subscription(row, self.store.switches, in_list=True) for row in rows]
        return spell_text({"content": spelt})

    def _contacts(self, query: Query, company: str) -> str:
        """The contacts of one company: one person."""
        self._check_company(company)
        return self.pages.page("contacts", [self._person(company)], query, dict)

    def _contact(self, _query: Query, company: str, key: str) -> str:
        self._check_company(company)
        person = self._person(company)
        if person["id"] != key.lower():
            raise not_found("Contact", key)
        return spell_text(person)

    def _person(self, company: str) -> Row:
        name = self.store.companies[company.lower()]["name"]
        types = [{"type": kind, "primary": True} for kind in ("Admin", "Billing", "Technical")]
        return {
            "id": company.lower(),
            "firstName": "Robin",
            "lastName": name.split()[0],
            "email": f"robin@{name.split()[0].lower()}.example",
            "phone": "555-0199",
            "phoneNumber": "5550199",
            "phoneCountryCode": "US",
            "phoneCountryCallingCode": "1",
            "createdDate": "2024-05-12",
            "types": types,
        }

    # Products in detail -----------------------------------------------------------------------------------

    def _pricing(self, _query: Query, key: str) -> str:
        """The rates of one product by billing term; no currency anywhere."""
        row = self._row("products", key)
        terms = [("Monthly", 1)] if row["_kind"] == "usage" else [("Monthly", 1), ("Annual", 12), ("3-Year", 36)]
        return spell_text({"content": [_pricing(row, term, months) for term, months in terms]})

    def _provision_details(self, _query: Query, key: str) -> str:
        """What an order for one product must contain; without paging."""
        self._row("products", key)
        detail = {"label": "Domain", "key": "domain", "description": "The customer's domain", "valueType": "Input"}
        return spell_text({"content": [detail]})

    def _dependencies(self, _query: Query, key: str) -> str:
        """Commitments and needed products of one product: an object without envelope."""
        row = self._row("products", key)
        commitment = {
            "id": row["id"],
            "term": "1-Year",
            "autoRenew": True,
            "renewalWindowDaysBeforeTermEnd": 30,
            "renewalWindowDaysAfterTermEnd": 7,
            "allowForQuantityIncrease": True,
            "allowForQuantityDecrease": False,
            "allowForEarlyCancellation": False,
            "cancellationFeeApplied": False,
            "isTransferable": False,
        }
        held = [commitment] if row["requiresCommitment"] else []
        return spell_text({"commitmentDependencies": held, "productDependencies": []})

    # Usage ------------------------------------------------------------------------------------------------

    def _usage_summaries(self, query: Query, subscription: str) -> str:
        """The summaries of one subscription; an empty list when it has no usage."""
        self._check_company(query.get("companyId"))
        month = usage.summary_month(self.store)
        groups = usage.listed_groups(self.store, self._row("subscriptions", subscription)["id"])
        rows = [usage.summary(self.store, group, month, in_list=True) for group in groups]
        return self.pages.page("usage_summaries", rows, query, dict)

    def _usage_summary(self, _query: Query, key: str) -> str:
        """One summary (the documents call it a list; it is one object)."""
        return spell_text(usage.summary(self.store, *self._find_summary(key), in_list=False))

    def _find_summary(self, key: str) -> tuple[Row, date]:
        group_and_month = usage.find_summary(self.store, key)
        if group_and_month is None or usage.shape_of(self.store, group_and_month[0]) == "hidden":
            raise not_found("Usage Summary", key)
        return group_and_month

    def _usage_lines(self, query: Query, key: str) -> str:
        """The lines of one summary on one day."""
        day = query.get("usageDate")
        if not day:
            raise Pax8Refusal(400, "Required request parameter 'usageDate' is not present")
        group, _ = self._find_summary(key)
        try:
            usage_date = date.fromisoformat(day)
        except ValueError:
            raise Pax8Refusal(400, f"Failed to convert value '{day}' of parameter 'usageDate'") from None
        return self.pages.page("usage_lines", usage.lines(self.store, group, key.lower(), usage_date), query, dict)

    # Invoices ---------------------------------------------------------------------------------------------

    def _invoices(self, query: Query) -> str:
        """A page of the invoices that are approved by today."""
        rows = invoices.visible(self.store)
        start, end = query.get("invoiceDateRangeStart"), query.get("invoiceDateRangeEnd")
        rows = [row for row in rows if (not start or row["invoiceDate"] >= start[:10])]
        rows = [row for row in rows if (not end or row["invoiceDate"] <= end[:10])]
        return self.pages.page("invoices", rows, query, lambda row: wire.invoice(row, self.store.switches))

    def _invoice(self, _query: Query, key: str) -> str:
        return spell_text(wire.invoice(self._visible_invoice(key), self.store.switches))

    def _invoice_items(self, query: Query, key: str) -> str:
        """A page of the items of one approved invoice."""
        items = invoices.items_of(self.store, self._visible_invoice(key))
        return self.pages.page("invoice_items", items, query, lambda item: wire.invoice_item(item, self.store.switches))

    def _draft_items(self, query: Query) -> str:
        """Seats of this month (0) or the next (1) as of today: no usage, no ids."""
        if self.store.switches.draft_items_timeout:
            raise Pax8Refusal(408, "The request timed out while calculating draft items")
        offset = query.get("monthOffset", "1")
        if offset not in ("0", "1"):
            raise Pax8Refusal(422, "monthOffset must be 0 or 1")
        company = query.get("companyId", "").lower()
        self._check_company(company)
        items = invoice_items.draft_items(self.store, add_months(self.store.today, int(offset)))
        own = [item for item in items if not company or item["companyId"] == company]
        return self.pages.page(
            "draft_items", own, query, lambda item: wire.invoice_item(item, self.store.switches, draft=True)
        )

    def _visible_invoice(self, key: str) -> Row:
        for row in invoices.visible(self.store):
            if row["id"] == key.lower():
                return row
        raise not_found("Invoice", key)


def _pricing(row: Row, term: str, months: int) -> Row:
    price, cost = row["_price"] * months, row["_cost"] * months
    rate = {
        "partnerBuyRate": cost,
        "suggestedRetailPrice": price,
        "startQuantityRange": 1,
        "endQuantityRange": None,
        "chargeType": "Per Unit",
    }
    priced: Row = {
        "productId": row["id"],
        "productName": row["name"],
        "billingTerm": term,
        "type": "Flat",
        "unitOfMeasurement": row["_unit"],
        "rates": [rate],
    }
    if term in YEARS_OF_TERM:
        priced |= {"commitmentTerm": f"{months // 12}-Year", "commitmentTermInMonths": Decimal(months)}
    return priced


def _refused_order(_answers: Answers, _query: Query, key: str) -> str:
    raise not_found("Order", key)


def _path(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("{}", "([^/]+)"))


_NOUNS = {"companies": "Company", "products": "Product", "subscriptions": "Subscription"}
_SPELLINGS: dict[str, Callable[..., Row]] = {
    "companies": wire.company,
    "products": wire.product,
    "subscriptions": wire.subscription,
}
# The first pattern that fits a path answers it: "{}" stands for an id, which the function gets after the query.
_READS: tuple[tuple[re.Pattern[str], Callable[..., str]], ...] = (
    (_path("/companies"), lambda own, query: own._list("companies", query)),
    (_path("/companies/{}"), lambda own, _, key: own._one("companies", key)),
    (_path("/companies/{}/contacts"), Answers._contacts),
    (_path("/companies/{}/contacts/{}"), Answers._contact),
    (_path("/products"), lambda own, query: own._list("products", query)),
    (_path("/products/{}"), lambda own, _, key: own._one("products", key)),
    (_path("/products/{}/pricing"), Answers._pricing),
    (_path("/products/{}/provision-details"), Answers._provision_details),
    (_path("/products/{}/dependencies"), Answers._dependencies),
    (_path("/orders"), lambda own, query: own.pages.page("orders", [], query, dict)),
    (_path("/orders/{}"), _refused_order),
    (_path("/subscriptions"), Answers._subscriptions),
    (_path("/subscriptions/{}"), lambda own, _, key: own._one("subscriptions", key)),
    (_path("/subscriptions/{}/history"), Answers._history),
    (_path("/subscriptions/{}/usage-summaries"), Answers._usage_summaries),
    (_path("/usage-summaries/{}"), Answers._usage_summary),
    (_path("/usage-summaries/{}/usage-lines"), Answers._usage_lines),
    (_path("/invoices"), Answers._invoices),
    (_path("/invoices/draftItems"), Answers._draft_items),
    (_path("/invoices/{}"), Answers._invoice),
    (_path("/invoices/{}/items"), Answers._invoice_items),
)
