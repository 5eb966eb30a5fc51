"""All open questions about Pax8 as one object of switches, which may be changed while the emulator runs.

It has the names, values and defaults of the switches that docs/vendors/pax8.md#emulator asks for. What a switch does is
where the behaviour is. Faults such as 429 or cut connections are in `faults/registry.py`. The defaults are the most
difficult values that the documents allow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pax8_pipeline.sandbox.core.switches import Switches

UNASSIGNED_SHAPES = ("missing", "null", "owner", "dangling", "empty", "hidden")

_CHOICES: dict[str, tuple[object, ...]] = {
    "over_max": ("clamp", "400", "honour"),
    "empty_content": ("omit_on_invoices", "omit", "keep"),
    "unsorted_order": ("shuffled", "shuffled_everywhere", "stable"),
    "sorted_ties": ("stable", "shuffled"),
    "date_style": ("mixed", "zulu", "bare", "offset"),
    "commitment_key": ("mixed", "commitmentTerm", "commitment", "flat"),
    "missing_keys": ("mixed", "most", "none"),
    "rate_type_case": ("capitalised", "lower"),
    "id_case": ("lower", "mixed"),
    "unassigned_shape": ("by_group", *UNASSIGNED_SHAPES),
    "unassigned_item_shape": ("by_group", "item-null", "item-missing", "item-owner", "item-dangling"),
    "summary_company": ("mixed", "listed", "only_by_id"),
    "rollover": ("reset", "previous_until_charged"),
    "summary_ids": ("stable", "monthly"),
    "azure_lines": ("month_to_date", "daily"),
    "azure_items": ("by_group", "by_guid"),
    "period_end": ("mixed", "inclusive", "exclusive"),
    "item_ids": ("mixed", "all", "none"),
    "history_order": ("newest_first", "oldest_first", "shuffled"),
    "suites_of": ("Contora", "Microsoft"),
    "deleted_companies": ("listed", "hidden"),
    "retry_after": ("seconds", "date", "none"),
    "rate_body": ("alternate", "envelope", "text"),
    "token_body": ("json_or_form", "json"),
}


@dataclass
class Pax8Switches(Switches):
    """How this Pax8 behaves where the documents leave it open."""

    vendor: ClassVar[str] = "Pax8"
    choices: ClassVar[dict[str, tuple[object, ...]]] = _CHOICES

    # Lists (docs/vendors/pax8.md#lists)
    over_max: str = "clamp"  # size above 200
    empty_content: str = "omit_on_invoices"  # where an empty list has no `content` member at all
    unsorted_order: str = "shuffled"  # sortable lists that are read without `sort`: another order for every request
    sorted_ties: str = "stable"  # rows equal under the sort
    insert_between_pages: str = ""  # name of a list whose first row appears only after its first page was read
    insert_between_pages_times: int = 1  # how many reads of the list are disturbed in this way
    # Shapes (docs/vendors/pax8.md#formats, #differences)
    date_style: str = "mixed"
    commitment_key: str = "mixed"
    missing_keys: str = "mixed"  # how many optional members a list row lacks
    explicit_nulls: bool = True  # some absent members come as null
    rate_type_case: str = "capitalised"
    id_case: str = "lower"  # mixed: a reference to an id may be written in upper case
    invoice_status: bool = True  # `status`, which is not in the schema
    invoice_company_id: bool = False  # `companyId`, which is in the schema but not in real answers
    item_ids: str = "mixed"  # whether invoice items carry an `id`
    period_end: str = "mixed"
    history_order: str = "newest_first"
    suites_of: str = (
        "Contora"  # Microsoft: sold as Microsoft's, and vendorSubscriptionId is Microsoft's subscription id
    )
    deleted_companies: str = "listed"  # whether Deleted companies come without a status filter
    # Usage (docs/vendors/pax8.md#usage-timing, #no-company)
    unassigned_shape: str = "by_group"  # or one shape for every unassigned group
    unassigned_item_shape: str = "by_group"
    summary_company: str = "mixed"  # whether companyId of an assigned summary is in lists too
    rollover: str = "reset"  # what a summary holds on the 1st to the 3rd
    summary_ids: str = "stable"  # monthly: a summary gets a new id each month
    azure_lines: str = "month_to_date"
    azure_items: str = "by_group"  # by_guid: two items a meter, each with an Azure subscription's GUID in its texts
    azure_hidden_while_settling: bool = False  # from the 1st to the 4th
    # Errors and limits (docs/vendors/pax8.md#addresses, #limits, #errors)
    token_body: str = "json_or_form"  # noqa: S105 - which request bodies the token endpoint takes
    draft_items_timeout: bool = False  # draftItems answers 408
    foreign_companies: list[str] = field(default_factory=list)  # company ids of another partner: 403
    date_header: bool = True  # answers have a Date header, from the world's clock
    clock_offset_s: int = 0  # ... wrong by so many seconds
    retry_after: str = "seconds"  # on the rate limiter's 429
    rate_body: str = "alternate"  # body of a 429: error envelope, plain text, or one after the other
