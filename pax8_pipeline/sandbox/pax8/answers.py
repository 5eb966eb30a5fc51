"""What each read of the emulated Pax8 answers, as JSON text.

It makes an envelope from the store: ordered, filtered and spelt rows. It returns None for an unknown id; rights and
errors are in `api.py`. Spelt rows and the order of large lists are cached until something changes, so that a page of
200 only joins texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from pax8_pipeline.sandbox.core.clock import add_months
from pax8_pipeline.sandbox.pax8 import invoice_items, invoices, lists, usage, wire
from pax8_pipeline.sandbox.pax8.invoice_items import YEARS_OF_TERM
from pax8_pipeline.sandbox.pax8.store import Pax8Store, Row
from pax8_pipeline.sandbox.pax8.wire import spell_text

Query = Mapping[str, str]
Spell = Callable[[Row], Row]


class Answers:
    """The answers of one store. Call them under the store's lock."""

    def __init__(self, store: Pax8Store) -> None:
        self.store = store
        self._requests = 0
        self._made_for: tuple[Any, ...] = ()
        self._orders: dict[tuple[Any, ...], Sequence[Row]] = {}
        self._texts: dict[tuple[str, str], str] = {}
        self._disturbed = 0

    # Companies, products, subscriptions --------------------------------------------------------------------

    def list_of(self, name: str, query: Query) -> str:
        """A page of companies, products or subscriptions."""
        rows: Sequence[Row] = list(getattr(self.store, name).values())
        switches = self.store.switches
        if name == "companies" and switches.deleted_companies == "hidden" and not query.get("status"):
            rows = [row for row in rows if row["status"] != "Deleted"]
        if name == "products" and query.get("search"):
            rows = [row for row in rows if query["search"].lower() in row["name"].lower()]
        spell: dict[str, Spell] = {
            "companies": lambda row: wire.company(row, switches, in_list=True),
            "products": lambda row: wire.product(row, switches, in_list=True),
            "subscriptions": lambda row: wire.subscription(row, switches, in_list=True),
        }
        return self._page(name, rows, query, spell[name], cached=True)

    def company(self, key: str) -> str | None:
        """One company."""
        row = self.store.companies.get(key.lower())
        return spell_text(wire.company(row, self.store.switches, in_list=False)) if row else None

    def product(self, key: str) -> str | None:
        """One product with its description."""
        row = self.store.products.get(key.lower())
        return spell_text(wire.product(row, self.store.switches, in_list=False)) if row else None

    def subscription(self, key: str) -> str | None:
        """One subscription, with members that its list rows may lack."""
        row = self.store.subscriptions.get(key.lower())
        return spell_text(wire.subscription(row, self.store.switches, in_list=False)) if row else None

    def history(self, key: str) -> str | None:
        """All snapshots of one subscription; no paging."""
        if key.lower() not in self.store.subscriptions:
            return None
        rows = list(self.store.snapshots(key.lower()))
        style = self.store.switches.history_order
        if style == "newest_first":
            rows.reverse()
        elif style == "shuffled":
            rows = rows[1::2] + rows[::2]
        spelt = [wire.subscription(row, self.store.switches, in_list=True) for row in rows]
        return spell_text({"content": spelt})

    def contacts(self, company: str, query: Query) -> str:
        """The contacts of one company: one person."""
        return self._page("contacts", [self._person(company)], query, dict)

    def contact(self, company: str, key: str) -> str | None:
        """One contact of one company."""
        person = self._person(company)
        return spell_text(person) if person["id"] == key.lower() else None

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

    def orders(self, query: Query) -> str:
        """Orders: always an empty list."""
        return self._page("orders", [], query, dict)

    # Products in detail -----------------------------------------------------------------------------------

    def pricing(self, key: str) -> str | None:
        """The rates of one product by billing term; no currency anywhere."""
        row = self.store.products.get(key.lower())
        if row is None:
            return None
        terms = [("Monthly", 1)] if row["_kind"] == "usage" else [("Monthly", 1), ("Annual", 12), ("3-Year", 36)]
        return spell_text({"content": [_pricing(row, term, months) for term, months in terms]})

    def provision_details(self, key: str) -> str | None:
        """What an order for one product must contain; without paging."""
        if key.lower() not in self.store.products:
            return None
        detail = {
            "label": "Domain",
            "key": "domain",
            "description": "The customer's domain",
            "valueType": "Input",
        }
        return spell_text({"content": [detail]})

    def dependencies(self, key: str) -> str | None:
        """Commitments and needed products of one product: an object without envelope."""
        row = self.store.products.get(key.lower())
        if row is None:
            return None
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

    def usage_summaries(self, subscription: str, query: Query) -> str | None:
        """The summaries of one subscription; an empty list when it has no usage."""
        if subscription.lower() not in self.store.subscriptions:
            return None
        month = usage.summary_month(self.store)
        groups = usage.listed_groups(self.store, subscription.lower())
        rows = [usage.summary(self.store, group, month, in_list=True) for group in groups]
        return self._page("usage_summaries", rows, query, dict)

    def usage_summary(self, key: str) -> str | None:
        """One summary (the documents call it a list; it is one object)."""
        group_and_month = usage.find_summary(self.store, key)
        if group_and_month is None or usage.shape_of(self.store, group_and_month[0]) == "hidden":
            return None
        return spell_text(usage.summary(self.store, *group_and_month, in_list=False))

    def usage_lines(self, key: str, day: str, query: Query) -> str | None:
        """The lines of one summary on one day."""
        group_and_month = usage.find_summary(self.store, key)
        if group_and_month is None or usage.shape_of(self.store, group_and_month[0]) == "hidden":
            return None
        try:
            usage_date = date.fromisoformat(day)
        except ValueError:
            raise lists.BadParameter(f"Failed to convert value '{day}' of parameter 'usageDate'") from None
        rows = usage.lines(self.store, group_and_month[0], key.lower(), usage_date)
        return self._page("usage_lines", rows, query, dict)

    # Invoices ---------------------------------------------------------------------------------------------

    def invoices(self, query: Query) -> str:
        """A page of the invoices that are approved by today."""
        rows = invoices.visible(self.store)
        start, end = query.get("invoiceDateRangeStart"), query.get("invoiceDateRangeEnd")
        rows = [row for row in rows if (not start or row["invoiceDate"] >= start[:10])]
        rows = [row for row in rows if (not end or row["invoiceDate"] <= end[:10])]
        return self._page("invoices", rows, query, lambda row: wire.invoice(row, self.store.switches))

    def invoice(self, key: str) -> str | None:
        """One approved invoice."""
        row = self._visible_invoice(key)
        return spell_text(wire.invoice(row, self.store.switches)) if row else None

    def invoice_items(self, key: str, query: Query) -> str | None:
        """A page of the items of one approved invoice."""
        row = self._visible_invoice(key)
        if row is None:
            return None
        items = invoices.items_of(self.store, row)
        return self._page("invoice_items", items, query, lambda item: wire.invoice_item(item, self.store.switches))

    def draft_items(self, month_offset: int, query: Query) -> str:
        """Seats of this month (0) or the next (1) as of today: no usage, no ids."""
        items = invoice_items.draft_items(self.store, add_months(self.store.today, month_offset))
        company = query.get("companyId", "").lower()
        if company:
            items = [item for item in items if item["companyId"] == company]
        return self._page(
            "draft_items", items, query, lambda item: wire.invoice_item(item, self.store.switches, draft=True)
        )

    def _visible_invoice(self, key: str) -> Row | None:
        return next((row for row in invoices.visible(self.store) if row["id"] == key.lower()), None)

    # Pages ------------------------------------------------------------------------------------------------

    def _page(self, name: str, rows: Sequence[Row], query: Query, spell: Spell, *, cached: bool = False) -> str:
        """Return one page of a list in the common envelope. `cached` reuses order and spelling until something
        changes.
        """
        number, size = lists.paging(query, self.store.switches)
        self._requests += 1
        self._forget_if_changed()
        ordered = self._ordered(name, rows, query, cached=cached)
        ordered = self._disturb(name, ordered, number)
        page = lists.page(ordered, number, size)
        if cached:
            texts = [self._text(name, row, spell) for row in page.rows]
        else:
            texts = [spell_text(spell(row)) for row in page.rows]
        return self._envelope(name, page, texts)

    def _ordered(self, name: str, rows: Sequence[Row], query: Query, *, cached: bool) -> Sequence[Row]:
        switches = self.store.switches
        if not cached or not lists.is_sorted(name, query) or switches.sorted_ties == "shuffled":
            rows = lists.keep(name, rows, query)
            return lists.order(name, rows, query, switches, self._requests)
        key = (name, *sorted((k, v) for k, v in query.items() if k not in ("page", "size")))
        if key not in self._orders:
            matching = lists.keep(name, rows, query)
            self._orders[key] = lists.order(name, matching, query, switches, 0)
        return self._orders[key]

    def _text(self, name: str, row: Row, spell: Spell) -> str:
        text = self._texts.get((name, row["id"]))
        if text is None:
            text = self._texts[name, row["id"]] = spell_text(spell(row))
        return text

    def _disturb(self, name: str, ordered: Sequence[Row], number: int) -> Sequence[Row]:
        """Leave out the first row until the list's first page was read: then it moves every later page by one."""
        switches = self.store.switches
        if switches.insert_between_pages != name or self._disturbed >= switches.insert_between_pages_times:
            return ordered
        if number == 0:
            return ordered[1:]
        self._disturbed += 1
        return ordered

    def _envelope(self, name: str, page: lists.PageOf, texts: list[str]) -> str:
        paging = spell_text(
            {
                "size": page.size,
                "totalElements": page.total,
                "totalPages": page.total_pages,
                "number": page.number,
            }
        )
        style = self.store.switches.empty_content
        if not texts and (style == "omit" or (style == "omit_on_invoices" and name == "invoices")):
            return f'{{"page":{paging}}}'
        return f'{{"content":[{",".join(texts)}],"page":{paging}}}'

    def _forget_if_changed(self) -> None:
        state = (self.store.revision, self.store.today, *map(str, self.store.switches.to_json().items()))
        if state != self._made_for:
            self._made_for = state
            self._orders.clear()
            self._texts.clear()
            self._disturbed = 0


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
