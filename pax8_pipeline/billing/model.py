"""The plan and its parts as plain data, shared by planning, limiting, applying and reporting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Action = Literal[
    "set_licence_count", "set_line_quantity", "end_line", "end_licence", "reopen_line", "reopen_licence",
    "create_invoice", "set_usage_licence",
]  # fmt: skip
# What charged usage. set_usage_licence is only read: ledgers of earlier versions hold it, none is written any more
# (docs/decisions/0001-no-usage-licence.md).
USAGE_ACTIONS = ("create_invoice", "set_usage_licence")
# duplicate: written, and Halo shows more than one document with its key.
State = Literal["claimed", "sent", "verified", "failed", "unknown", "drifted", "skipped", "duplicate"]
# A write whose end nobody knows: settled by reading, never sent again.
OPEN_STATES: tuple[State, ...] = ("claimed", "sent", "unknown")


@dataclass(frozen=True)
class Change:
    """One planned write: a plan row whose action is not none. Money is per month in `currency`, delta billed units."""

    row_id: str
    action: Action
    cls: str
    client_id: int | None
    client_name: str | None
    subscription_id: str
    product_name: str | None
    recurring_invoice_id: int | None
    line_id: int | None
    licence_id: int | None
    before: str | None
    after: str | None
    quantity_after: Decimal | None
    currency: str | None
    money_per_month: Decimal
    delta: Decimal = Decimal(0)
    expect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_usage(self) -> bool:
        """True when the change charges metered usage."""
        return self.action in USAGE_ACTIONS

    @property
    def ends(self) -> bool:
        """True when the change stops billing of a line or licence."""
        return self.action in ("end_line", "end_licence")


@dataclass(frozen=True)
class Plan:
    """The head of a stored plan (table billing.plans)."""

    plan_id: str
    made_at: datetime
    expires_at: datetime
    run_id: str
    today: date
    checksum: str
    complete: bool
    problem: str | None
    write_mode: str
    rows_considered: int
    rows_safe: int
    rows_waiting: int
    rows_blocked: int
    held: str | None
    money: Mapping[str, Any]


def money_sentences(money: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Say what a plan moves, a sentence for each currency, and one more where there is usage."""
    said = []
    for currency, sums in money.items():
        said.append(f"Money a month in {currency}: {sums['up']} up, {sums['down']} down, {sums['unbilled']} unbilled")
        charged, nobody = sums.get("usage", "0.00"), sums.get("usage_unbilled", "0.00")
        if (charged, nobody) != ("0.00", "0.00"):
            said.append(f"Usage in {currency}: {charged} to charge, {nobody} charged by Pax8 that nobody is billed for")
    return said


@dataclass(frozen=True)
class Left:
    """How many writes of a plan are not done: not written though allowed, waiting for a person, held by a guardrail,
    left alone because the target changed."""

    unwritten: int = 0
    waiting: int = 0
    held: int = 0
    drifted: int = 0


@dataclass(frozen=True)
class Entry:
    """One new line of the ledger. `detail` never holds a secret; `before_state` is JSON, given with the claim."""

    change: Change
    state: State
    detail: str = ""
    before_state: str | None = None


@dataclass(frozen=True)
class Standing:
    """Where one row's write stands in one plan. `claimed`: it was begun there, so it may have been sent."""

    plan_id: str
    state: State
    claimed: bool

    @property
    def open(self) -> bool:
        """True when nobody knows its end."""
        return self.state in OPEN_STATES
