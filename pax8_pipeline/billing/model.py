"""The plan and its parts as plain data, shared by planning, limiting, applying and reporting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

# duplicate: written, and Halo shows more than one document with its key.
State = Literal["claimed", "sent", "verified", "failed", "unknown", "drifted", "skipped", "duplicate"]
# A write whose end nobody knows: settled by reading, never sent again.
OPEN_STATES: tuple[State, ...] = ("claimed", "sent", "unknown")


@dataclass(frozen=True)
class Change:
    """One planned write: a plan row whose action is not none. Money is per month in `currency`, delta billed units.

    `action` names a module of `actions/`, which gives it its meaning; `expect` is read there too.
    """

    row_id: str
    action: str
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
    """Return what a plan moves, a sentence for each currency, and one more where there is usage."""
    sentences = []
    for currency, sums in money.items():
        sentences.append(
            f"Money a month in {currency}: {_plain(sums['up'])} more, {_plain(sums['down'])} less, {_plain(sums['unbilled'])} not billed"
        )
        charged, nobody = sums.get("usage", "0.00"), sums.get("usage_unbilled", "0.00")
        if (charged, nobody) != ("0.00", "0.00"):
            sentences.append(f"Usage in {currency}: {_plain(charged)} to bill, {_plain(nobody)} not billed")
    return sentences


def _plain(amount: str) -> str:
    """Return an amount without its sign, with separators: the words beside it say which way it goes."""
    return f"{abs(Decimal(amount)):,.2f}"


@dataclass(frozen=True)
class Remaining:
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
class WriteStatus:
    """What became of one row's write in one plan. `claimed`: it was started there, so it may have been sent."""

    plan_id: str
    state: State
    claimed: bool

    @property
    def open(self) -> bool:
        """Whether nobody knows its end."""
        return self.state in OPEN_STATES
