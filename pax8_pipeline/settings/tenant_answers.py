"""The answers of `doctor --probe` as types: what could not be known before a real Pax8 account and Halo tenant were asked.

Each answer has a value for "not known", because a probe may see too little to answer. Members and lists have the
vendor's own names, and nothing else of the vendor's text is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

YesNo = Literal["yes", "no", "not known"]
# The name of a JSON member. Nothing else that a vendor sends may get into the file.
Member = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,60}$")]
Above = Literal["honoured", "cut", "refused", "not known"]
Commitment = Literal["commitmentTerm", "commitment", "both", "neither", "not known"]
ItemIds = Literal["all", "some", "none", "not known"]
DraftItems = Literal["answered", "empty", "too slow", "refused", "not known"]
UsageCompany = Literal["in lists", "only by id", "neither", "not known"]
RecordCount = Literal["the total", "not the total", "not known"]
CompanyPlace = Literal["custom field of the policy", "another custom field", "external_links"]
PageSize = Annotated[int, Field(ge=1, le=1000)]


class _Strict(BaseModel):
    """An unknown key is an error: it comes from another version, or from a typing error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NamedLimit(_Strict):
    """A limit of requests that a vendor named in the text of a refusal; `text`: its words, where they hold no name."""

    requests: int = Field(ge=1)
    window_seconds: float = Field(gt=0)
    text: Annotated[str, Field(pattern=r"^[a-z0-9 ,.:/-]{0,100}$")] = ""
    learned_on: date


class Pax8Answers(_Strict):
    """What a probe of Pax8 answered.

    `page_size`: the largest page that came whole; runs ask for it. `above_200`: what a larger size than the documented
    one does. `usage_company`: where a usage summary names its company; runs ask again by id only where that helps.
    `draft_items`: how that call answers; runs leave out a call that is not answered.
    """

    probed_on: date
    page_size: PageSize = 200
    above_200: Above = "not known"
    commitment_member: Commitment = "not known"
    invoice_status: YesNo = "not known"
    item_ids: ItemIds = "not known"
    draft_items: DraftItems = "not known"
    usage_company: UsageCompany = "not known"
    usage_lines: YesNo = "not known"
    missing_members: Mapping[str, tuple[Member, ...]] = {}
    limit_headers: tuple[Member, ...] = ()


class HaloAnswers(_Strict):
    """What a probe of Halo answered.

    `page_sizes`: the rows of a page by list, where Halo gives fewer than were asked for; runs ask for so many.
    `lines_in_lists`: whether the list of recurring invoices has their lines. `links_in_lists`: the quantity types of
    lines whose links the list shows exactly as the single read does. `subscription_id_members`: members of a licence
    that hold a Pax8 subscription id, with the number of licences; `vendor_id_members` the same for the vendor's id.
    `company_id_places`: where a client holds the Pax8 company id. `client_ids_in_list`: whether the list of clients shows
    custom fields and links as the single read does; where it does not, runs read clients one by one.
    """

    probed_on: date
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{0,40}$")] = ""
    page_sizes: Mapping[str, PageSize] = {}
    record_count: RecordCount = "not known"
    lines_in_lists: YesNo = "not known"
    links_in_lists: tuple[int, ...] = ()
    subscription_id_members: Mapping[Member, int] = {}
    vendor_id_members: Mapping[Member, int] = {}
    company_id_places: tuple[CompanyPlace, ...] = ()
    client_ids_in_list: YesNo = "not known"
    integration: Literal["on", "off", "unknown"] = "unknown"
    missing_members: Mapping[str, tuple[Member, ...]] = {}
    limit_headers: tuple[Member, ...] = ()

    @property
    def only_another_field(self) -> bool:
        """True when a custom field holds Pax8 company ids, and not the one that the policy names."""
        return (
            "another custom field" in self.company_id_places
            and "custom field of the policy" not in self.company_id_places
        )


class Tenant(_Strict):
    """All of data/tenant.yaml."""

    pax8_limit: NamedLimit | None = None
    halo_limit: NamedLimit | None = None
    pax8: Pax8Answers | None = None
    halo: HaloAnswers | None = None
