"""All open questions about Halo as one object of switches, which may be changed while the emulator runs.

It has the names, values and safe defaults of docs/vendors/halo.md#open-answers, and the rights of the application. What
a switch does is where the behaviour is. Faults that no healthy Halo shows (cut connections, 500s, lost replies) are not
switches; they are in `faults/registry.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pax8_pipeline.sandbox.core.switches import Switches

ALL_SCOPES = (
    "read:customers",
    "edit:customers",
    "read:items",
    "read:suppliers",
    "read:contracts",
    "read:invoices",
    "edit:invoices",
    "read:softwarelicensing",
    "edit:softwarelicensing",
)

_CHOICES: dict[str, tuple[object, ...]] = {
    "updatelines_supported": (True, 400, 404, 405),
    "lines_call_supported": (True, 404, 405),
    "qty_order_refresh": ("at_read", "at_creation"),
    "inactive_licence_flips_line": ("at_once", "nightly", "never"),
    "post_reply": ("object", "array", "envelope"),
    "contested_save": ("off", "nothing_saved", "header_saved"),
    "post_status": (200, 201),
    "stale_change_seq": ("ignored", "warning", "400"),
    "licence_ids": ("pax8", "vendor"),
    "record_count": ("true", "too_small", "fifty"),
    "repeated_page": (False, True, "endless"),
    "native_sync": ("off", "on"),
    "pax8details": ("ok", "forbidden", "missing", "bare_array", "keyed", "object", "empty"),
    "scope_refusal": (401, 403),
    "rate_text": ("named", "silent"),
    "unauthorized_body": ("json", "empty"),
    "unknown_envelopes": ("keyed", "bare"),
    "several_clients": ("all", "first", "ignored"),
}


@dataclass
class HaloSwitches(Switches):
    """How this Halo behaves where the documents leave it open."""

    vendor: ClassVar[str] = "Halo"
    choices: ClassVar[dict[str, tuple[object, ...]]] = _CHOICES

    # Writing
    lines_omission_deletes: bool = True  # POST /RecurringInvoice: a line that is left out of `lines` is deleted
    header_lines_blank_missing: bool = True  # ... and a member that is left out of a sent line becomes empty
    updatelines_blanks_missing: bool = False  # the same for POST /RecurringInvoice/updatelines
    updatelines_supported: bool | int = True  # or the status that refuses it: 400, 404, 405
    lines_call_supported: bool | int = True  # POST /RecurringInvoice/Lines, or the status that refuses it
    lines_call_replaces: bool = False  # ... the new line replaces all lines of its invoice
    post_reply: str = "object"  # answer to a POST with one element, or to any, in the collection's envelope
    post_status: int = 201
    stale_change_seq: str = "ignored"
    licence_update_needs_client_id: bool = True  # every known script sends it; without it the answer is 400
    contested_save: str = "off"  # another user saves at the same time: refused, with nothing saved or only the header
    ignored_writes: list[str] = field(
        default_factory=list
    )  # paths (softwarelicence, ...) whose POST is answered and not done
    soft_warning: str = ""  # a `_warning` put on every saved object
    # Quantities
    qty_order_refresh: str = "at_read"  # when `qty_order` of a computed line is updated from its licences
    inactive_licence_flips_line: str = "never"  # use_subscription_status_for_invoice_line_status, off in a new Halo
    allow_negative_prorata: bool = True
    double_noise: bool = False  # computed money has the rounding errors of binary doubles (401.40000000000003)
    # Licences
    licence_ids: str = "pax8"  # vendor: `snowid` of a suite's licence holds the vendor's subscription id instead
    # Lists
    record_count: str = "true"
    page_cap: int | None = None  # a page never has more rows than this, whatever page_size asks for
    page_caps: dict[str, int] = field(default_factory=dict)  # the same for one resource: {"Client": 999, "Invoice": 50}
    repeated_page: bool | str = False  # True: page 2 shows page 1 again; "endless": the last page repeats forever
    list_ignores_includelines: bool = False  # list rows never have lines; only /{id} does
    list_lines_without_links: bool = False  # nested arrays of a line only on /{id}?includedetails=true
    date_search_supported: bool = True  # `datesearch`, `start_date`, `end_date` have an effect
    several_clients: str = "all"  # which clients a list of invoices with `client_ids` is of; ignored: of every client
    invoice_search_columns: list[str] = field(default_factory=lambda: ["reference", "notes_1"])
    change_log_needs_filter: bool = True  # LicenceChange and InvoiceChange without their id are a 500
    zoned_times: bool = False  # some times end with a Z
    unknown_envelopes: str = "keyed"  # ExternalLink, LicenceChange, InvoiceChange: envelope or bare list
    # Who and what answers
    app_version: str = "2.210.1"
    instance_info: bool = True  # GET /InstanceInfo exists
    # Rights
    scopes: list[str] = field(default_factory=lambda: list(ALL_SCOPES))  # what the application may be granted
    scope_refusal: int = 401  # status of a call whose scope is missing
    unauthorized_body: str = "json"  # 401 for an expired token: an error object or an empty body
    empty_for_agent: list[str] = field(default_factory=list)  # resources that this agent sees as empty lists
    forbidden_for_agent: list[str] = field(default_factory=list)  # resources answered 403 with an empty body
    detail_denied: list[str] = field(default_factory=list)  # resources whose /{id} answers 401
    pax8details: str = "ok"
    # What Halo does automatically
    native_sync: str = "off"  # Halo's own Pax8 integration: on = shows as enabled and overwrites counts nightly
    auto_invoice: bool = True  # due recurring invoices are made nightly
    accounting_sync: bool = False  # nightly: every invoice is posted to the accounts
    accounting_sync_overwrites_thirdparty: bool = False  # nightly: `thirdpartyinvoicenumber` is the accounts' own
    # Used by the middleware in front of the emulator
    date_header: bool = True  # answers have a Date header, from the world's clock
    clock_offset_s: int = 0  # ... wrong by so many seconds
    # Used by the rate limiter in front of the emulator
    rate_limit: int = 300  # requests in any five minutes
    rate_text: str = "named"  # the text of a 429 names the limit and the window, or does not
    retry_after: bool = True  # a 429 has a Retry-After header
