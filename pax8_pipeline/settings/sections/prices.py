"""What the prices of Halo's lines are to be."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from pax8_pipeline import values
from pax8_pipeline.settings.sections.section import HaloId, Number, Pax8Id, Section, off_as_word, without_repeated_ids

PriceSource = Literal["client_price", "cost"]


class PriceTerms(Section):
    """What the price of a line is to be; else as in general. `markup_pct` is added to the cost."""

    price: PriceSource | None = None
    markup_pct: Number | None = Field(default=None, ge=-100)


class PricePolicy(Section):
    """Prices of Halo's lines. `propose`: the plan has a row for each price that is not as asked for here; each waits for a
    person. The terms of a product (by Pax8 product id) come before those of a client (by Halo client id).
    """

    updates: Literal["off", "propose"] = "off"
    price: PriceSource = "client_price"
    markup_pct: Number = Field(default=Decimal(0), ge=-100)
    clients: dict[HaloId, PriceTerms] = Field(default_factory=dict)
    products: dict[Pax8Id, PriceTerms] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _one_word(cls, value: Any) -> Any:
        """`prices: propose` is short for `prices: {updates: propose}`."""
        if value is False or isinstance(value, str):
            value = {"updates": value}
        if isinstance(value, Mapping) and "updates" in value:
            value = {**value, "updates": off_as_word(value["updates"])}
        return value

    @field_validator("clients", mode="before")
    @classmethod
    def _clients_once(cls, value: Any) -> Any:
        return without_repeated_ids(value, values.halo_id)

    @field_validator("products", mode="before")
    @classmethod
    def _products_once(cls, value: Any) -> Any:
        return without_repeated_ids(value, values.pax8_id)
