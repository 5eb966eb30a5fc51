"""What is proposed for subscriptions that nobody is billed for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from pax8_pipeline import values
from pax8_pipeline.settings.sections.section import HaloId, Section, off_as_word, without_repeated_ids

NewThings = Literal["off", "licences", "licences_and_lines"]
NewInvoice = Literal["mapping", "client_field", "only_one", "contract"]


class NewSubscriptions(Section):
    """What is proposed for subscriptions that nobody is billed for. Every proposal waits for a person.

    `propose`: licences, or licences and lines. `clients`: a client for an unknown company. `recurring_invoice`: which one
    gets the line, where the mapping file names none. `contracts`: the contract by Halo client id. `line`: how the line's
    quantity is found. `price`: where the line's price is from. `toplevel_id`: Halo's top level of a new client.
    """

    propose: NewThings = "off"
    clients: Literal["off", "propose"] = "off"
    recurring_invoice: NewInvoice = "client_field"
    contracts: dict[HaloId, HaloId] = Field(default_factory=dict)
    line: Literal["subscription", "licence", "manual"] = "subscription"
    price: Literal["pax8", "item"] = "pax8"
    toplevel_id: HaloId | None = None

    @field_validator("propose", "clients", mode="before")
    @classmethod
    def _yaml_off(cls, value: Any) -> Any:
        return off_as_word(value)

    @field_validator("contracts", mode="before")
    @classmethod
    def _clients_once(cls, value: Any) -> Any:
        return without_repeated_ids(value, values.halo_id)

    @property
    def is_on(self) -> bool:
        """Whether anything is proposed."""
        return self.propose != "off" or self.clients != "off"
