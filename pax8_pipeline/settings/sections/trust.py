"""How far changes go without a person."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from pax8_pipeline import values
from pax8_pipeline.settings.sections.section import HaloId, Number, Section, Whole, without_repeated_ids

TrustMode = Literal["observe", "propose", "approve", "auto"]


class AutoLimits(Section):
    """What the trust mode `auto` covers; everything else waits for a person. null means no such limit.

    `seats` and `money` (for a month) are for one change. `new_kinds: false`: a kind of change that was never verified
    for a client waits the first time.
    """

    seats: Number | None = Field(default=None, ge=0)
    money: Number | None = Field(default=None, ge=0)
    directions: tuple[Literal["increase", "decrease", "cancel"], ...] = ("increase", "decrease", "cancel")
    new_kinds: bool = True


_HISTORY = 10  # times the nights that a suggestion takes


class Trust(Section):
    """How far each client's changes go without a person. The keys of `clients` are Halo client ids.

    observe: only reported. propose: written by `plan apply` after an approval. approve: written by the next run after
    an approval. auto: written at once, within the limits of `auto`.
    """

    default: TrustMode = "auto"
    clients: dict[HaloId, TrustMode] = Field(default_factory=dict)
    auto: AutoLimits = AutoLimits()
    approval_days: Whole = Field(default=7, ge=1)
    suggest_after_nights: Whole = Field(default=14, ge=1)

    @field_validator("clients", mode="before")
    @classmethod
    def _clients_once(cls, value: Any) -> Any:
        return without_repeated_ids(value, values.halo_id)

    @property
    def history_days(self) -> int:
        """For how many days plans count as a client's history: nobody waits longer for a suggestion."""
        return _HISTORY * self.suggest_after_nights

    def of(self, client_id: int | None) -> TrustMode:
        """Return the trust mode of one Halo client."""
        return self.default if client_id is None else self.clients.get(client_id, self.default)
