"""The Halo client: reads lists completely, and makes the few kinds of write that this product may make.

It knows the endpoints and their parameters (docs/vendors/halo.md). What is written, and whether, is decided in
`billing`; typing is in staging. On purpose there is no delete, no `process` and no change of an ordinary invoice.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Unpack
from urllib.parse import urlencode

from pax8_pipeline.errors import WriteContested, WriteRefused
from pax8_pipeline.halo.config import HaloConfig
from pax8_pipeline.halo.line_links import lacks_links, shows_links
from pax8_pipeline.halo.paging import VENDOR, HaloListRead, parse_list, row_id
from pax8_pipeline.halo.payloads import (
    WriteReply,
    header_update,
    is_save_conflict,
    licence_update,
    line_update,
    new_client,
    new_invoice,
    new_licence,
    new_line,
    read_reply,
)
from pax8_pipeline.transport.client import VendorProfile
from pax8_pipeline.transport.listing import Listing, Row, bad_answer, only_list
from pax8_pipeline.transport.oauth import TokenRequest
from pax8_pipeline.transport.parallel import map_all
from pax8_pipeline.transport.redact import register_secret
from pax8_pipeline.transport.session import checked_url
from pax8_pipeline.transport.vendor_client import ClientOptions, Progress, VendorClient

# The scopes that the API application needs at least (docs/vendors/halo.md#token).
NEEDED_SCOPES = (
    "read:customers",
    "read:items",
    "read:invoices",
    "edit:invoices",
    "read:softwarelicensing",
    "edit:softwarelicensing",
)
# What it needs besides where policy `new_subscriptions.clients` proposes clients.
NEW_CLIENT_SCOPE = "edit:customers"
# `POST /IntegrationData/AdjustQty/Pax8` orders a change at Pax8. Nothing under this resource is ever called
# (docs/vendors/halo.md#ordering).
_NEVER = ("IntegrationData",)
_DETAILS = {"includedetails": "true"}
# So many single reads take long enough to be worth a log message.
_READS_WORTH_A_MESSAGE = 10
_log = logging.getLogger("pax8_pipeline.progress")
# Path and envelope key of the lists this product reads (docs/vendors/halo.md#lists).
_LISTS = {
    "clients": ("/Client", "clients"),
    "items": ("/Item", "items"),
    "licences": ("/SoftwareLicence", "licences"),
    "recurring invoices": ("/RecurringInvoice", "invoices"),
    "invoices": ("/Invoice", "invoices"),
}
LIST_PATHS = {name: path for name, (path, _) in _LISTS.items()}


@dataclass(frozen=True)
class HaloCheck:
    """The result of `HaloClient.check`, for `doctor`.

    `sees_clients` False: the agent's permissions hide everything (Halo sends empty lists, not errors). `scopes`: as
    granted; empty if Halo did not name them. `missing_scopes`: needed and not granted.
    """

    sees_clients: bool
    scopes: tuple[str, ...]
    missing_scopes: tuple[str, ...]


class HaloClient(VendorClient):
    """One Halo tenant. Thread-safe; one write at a time. Close it, or use it as a context manager.

    All methods raise the errors of `pax8_pipeline.errors`. Lists raise IncompleteRead instead of returning a part. A
    write that raises anything but WriteUnknown and WriteContested changed nothing.
    """

    def __init__(self, config: HaloConfig, **options: Unpack[ClientOptions]) -> None:
        register_secret(config.client_secret.get_secret_value())
        self._config = config
        self._writing = threading.Lock()
        super().__init__(
            VendorProfile(
                vendor=VENDOR,
                api_url=config.api_url,
                token_url=token_url(config.auth_url),
                token_request=_token_request(config),
                fresh_401_means="permission",
                may_write=True,
                never=_NEVER,
            ),
            config,
            **options,
        )

    def auth_info(self) -> Row:
        """What Halo shows without credentials: at least `auth_url` and `tenant_id` (docs/vendors/halo.md#token)."""
        return self._object("/AuthInfo", self._transport.get_json("/AuthInfo", anonymous=True))

    def instance_info(self) -> Row:
        """Which Halo answers: `app_version`, `database_version`, ... (docs/vendors/halo.md#instance)."""
        return self._object("/InstanceInfo", self._transport.get_json("/InstanceInfo"))

    def agent(self) -> Row:
        """The agent that the API application acts as: at least `id` and `name` (docs/vendors/halo.md#instance)."""
        return self._object("/Agent/me", self._transport.get_json("/Agent/me"))

    def check(self) -> HaloCheck:
        """Fetch a token and read one client. This proves credentials, addresses and the first permission."""
        params = {"pageinate": "true", "page_size": "1", "page_no": "1"}
        rows, _ = parse_list(self._transport.get_json("/Client", params), "clients", "GET /Client")
        scopes = self._transport.tokens.current().scopes
        limited = bool(scopes) and "all" not in scopes
        missing = tuple(scope for scope in NEEDED_SCOPES if limited and scope not in scopes)
        return HaloCheck(bool(rows), scopes, missing)

    def sample(self, list_name: str) -> tuple[Row, ...]:
        """The first rows of one list: "clients", "items", "licences", "recurring invoices" or "invoices".

        For `doctor`: it shows whether the list may be read, whether the agent sees anything, and which members the rows
        have. A row that is missing here means nothing.
        """
        path, key = _LISTS[list_name]
        params = {"pageinate": "true", "page_size": "50", "page_no": "1", "order": "id"}
        return parse_list(self._transport.get_json(path, params), key, f"GET {path}")[0]

    # Lists

    def clients(self) -> Listing:
        """All clients, inactive too (docs/vendors/halo.md#client), without custom fields: see `client`."""
        return self._list("/Client", "clients", includeinactive="true")

    def items(self) -> Listing:
        """All items, inactive ones too (docs/vendors/halo.md#item)."""
        return self._list("/Item", "items", includeinactive="true")

    def licences(self) -> Listing:
        """All licences and subscriptions (types 0 and 1), inactive ones too."""
        return self._list("/SoftwareLicence", "licences", includeinactive="true")

    def licences_of(self, client_id: int) -> Listing:
        """The licences of one client, inactive ones too. A row without a client stays in."""
        listing = self._list("/SoftwareLicence", "licences", includeinactive="true", client_id=str(client_id))
        return listing.only(lambda row: row.get("client_id") in (None, client_id))

    def recurring_invoices(self, progress: Progress | None = None) -> Listing:
        """All recurring invoices with their lines, and the lines with their licence links
        (docs/vendors/halo.md#recurring-invoice).

        A row without lines, or with a computed line that has no links, is replaced by its detail read; `progress(done,
        total)` counts these reads. `_completed` explains empty lists of lines.
        """
        return self._with_lines(self._list("/RecurringInvoice", "invoices", includelines="true"), progress)

    def recurring_invoices_of(self, client_ids: Sequence[int]) -> Listing:
        """The recurring invoices of some clients, as `recurring_invoices` shows them. A row without a client stays in.

        Whether Halo takes several clients in one filter is not documented (docs/vendors/halo.md#lists): a caller must
        not conclude from a row that is missing here.
        """
        listing = self._list("/RecurringInvoice", "invoices", includelines="true", **_client_filter(client_ids))
        return self._with_lines(listing.only(lambda row: row.get("client_id") in (None, *client_ids)), None)

    def _with_lines(self, listing: Listing, progress: Progress | None) -> Listing:
        shown = [kind for kind in self._config.links_in_lists if shows_links(listing, kind)]
        lines_shown = self._config.lines_in_lists and any(row.get("lines") for row in listing.objects)
        return self._completed(
            listing,
            lambda row: lacks_links(row, shown) and not (lines_shown and row.get("lines") == []),
            self.recurring_invoice,
            progress,
        )

    def invoices(self, start: date, end: date, client_ids: Sequence[int] = ()) -> Listing:
        """Ordinary invoices dated from `start` to `end`, both included, with lines, in any state; of some clients or all.

        This is the search of docs/architecture.md#write-usage. The dates are also filtered here, because older versions
        ignore the date filter. A row without a date or a client stays in: the search must find everything that must not
        be billed twice. Of several clients see `recurring_invoices_of`.
        """
        params = {
            "includelines": "true",
            "datesearch": "invoice_date",
            # One day more on both sides: the documents do not say whether the end is included, nor the time zone.
            "start_date": (start - timedelta(days=1)).isoformat(),
            "end_date": (end + timedelta(days=1)).isoformat(),
        }
        listing = self._list("/Invoice", "invoices", **params, **_client_filter(client_ids))
        matching = listing.only(
            lambda row: (
                (row_id(row) or 0) > 0
                and (not client_ids or row.get("client_id") in (None, *client_ids))
                and _dated(row.get("invoice_date"), start, end)
            ),
        )
        return self._completed(matching, lambda row: not row.get("lines"), self.invoice, None)

    def integration(self) -> list[Row]:
        """The accounts of Halo's own Pax8 integration (docs/vendors/halo.md#pax8-settings), with `integrator_enabled`
        where Halo shows it.

        Raises Forbidden or NotFound where the tenant does not show them. Then a person has to say whether it is on.
        """
        path = "/Pax8Details"
        rows = _accounts(self._transport.get_json(path))
        if rows is None:
            raise bad_answer(VENDOR, f"GET {path}", "the answer has no list of accounts")
        return [self._account(row) for row in rows]

    def integration_account(self, account_id: int) -> Row:
        """One account of the integration with its links of clients, which the list may leave out."""
        return self._one("/Pax8Details", account_id)

    # Single objects, with all details

    def client(self, client_id: int) -> Row:
        """One client with custom fields and external links."""
        return self._one("/Client", client_id)

    def licence(self, licence_id: int) -> Row:
        """One licence or subscription."""
        return self._one("/SoftwareLicence", licence_id)

    def recurring_invoice(self, recurring_invoice_id: int) -> Row:
        """One recurring invoice (negative id) with lines, links and pro rata entries."""
        return self._one("/RecurringInvoice", recurring_invoice_id)

    def invoice(self, invoice_id: int) -> Row:
        """One ordinary invoice with lines."""
        return self._one("/Invoice", invoice_id)

    # Writes

    def update_licence(self, fields: Row) -> WriteReply:
        """Change the given members of one licence, with `id` and `client_id` (docs/architecture.md#write-quantity)."""
        return self._write("/SoftwareLicence", licence_update(fields))

    def update_licences(self, rows: Sequence[Row]) -> WriteReply:
        """Change the given members of several licences in one call (docs/vendors/halo.md#writing)."""
        return self._post("/SoftwareLicence", [licence_update(row) for row in rows])

    def update_line(self, line: Row) -> WriteReply:
        """Save one line of a recurring invoice, whole as it was read (docs/architecture.md#write-quantity)."""
        return self._write("/RecurringInvoice/updatelines", line_update(line))

    def update_lines(self, lines: Sequence[Row]) -> WriteReply:
        """Save several lines, of one recurring invoice or several, whole as they were read, in one call."""
        return self._post("/RecurringInvoice/updatelines", [line_update(line) for line in lines])

    def replace_lines(self, header: Row) -> WriteReply:
        """Save a recurring invoice with all its lines. Halo deletes lines that are left out
        (docs/vendors/halo.md#writing). Used only where `update_line` is not possible.
        """
        return self._write("/RecurringInvoice", header_update(header))

    def create_invoice(self, invoice: Row) -> WriteReply:
        """Create one ordinary invoice (docs/architecture.md#write-usage)."""
        return self._write("/Invoice", new_invoice(invoice))

    def create_invoices(self, invoices: Sequence[Row]) -> WriteReply:
        """Create several ordinary invoices in one call (docs/vendors/halo.md#writing)."""
        return self._post("/Invoice", [new_invoice(invoice) for invoice in invoices])

    def create_client(self, client: Row) -> WriteReply:
        """Create one client (docs/architecture.md#write-new)."""
        return self._write("/Client", new_client(client))

    def create_licence(self, licence: Row) -> WriteReply:
        """Create one licence (docs/architecture.md#write-new)."""
        return self._write("/SoftwareLicence", new_licence(licence))

    def create_line(self, line: Row) -> WriteReply:
        """Put one new line on a recurring invoice. The call gets no list of lines, so it can lose none
        (docs/architecture.md#write-new).
        """
        return self._write("/RecurringInvoice/Lines", new_line(line))

    def _write(self, path: str, element: Row) -> WriteReply:
        return self._post(path, [element])

    def _post(self, path: str, elements: list[Row]) -> WriteReply:
        with self._writing:
            try:
                return read_reply(self._transport.post_json(path, elements))
            except WriteRefused as refused:
                if not is_save_conflict(str(refused)):
                    raise
                message = (
                    f"{refused} Somebody else saved it at the same time; the target is read back to see what was saved."
                )
                raise WriteContested(message, vendor=VENDOR, where=refused.where, status=refused.status) from refused

    def _list(self, path: str, key: str, **filters: str) -> Listing:
        read = HaloListRead(path, self._config.page_sizes.get(path, self._config.page_size))
        while True:
            page_pass = read.begin()
            params = {**filters, "pageinate": "true", "page_size": str(page_pass.page_size), "order": "id"}

            def page(number: int, params: dict[str, str] = params) -> tuple[tuple[Row, ...], int | None]:
                body = self._transport.get_json(path, {**params, "page_no": str(number)})
                return parse_list(body, key, f"GET {path}")

            while page_numbers := page_pass.next_pages:
                page_pass.add(map_all(page, page_numbers, self._threads))
            listing = read.add(page_pass)
            if listing is not None:
                return listing

    def _completed(
        self,
        listing: Listing,
        lacking: Callable[[Row], bool],
        detail: Callable[[int], Row],
        progress: Progress | None,
    ) -> Listing:
        """Replace the rows that lack lines or links by their detail reads.

        A missing `lines` member never means "no lines". An empty list is accepted when other rows came with lines and
        the detail read of the first such row is empty too. Otherwise the list may leave lines out, and each of these
        rows is read in detail.
        """
        incomplete = [row for row in listing.objects if lacking(row) and row_id(row) is not None]
        details: dict[int, Row] = {}
        empty = [row for row in incomplete if row.get("lines") == []]
        if len(empty) > 1 and any(row.get("lines") for row in listing.objects):
            probed = row_id(empty[0]) or 0
            details[probed] = detail(probed)
            if not details[probed].get("lines"):
                incomplete = [row for row in incomplete if row.get("lines") != []]
        ids = [
            invoice_id for row in incomplete if (invoice_id := row_id(row)) is not None and invoice_id not in details
        ]
        if len(ids) >= _READS_WORTH_A_MESSAGE:
            _log.info(
                f"Halo's list {listing.endpoint} leaves out lines or their licences: reading {len(ids)} of "
                f"{len(listing.objects)} one by one"
            )
        details.update(zip(ids, self.many(detail, ids, progress), strict=True))
        objects = tuple(details.get(row_id(row) or 0, row) for row in listing.objects)
        return Listing(listing.endpoint, objects, listing.expected, listing.requests + len(details), listing.repeats)

    def _one(self, resource: str, object_id: int) -> Row:
        path = f"{resource}/{object_id}"
        body = self._object(path, self._transport.get_json(path, _DETAILS))
        if row_id(body) != object_id:
            raise bad_answer(VENDOR, f"GET {path}", "the answer is not the object that was asked for")
        return body

    def _account(self, row: Row) -> Row:
        account_id = row_id(row)
        if row.get("integrator_enabled") is not None or account_id is None:
            return row
        return self.integration_account(account_id)

    def _object(self, path: str, body: Any) -> Row:
        if not isinstance(body, dict):
            raise bad_answer(VENDOR, f"GET {path}", "the answer is not an object")
        return body


def token_url(auth_url: str) -> str:
    """Return the address of the token service. `/token` is added unless it is there."""
    url = checked_url(auth_url, "HALO_AUTH_URL")
    return url if url.lower().endswith("/token") else f"{url}/token"


def _token_request(config: HaloConfig) -> TokenRequest:
    def body() -> str:
        return urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": config.client_id,
                "client_secret": config.client_secret.get_secret_value(),
                "scope": config.scope,
            }
        )

    return TokenRequest(
        vendor=VENDOR,
        where="POST /auth/token",
        body=body,
        content_type="application/x-www-form-urlencoded",
        credentials="HALO_CLIENT_ID, HALO_CLIENT_SECRET and the scopes of the API application",
        address="HALO_AUTH_URL",
        params={"tenant": config.tenant} if config.tenant else {},
        fault_hint=f" Halo does so for a wrong tenant: check HALO_TENANT ({config.tenant or 'not set'!r}).",
    )


def _accounts(body: Any) -> list[Row] | None:
    """Return the accounts in a list, one account, or an envelope with one list; None where there are none."""
    if isinstance(body, dict):
        if "integrator_enabled" in body or "id" in body:
            return [body]
        body = only_list(body)
    return body if isinstance(body, list) and all(isinstance(row, dict) for row in body) else None


def _client_filter(client_ids: Sequence[int]) -> dict[str, str]:
    """Return the filter of a list for one client, for several in the order that was given, or none."""
    if not client_ids:
        return {}
    return {"client_id" if len(client_ids) == 1 else "client_ids": ",".join(map(str, client_ids))}


def _dated(value: Any, start: date, end: date) -> bool:
    """False only for a real date outside the days. Halo writes "no date" as 1900 (docs/vendors/halo.md#formats)."""
    match = re.match(r"\d{4}-\d\d-\d\d", value) if isinstance(value, str) else None
    day = match[0] if match else ""
    return day < "1910" or start.isoformat() <= day <= end.isoformat()
