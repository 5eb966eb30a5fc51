"""Asks Pax8 what its documents leave open: page sizes, members, draft items, usage. A dozen reads, and no write.

Facts with mark U: docs/vendors/pax8.md#lists, #invoices, #usage-summaries. What the answers mean for a run is in
`settings.tenant_answers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from pax8_pipeline.errors import BadRequest, Forbidden, NotFound, ServerFault
from pax8_pipeline.extract.probe import Problems, RawReader, Row, id_of, missing_members, without_empty
from pax8_pipeline.settings.tenant_answers import (
    Above,
    Commitment,
    DraftItems,
    ItemIds,
    Pax8Answers,
    UsageCompany,
    YesNo,
)

_DOCUMENTED, _LARGE = 200, 1000
_USAGE_TRIES = 12
_NOT_SHOWN: tuple[int, Above] = (_DOCUMENTED, "not known")
_NO_ROWS: Sequence[Row] = ()
_LINE_DAYS = 10
# What the typed tables read (warehouse/sql/staging); `commitmentTerm` and optional members have a question of their own.
_EXPECTED = {
    "companies": ("id", "name", "status", "externalId", "billOnBehalfOfEnabled"),
    "products": ("id", "name", "vendorName"),
    "subscriptions": (
        "id", "companyId", "productId", "vendorSubscriptionId", "quantity", "startDate", "endDate", "billingStart",
        "status", "price", "partnerCost", "currencyCode", "productName", "billingTerm",
    ),
    "invoices": ("id", "invoiceDate", "status", "total"),
    "invoice items": (
        "subscriptionId", "companyId", "productId", "term", "quantity", "price", "cost", "total", "costTotal",
        "currencyCode", "startPeriod", "endPeriod",
    ),
    "usage summaries": ("id", "companyId", "productId", "resourceGroup", "currentCharges", "partnerTotal", "currencyCode"),
    "usage lines": ("usageDate", "productId", "quantity", "currentCharges", "partnerTotal", "unitPrice", "currencyCode"),
}  # fmt: skip


class Pax8Probe:
    """One probe. `subscriptions` and `companies` hold ids that were seen, for the questions to Halo; never stored."""

    def __init__(self, client: RawReader, today: date) -> None:
        self._client = client
        self._today = today
        self._missing: dict[str, tuple[str, ...]] = {}
        self.problems = Problems()
        self.subscriptions: dict[str, str] = {}
        self.companies: set[str] = set()

    def answers(self) -> Pax8Answers:
        """Ask everything."""
        ask = self.problems.ask
        page_size, above = ask(self._page_size, _NOT_SHOWN)
        companies = ask(lambda: self._rows("companies", "/companies", sort="name,asc"), _NO_ROWS)
        self.companies = {id_of(row.get("id")) for row in companies} - {""}
        subscriptions = ask(lambda: self._rows("subscriptions", "/subscriptions", sort="createdDate,desc"), _NO_ROWS)
        self.subscriptions = {id_of(row.get("id")): id_of(row.get("vendorSubscriptionId")) for row in subscriptions}
        invoices = ask(lambda: self._rows("invoices", "/invoices", sort="invoiceDate,desc"), _NO_ROWS)
        items = ask(lambda: self._items(invoices), _NO_ROWS)
        summaries = ask(lambda: self._usage(items, subscriptions), _NO_ROWS)
        draft_items: DraftItems = ask(self._draft_items, "not known")
        usage_company: UsageCompany = ask(lambda: self._usage_company(summaries), "not known")
        usage_lines: YesNo = ask(lambda: self._usage_lines(summaries), "not known")
        return Pax8Answers(
            probed_on=self._today,
            page_size=page_size,
            above_200=above,
            commitment_member=_commitment(subscriptions),
            invoice_status=_yes(invoices, any("status" in row for row in invoices)),
            item_ids=_item_ids(items),
            draft_items=draft_items,
            usage_company=usage_company,
            usage_lines=usage_lines,
            missing_members=without_empty(self._missing),
            limit_headers=self._client.limit_headers,
        )

    def _page_size(self) -> tuple[int, Above]:
        """Ask a long list for more rows than documented: products, or subscriptions where there are few products."""
        answer = _NOT_SHOWN
        for path, sort in (("/products", "name,asc"), ("/subscriptions", "createdDate,asc")):
            try:
                body = self._get(path, page="0", size=str(_LARGE), sort=sort)
            except BadRequest:
                return _DOCUMENTED, "refused"
            if path == "/products":
                self._missing["products"] = missing_members(_content(body), _EXPECTED["products"])
            answer = _size_of(body)
            if answer[1] != "not known":
                break
        return answer

    def _get(self, path: str, **params: str) -> Any:
        return self._client.raw(path, params)

    def _rows(self, name: str, path: str, **params: str) -> Sequence[Row]:
        rows = _content(self._get(path, page="0", size=str(_DOCUMENTED), **params))
        self._missing[name] = missing_members(rows, _EXPECTED[name])
        return rows

    def _items(self, invoices: Sequence[Row]) -> Sequence[Row]:
        for invoice in invoices:
            if str(invoice.get("status") or "").lower() not in ("void", "credited") and id_of(invoice.get("id")):
                return self._rows("invoice items", f"/invoices/{id_of(invoice['id'])}/items")
        return ()

    def _draft_items(self) -> DraftItems:
        try:
            body = self._get("/invoices/draftItems", page="0", size=str(_DOCUMENTED), monthOffset="1")  # as a run asks
        except ServerFault:  # a 408 too
            return "too slow"
        except (BadRequest, Forbidden, NotFound):
            return "refused"
        return "answered" if _content(body) else "empty"

    def _usage(self, items: Sequence[Row], subscriptions: Sequence[Row]) -> Sequence[Row]:
        """Return the usage summaries of some subscriptions: those charged in arrears first, then those without a price."""
        arrears = [id_of(i.get("subscriptionId")) for i in items if str(i.get("term") or "").lower() == "arrears"]
        free = [id_of(s.get("id")) for s in subscriptions if not s.get("price")]
        found: list[Row] = []
        for subscription in list(dict.fromkeys(filter(None, [*arrears, *free])))[:_USAGE_TRIES]:
            try:
                body = self._get(f"/subscriptions/{subscription}/usage-summaries", page="0", size="50")
            except NotFound:
                continue
            found.extend(_content(body))
        self._missing["usage summaries"] = missing_members(found, _EXPECTED["usage summaries"])
        return found

    def _usage_company(self, summaries: Sequence[Row]) -> UsageCompany:
        if not summaries:
            return "not known"
        without = [row for row in summaries if not id_of(row.get("companyId")) and id_of(row.get("id"))]
        singles = [self._get(f"/usage-summaries/{id_of(row['id'])}") for row in without[:_USAGE_TRIES]]
        if any(isinstance(one, dict) and id_of(one.get("companyId")) for one in singles):
            return "only by id"
        return "in lists" if len(without) < len(summaries) else "neither"

    def _usage_lines(self, summaries: Sequence[Row]) -> YesNo:
        for usage_id in [id_of(row.get("id")) for row in summaries if row.get("currentCharges")][:2]:
            for day in self._days():
                body = self._get(f"/usage-summaries/{usage_id}/usage-lines", usageDate=day, page="0", size="50")
                if lines := _content(body):
                    self._missing["usage lines"] = missing_members(lines, _EXPECTED["usage lines"])
                    return "yes"
        return "no" if summaries else "not known"

    def _days(self) -> Iterator[str]:
        yield from ((self._today - timedelta(days=back)).isoformat() for back in range(1, _LINE_DAYS, 3))


def _content(body: Any) -> tuple[Row, ...]:
    rows = body.get("content") if isinstance(body, dict) else None
    return tuple(row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _size_of(body: Any) -> tuple[int, Above]:
    """Judge a page that was asked for with more rows than documented; a list with few rows shows nothing."""
    rows, page = len(_content(body)), body.get("page") if isinstance(body, dict) else None
    total = page.get("totalElements") if isinstance(page, dict) else None
    if not isinstance(total, int) or total <= _DOCUMENTED or not rows:
        return _NOT_SHOWN
    if rows == min(_LARGE, total):
        return _LARGE, "honoured"
    return min(rows, _LARGE), "cut"


def _yes(rows: Sequence[Row], found: bool) -> YesNo:
    if not rows:
        return "not known"
    return "yes" if found else "no"


def _commitment(rows: Sequence[Row]) -> Commitment:
    if not rows:
        return "not known"
    new, old = (any(row.get(name) for row in rows) for name in ("commitmentTerm", "commitment"))
    if new and old:
        return "both"
    return "commitmentTerm" if new else "commitment" if old else "neither"


def _item_ids(items: Sequence[Row]) -> ItemIds:
    if not items:
        return "not known"
    named = sum(1 for item in items if item.get("id"))
    return "all" if named == len(items) else "some" if named else "none"
