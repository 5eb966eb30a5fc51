"""The Pax8 client: reads every list completely, and returns every object as it was sent.

It knows the endpoints and their parameters (docs/vendors/pax8.md). The meaning of fields and typing are in staging.
There is no write: this product never writes to Pax8, and the transport of this client refuses everything but GET.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Unpack
from urllib.parse import quote

from pax8_pipeline.errors import BadRequest
from pax8_pipeline.pax8.config import Pax8Config
from pax8_pipeline.pax8.paging import VENDOR, Page, Pax8ListRead, parse_page, row_id
from pax8_pipeline.text import jsontext
from pax8_pipeline.transport.client import VendorProfile
from pax8_pipeline.transport.listing import Listing, Row, bad_answer
from pax8_pipeline.transport.oauth import TokenRequest
from pax8_pipeline.transport.parallel import map_all
from pax8_pipeline.transport.redact import register_secret
from pax8_pipeline.transport.vendor_client import ClientOptions, VendorClient

# The largest documented page, and the largest that is asked for where a probe found that it is honoured.
DOCUMENTED_PAGE, LARGEST_PAGE = 200, 1000
# What a run can do without (the draft, histories) is asked for once more after a failure, and then not read.
OPTIONAL_TRIES = 2


@dataclass(frozen=True)
class Pax8Check:
    """The result of `Pax8Client.check`, for `doctor`. `companies`: the number that Pax8 names."""

    companies: int


class Pax8Client(VendorClient):
    """One Pax8 partner account, read only. Thread-safe. Close it, or use it as a context manager.

    All methods raise the errors of `pax8_pipeline.errors`. Lists raise IncompleteRead instead of returning a part. A
    filter of Pax8 is never trusted: it ignores unknown parameters without a message.
    """

    def __init__(self, config: Pax8Config, **options: Unpack[ClientOptions]) -> None:
        register_secret(config.client_secret.get_secret_value())
        self._config = config
        super().__init__(
            VendorProfile(
                vendor=VENDOR,
                api_url=config.api_url,
                token_url=config.token_url,
                token_request=_token_request(config),
                fresh_401_means="credentials",
                may_write=False,
            ),
            config,
            **options,
        )

    def check(self) -> Pax8Check:
        """Fetch a token and read one row. This proves credentials, address and permission."""
        page = parse_page(self._transport.get_json("/companies", {"page": "0", "size": "1"}), "GET /companies")
        return Pax8Check(page.total)

    def companies(self) -> Listing:
        """All companies of any status (docs/vendors/pax8.md#companies)."""
        return self._list("/companies", sort="name,asc")

    def products(self) -> Listing:
        """All products of the catalogue (docs/vendors/pax8.md#products)."""
        return self._list("/products", sort="name,asc")

    def subscriptions(self) -> Listing:
        """All subscriptions of any status (docs/vendors/pax8.md#subscriptions)."""
        return self._list("/subscriptions", sort="createdDate,asc")

    def subscription(self, subscription_id: str) -> Row:
        """One subscription. Raises NotFound if there is none."""
        return self._one("/subscriptions", subscription_id)

    def usage_summaries(self, subscription_id: str) -> Listing:
        """The usage summaries of one subscription. Raises NotFound for an unknown subscription
        (docs/vendors/pax8.md#usage-summaries).

        The list is never filtered by company: a filter would hide usage without a company.
        """
        return self._list(f"/subscriptions/{_segment(subscription_id)}/usage-summaries", sort="resourceGroup,asc")

    def usage_summary(self, summary_id: str) -> Row:
        """One usage summary; only this answer may name its company (docs/vendors/pax8.md#usage-summaries)."""
        return self._one("/usage-summaries", summary_id)

    def usage_lines(self, summary_id: str, usage_date: date) -> Listing:
        """The lines posted for one day: totals of the month so far, no ids (docs/vendors/pax8.md#usage-lines)."""
        day = usage_date.isoformat()
        listing = self._list(f"/usage-summaries/{_segment(summary_id)}/usage-lines", usageDate=day)
        return listing.only(lambda row: row.get("usageDate") in (None, "") or str(row["usageDate"]).strip()[:10] == day)

    def invoices(self) -> Listing:
        """All invoices of any status, Void and Credited too (docs/vendors/pax8.md#invoices)."""
        return self._list("/invoices", sort="invoiceDate,asc")

    def invoice_items(self, invoice_id: str) -> Listing:
        """All items of one invoice; they may have no id of their own (docs/vendors/pax8.md#invoice-items)."""
        return self._list(f"/invoices/{_segment(invoice_id)}/items")

    def draft_items(self) -> Listing:
        """The items of next month's invoice as Pax8 would make it today: no ids, no usage
        (docs/vendors/pax8.md#invoice-items).
        """
        return self._list("/invoices/draftItems", tries=OPTIONAL_TRIES, monthOffset="1")

    def subscription_history(self, subscription_id: str) -> Listing:
        """The snapshots of one subscription in any order, the present one among them; there are no pages
        (docs/vendors/pax8.md#subscriptions). Raises NotFound for an unknown subscription.
        """
        path = f"/subscriptions/{_segment(subscription_id)}/history"
        body = self._transport.get_json(path, tries=OPTIONAL_TRIES)
        rows = body.get("content") if isinstance(body, dict) else None
        if not isinstance(rows, list) or not all(_is_of(row, subscription_id) for row in rows):
            raise bad_answer(VENDOR, f"GET {path}", "the answer does not hold snapshots of this subscription only")
        return Listing(path, tuple(rows), None, 1, 0)

    def _list(self, path: str, *, tries: int | None = None, **params: str) -> Listing:
        read = Pax8ListRead(path, min(self._config.page_size, LARGEST_PAGE))
        while True:
            page_params = {**params, "size": str(read.page_size)}
            try:
                first = self._page(path, page_params, tries, 0)
            except BadRequest:
                if read.page_size <= DOCUMENTED_PAGE:
                    raise
                read = Pax8ListRead(path, DOCUMENTED_PAGE)  # the size that a probe found is not taken any more
                continue
            rest = map_all(partial(self._page, path, page_params, tries), range(1, first.pages), self._threads)
            listing = read.add([first, *rest])
            if listing is not None:
                return listing

    def _page(self, path: str, params: dict[str, str], tries: int | None, number: int) -> Page:
        body = self._transport.get_json(path, {**params, "page": str(number)}, tries=tries)
        return parse_page(body, f"GET {path}")

    def _one(self, collection: str, object_id: str) -> Row:
        path = f"{collection}/{_segment(object_id)}"
        body = self._transport.get_json(path)
        if not isinstance(body, dict) or row_id(body) != object_id.strip().lower():
            raise bad_answer(VENDOR, f"GET {path}", "the answer is not the object that was asked for")
        return body


def _is_of(row: object, subscription_id: str) -> bool:
    return isinstance(row, dict) and row_id(row) == subscription_id.strip().lower()


def _token_request(config: Pax8Config) -> TokenRequest:
    def body() -> str:
        return jsontext.dumps(
            {
                "client_id": config.client_id,
                "client_secret": config.client_secret.get_secret_value(),
                "audience": config.audience,
                "grant_type": "client_credentials",
            }
        )

    return TokenRequest(
        vendor=VENDOR,
        where="POST /token",
        body=body,
        content_type="application/json",
        credentials="PAX8_CLIENT_ID and PAX8_CLIENT_SECRET",
        address="PAX8_TOKEN_URL",
    )


def _segment(value: str) -> str:
    """Return an id as one segment of a path. Raises ValueError for "", "." and "..", another resource."""
    text = value.strip()
    if text in ("", ".", ".."):
        raise ValueError(f"{value!r} is not an id")
    return quote(text, safe="")
