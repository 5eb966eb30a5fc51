"""A usage invoice as data: what is sent, how it is known again in Halo, and whether what Halo shows is what was planned.

Here belongs: the body of an invoice, finding its key, comparing. Not here: HTTP, the order of steps (`invoicing`).
Facts: docs/vendors/halo.md#invoice, docs/architecture.md#write-usage. Objects are Halo's JSON as parsed (Decimal
numbers).
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pax8_pipeline.billing.model import Change
from pax8_pipeline.values import decimal, id_in_halo

Object = Mapping[str, Any]

_CENT = Decimal("0.01")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
# staging.halo_invoices finds keys by the same words. A key ends where its company's id and its -adjN end: -adj10 is
# not -adj1. What a person hung behind it ("... copy") leaves it the same key.
_KEY = re.compile(
    r"pax8-usage \d{4}-\d{2} (?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-adj\d+)?|[0-9a-z]+(?:-[0-9a-z]+)*)"
)
_SPACE = re.compile(r"\s+", re.ASCII)
_TAG = re.compile(r"<[^<>]{0,100}>")
_REF = re.compile(r"^\s*ref:\s*(\S.*?)\s*$", re.IGNORECASE | re.MULTILINE)
_WRITER = re.compile(r"^\s*writer:\s*([0-9a-f]{8}-[0-9a-f]{4})\s*$", re.IGNORECASE | re.MULTILINE)
_CURRENCY = re.compile(r"[A-Z]{3}")
# The text of a line may be cut off at 4000 characters, and what tells lines apart stands at its end.
_NOTE = 3000


@dataclass(frozen=True)
class UsageLine:
    """One line: `ref` says which charges it is, `amount` what the client is billed, `cost` what Pax8 charges (both net,
    in the invoice's currency, in cents)."""

    ref: str
    item_id: int | None
    text: str
    note: str
    amount: Decimal
    cost: Decimal


@dataclass(frozen=True)
class Usage:
    """One planned usage invoice (`Change.expect["usage"]`)."""

    key: str
    month: str
    client_id: int | None
    invoice_date: str
    currency: str | None
    total: Decimal
    lines: tuple[UsageLine, ...]

    @property
    def first_day(self) -> date:
        """The first day of the usage month."""
        return date.fromisoformat(f"{self.month}-01")


def planned(expect: Mapping[str, Any]) -> Usage:
    """Read the invoice a change plans (`Change.expect`). Raises ValueError when it cannot be read."""
    try:
        found = expect["usage"]
        lines = tuple(
            UsageLine(
                str(line["ref"]), _id(line.get("item_id")), str(line.get("text") or ""), str(line.get("note") or ""),
                decimal(line["amount"]), decimal(line.get("cost") or 0),
            )
            for line in found["lines"]
        )  # fmt: skip
        return Usage(
            key=str(found["key"]), month=str(found["month"]), client_id=_id(found.get("client_id")),
            invoice_date=str(found["invoice_date"]), currency=found.get("currency"),
            total=decimal(found["total"]), lines=lines,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the plan does not say what to bill: {error!r}") from error


def faults(change: Change) -> list[str]:
    """Say why a planned invoice must not be sent, whatever the plan allows; nothing means it may."""
    try:
        usage = planned(change.expect)
        date.fromisoformat(usage.invoice_date)
        first = usage.first_day
    except ValueError as error:
        return [str(error)]
    wrong = {
        "its total is not above zero": usage.total <= 0,
        "its lines do not add up to its total": sum((line.amount for line in usage.lines), Decimal(0)) != usage.total,
        "it has no lines": not usage.lines,
        "an amount is not in whole cents": any(_cents(line.amount) != line.amount for line in usage.lines),
        "a line has no Halo item": any(line.item_id is None for line in usage.lines),
        "its currency is not known": not _CURRENCY.fullmatch(usage.currency or ""),
        "it has no client": usage.client_id is None or usage.client_id <= 0 or usage.client_id != change.client_id,
        "its key is not the one of the plan's row": keys_in(usage.key) != {_plain(change.row_id)},
        "its month has not ended": usage.invoice_date < _month_after(first).isoformat(),
    }
    return [sentence for sentence, so in wrong.items() if so]


def body(usage: Usage, writer: str = "") -> dict[str, Any]:
    """Return what is sent. Tax and accounting codes are left to Halo's item, anything that bills labour is never named.

    `writer` says which data folder made it (`billing.writer`). It stands in the lines' long text, above `Ref:`: that text
    comes back in lists (docs/vendors/halo.md#lists, `includelines`), is free of other tools' uses, and outlives a
    change of the reference or of the header's notes. It stands in every line, so that the last one can be deleted.
    """
    return {
        "client_id": usage.client_id,
        "invoice_date": f"{usage.invoice_date}T00:00:00",
        "reference": usage.key,
        "lines": [
            {
                "_itemid": line.item_id,
                "item_shortdescription": line.text,
                "item_longdescription": "\n".join(
                    [_cut(line.note), *([f"Writer: {writer}"] if writer else []), f"Ref: {line.ref}"]
                ),
                "qty_order": 1,
                "unit_price": line.amount,
                "baseprice": line.amount,
                "unit_cost": line.cost,
            }
            for line in usage.lines
        ],
    }


def keys_in(*texts: Any) -> frozenset[str]:
    """Return the usage keys that stand in some texts, lower case."""
    return frozenset(key for text in texts for key in _KEY.findall(_plain(text)))


def keys_of(document: Object) -> frozenset[str]:
    """Return the usage keys of an invoice or a recurring invoice: in its reference or in its lines' texts."""
    texts = [document.get("reference")]
    for line in _lines(document):
        texts += [line.get("item_shortdescription"), line.get("item_longdescription")]
    return keys_in(*texts)


def hits(usage: Usage, documents: Iterable[Object]) -> list[Object]:
    """Return what may bill this usage already: documents with its key, posted or not, voided or not, and those of the
    client that carry one of its lines and no key at all (somebody copied the lines)."""
    refs = {_plain(line.ref) for line in usage.lines}
    found = []
    for document in documents:
        keys = keys_of(document)
        copied = not keys and document.get("client_id") in (None, usage.client_id) and refs & _refs(document)
        if _plain(usage.key) in keys or copied:
            found.append(document)
    return found


def differences(usage: Usage, invoice: Object, *, fresh: bool) -> list[str]:
    """Say how an invoice in Halo differs from the planned one; `fresh`: it was made just now, so nobody posted it yet."""
    found: list[str] = []
    if invoice.get("client_id") != usage.client_id:
        found.append(f"its client is {invoice.get('client_id')}, not {usage.client_id}")
    if _plain(usage.key) not in keys_of(invoice):
        found.append(f"its reference is {invoice.get('reference')!r}")
    if is_voided(invoice):
        found.append("it is voided")
    unread = [name for name in ("voided", "posted") if _flag(invoice.get(name)) is None]
    found += [f"whether it is {name} cannot be read ({invoice.get(name)!r})" for name in unread]
    if fresh and _flag(invoice.get("posted")):
        found.append("it is posted already")
    lines = _lines(invoice)
    if len(lines) != len(usage.lines):
        found.append(f"it has {len(lines)} lines, not {len(usage.lines)}")
    net = [_net(line) for line in lines]
    total = None if None in net else sum((n for n in net if n is not None), Decimal(0))
    if total != usage.total:
        found.append(f"its lines come to {'no number' if total is None else total}, not {usage.total}")
    seen = Counter((_ref(line), n, line.get("_itemid")) for line, n in zip(lines, net, strict=True))
    if seen != Counter((_plain(line.ref), line.amount, line.item_id) for line in usage.lines):
        found.append("its lines are not the planned ones (reference, amount, item)")
    return found


@dataclass(frozen=True)
class Content:
    """What a document charges: whom, how much, and by which lines (reference, net amount, item; sorted)."""

    client_id: int | None
    net: Decimal | None
    lines: tuple[tuple[str, ...], ...]


def planned_content(usage: Usage) -> Content:
    """Return what a planned document must charge."""
    lines = sorted((_plain(line.ref), _money(line.amount), str(line.item_id)) for line in usage.lines)
    return Content(usage.client_id, usage.total, tuple(lines))


def content_of(document: Object) -> Content:
    """Return what a document in Halo charges; its number, date and texts are none of it."""
    lines, net = _lines(document), [_net(line) for line in _lines(document)]
    total = None if None in net else sum((n for n in net if n is not None), Decimal(0))
    shown = sorted((_ref(line), _money(n), str(line.get("_itemid"))) for line, n in zip(lines, net, strict=True))
    client = document.get("client_id")
    return Content(client if isinstance(client, int) else None, total, tuple(shown))


def content_differences(wanted: Content, shown: Content) -> list[str]:
    """Say what of a document is not as it must be."""
    found = []
    if shown.client_id != wanted.client_id:
        found.append(f"its client is {shown.client_id}, not {wanted.client_id}")
    if shown.net != wanted.net:
        found.append(f"its lines come to {'no number' if shown.net is None else shown.net}, not {wanted.net}")
    if Counter(shown.lines) != Counter(wanted.lines):
        found.append("its lines are not the ones it was made with (reference, amount, item)")
    return found


def writer_of(document: Object) -> str | None:
    """Return the data folder that made a document, where it says so."""
    for line in _lines(document):
        found = _WRITER.findall(_text(line))
        if found:
            return str(found[-1]).lower()
    return None


def is_voided(document: Object) -> bool:
    """True when a person has cancelled it."""
    return _flag(document.get("voided")) is True


def named(documents: Sequence[Object]) -> str:
    """Name documents for a person: invoice 51877, recurring invoice -94 (voided, posted)."""
    return ", ".join(_name(document) for document in documents) or "none"


def _name(document: Object) -> str:
    number = document.get("id")
    marks = [mark for mark in ("voided", "posted") if _flag(document.get(mark))]
    kind = "recurring invoice" if isinstance(number, int) and number < 0 else "invoice"
    return f"{kind} {number}" + (f" ({', '.join(marks)})" if marks else "")


def _lines(document: Object) -> list[Object]:
    return [line for line in document.get("lines") or () if isinstance(line, Mapping)]


def _refs(document: Object) -> set[str]:
    return {ref for line in _lines(document) if (ref := _ref(line))}


def _ref(line: Object) -> str:
    """The reference at the end of a line's text; Halo may have made HTML of it."""
    found = _REF.findall(_text(line))
    return _plain(found[-1]) if found else ""


def _text(line: Object) -> str:
    return html.unescape(_TAG.sub("\n", str(line.get("item_longdescription") or "")))


def _money(amount: Decimal | None) -> str:
    return "?" if amount is None else f"{_cents(amount)}"


def _net(line: Object) -> Decimal | None:
    quantity, price = _number(line.get("qty_order")), _number(line.get("unit_price"))
    return None if quantity is None or price is None else _cents(quantity * price)


def _number(value: Any) -> Decimal | None:
    try:
        return decimal(value)
    except ValueError:
        return None


def _cents(value: Decimal) -> Decimal:
    return value.quantize(_CENT, ROUND_HALF_UP)


def _plain(text: Any) -> str:
    """Lower case, with single spaces."""
    return _SPACE.sub(" ", str(text or "")).strip().lower()


def _flag(value: Any) -> bool | None:
    """Return what a flag says; one that was left out says no, one that cannot be read is None."""
    return False if value is None or value == "" else _FLAGS.get(str(value).strip().lower())


def _id(value: Any) -> int | None:
    return id_in_halo(value)


def _cut(note: str) -> str:
    return note if len(note) <= _NOTE else f"{note[:_NOTE]} ..."


def _month_after(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
