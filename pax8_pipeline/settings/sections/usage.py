"""How metered usage is charged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, field_validator

from pax8_pipeline import values
from pax8_pipeline.settings.sections.section import HaloId, Number, Pax8Id, Section, Whole, without_repeated_ids

UsagePrice = Literal["client_price", "cost"]
UsageDetail = Literal["product", "subscription", "collapsed"]
UsageTarget = Literal["invoice"]


class UsageTerms(Section):
    """How one product's usage is charged; else as in general. `markup_pct` is added to the cost."""

    price: UsagePrice | None = None
    markup_pct: Number | None = Field(default=None, ge=-100)


class ClientUsage(UsageTerms):
    """How one Halo client is charged for usage."""

    detail: UsageDetail | None = None
    target: UsageTarget | None = None


class UsagePolicy(Section):
    """Metered usage. While `first_month` is not set, usage is shown but held.

    The terms of a product (by Pax8 product id) come before those of a client (by Halo client id), and those before the
    general ones. `confirmed_groups`: "subscription id/resource group" of groups that a person confirmed as usage of the
    subscription's own company.
    """

    first_month: str | None = Field(default=None, pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    source: Literal["invoice", "usage_lines"] = "invoice"
    price: UsagePrice = "client_price"
    markup_pct: Number = Field(default=Decimal(0), ge=-100)
    detail: UsageDetail = "product"
    target: UsageTarget = "invoice"
    default_halo_item_id: HaloId | None = None
    clients: dict[HaloId, ClientUsage] = Field(default_factory=dict)
    products: dict[Pax8Id, UsageTerms] = Field(default_factory=dict)
    history_from: str = Field(default="2024-01", pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    probe_days: Whole = Field(default=14, ge=1)
    watch_days: Whole = Field(default=190, ge=62)
    internal_companies: tuple[str, ...] = ()
    confirmed_groups: tuple[str, ...] = ()

    @field_validator("internal_companies")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(v.strip().lower() for v in value)

    @field_validator("confirmed_groups")
    @classmethod
    def _pairs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_confirmed_group, value))

    @field_validator("clients", mode="before")
    @classmethod
    def _clients_once(cls, value: Any) -> Any:
        return without_repeated_ids(value, values.halo_id)

    @field_validator("products", mode="before")
    @classmethod
    def _products_once(cls, value: Any) -> Any:
        return without_repeated_ids(value, values.pax8_id)


def _confirmed_group(text: str) -> str:
    subscription, slash, group = text.strip().partition("/")
    if not slash or not group.strip():
        raise ValueError(f'{text!r} is not a confirmed group: write "subscription id/resource group"')
    return f"{values.pax8_id(subscription)}/{group.lower()}"
