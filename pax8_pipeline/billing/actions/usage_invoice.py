"""A planned usage invoice: read from the plan, checked, and turned into what is sent.

Documents in Halo are found and compared in `usage_documents`, the steps are in `applying/usage_invoices.py`. Facts:
docs/vendors/halo.md#invoice, docs/architecture.md#write-usage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pax8_pipeline.billing.actions.seat_expectation import BadExpectation
from pax8_pipeline.billing.actions.usage_key import comparable, keys_in
from pax8_pipeline.billing.model import Change
from pax8_pipeline.values import decimal, id_in_halo

_CENT = Decimal("0.01")
_CURRENCY = re.compile(r"[A-Z]{3}")
# The text of a line may be cut off at 4000 characters, and what tells lines apart is at its end.
_NOTE = 3000


@dataclass(frozen=True)
class UsageLine:
    """One line: `ref` says which charges it is, `amount` what the client is billed, `cost` what Pax8 charges (both net,
    in the invoice's currency, in cents). `charges`: the ids of the charges in Pax8."""

    ref: str
    item_id: int | None
    text: str
    note: str
    amount: Decimal
    cost: Decimal
    charges: tuple[str, ...] = ()

    def body(self, writer: str) -> dict[str, Any]:
        """Return what is sent of this line. `writer`: see `UsageInvoice.body`."""
        mark = [f"Writer: {writer}"] if writer else []
        return {
            "_itemid": self.item_id,
            "item_shortdescription": self.text,
            "item_longdescription": "\n".join([_cut(self.note), *mark, f"Ref: {self.ref}"]),
            "qty_order": 1,
            "unit_price": self.amount,
            "baseprice": self.amount,
            "unit_cost": self.cost,
        }


def planned_lines(usage: Mapping[str, Any]) -> tuple[UsageLine, ...]:
    """Read the lines of a planned invoice: the only place that knows how they are stored."""
    return tuple(
        UsageLine(
            ref=str(line["ref"]),
            item_id=id_in_halo(line.get("item_id")),
            text=str(line.get("text") or ""),
            note=str(line.get("note") or ""),
            amount=decimal(line["amount"]),
            cost=decimal(line.get("cost") or 0),
            charges=tuple(line.get("charges") or ()),
        )
        for line in usage["lines"]
    )


@dataclass(frozen=True)
class UsageInvoice:
    """One planned usage invoice. `total` is what the client is billed, `cost` what Pax8 charges; `month` is yyyy-mm."""

    key: str
    month: str
    company_id: str | None
    client_id: int | None
    invoice_date: str
    currency: str | None
    total: Decimal
    cost: Decimal
    lines: tuple[UsageLine, ...]

    @property
    def first_day(self) -> date:
        """The first day of the usage month. Raises ValueError when the month cannot be read."""
        return date.fromisoformat(f"{self.month}-01")

    @classmethod
    def from_json(cls, expect: Mapping[str, Any]) -> UsageInvoice:
        """Read the invoice that a change plans (`Change.expect`). Raises BadExpectation when it cannot be read."""
        try:
            usage = expect["usage"]
            return cls(
                key=str(usage["key"]),
                month=str(usage["month"]),
                company_id=usage.get("company_id"),
                client_id=id_in_halo(usage.get("client_id")),
                invoice_date=str(usage["invoice_date"]),
                currency=usage.get("currency"),
                total=decimal(usage["total"]),
                cost=decimal(usage.get("cost") or 0),
                lines=planned_lines(usage),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadExpectation(f"the plan does not say what to bill: {error!r}") from error

    def to_json(self) -> dict[str, Any]:
        """Return the JSON that the plan stores."""
        lines = [
            {**vars(line), "amount": str(line.amount), "cost": str(line.cost), "charges": list(line.charges)}
            for line in self.lines
        ]
        return {**vars(self), "total": str(self.total), "cost": str(self.cost), "lines": lines}

    def body(self, writer: str = "") -> dict[str, Any]:
        """Return what is sent. Tax and accounting codes are left to Halo's item; anything that bills labour is never named.

        `writer` says which data folder made it (`ledger/writer.py`). It is in the lines' long text, above `Ref:`:
        that text comes back in lists (docs/vendors/halo.md#lists, `includelines`), is free of other tools' uses, and
        outlives a change of the reference or of the header's notes. It is in every line, so that the last one can be
        deleted.
        """
        return {
            "client_id": self.client_id,
            "invoice_date": f"{self.invoice_date}T00:00:00",
            "reference": self.key,
            "lines": [line.body(writer) for line in self.lines],
        }


def validation_errors(usage: UsageInvoice, change: Change) -> list[str]:
    """Say why a planned invoice must not be sent, whatever the plan allows; nothing means that it may."""
    try:
        date.fromisoformat(usage.invoice_date)
        first = usage.first_day
    except ValueError as error:
        return [str(error)]
    lines = usage.lines
    wrong = {
        "its total is not above zero": usage.total <= 0,
        "its lines do not add up to its total": sum((line.amount for line in lines), Decimal(0)) != usage.total,
        "it has no lines": not lines,
        "an amount is not in whole cents": any(in_cents(line.amount) != line.amount for line in lines),
        "a line has no Halo item": any(line.item_id is None for line in lines),
        "its currency is not known": not _CURRENCY.fullmatch(usage.currency or ""),
        "it has no client": usage.client_id is None or usage.client_id <= 0 or usage.client_id != change.client_id,
        "its key is not the one of the plan's row": keys_in(usage.key) != {comparable(change.row_id)},
        "its month has not ended": usage.invoice_date < _month_after(first).isoformat(),
    }
    return [sentence for sentence, is_wrong in wrong.items() if is_wrong]


def sum_of(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Add amounts; None when one of them is not known."""
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def in_cents(value: Decimal) -> Decimal:
    """Return an amount rounded to cents."""
    return value.quantize(_CENT, ROUND_HALF_UP)


def _cut(note: str) -> str:
    return note if len(note) <= _NOTE else f"{note[:_NOTE]} ..."


def _month_after(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
