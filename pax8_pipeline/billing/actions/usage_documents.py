"""Documents in Halo (invoices, recurring invoices) beside a planned usage invoice: found by key, compared by content.

What is sent is in `usage_invoice`. Objects are Halo's JSON (Decimal numbers). Facts: docs/vendors/halo.md#invoice.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.actions.compare import Object, flag, number
from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice, in_cents, sum_of
from pax8_pipeline.billing.actions.usage_key import comparable, keys_in
from pax8_pipeline.text.plurals import plural

_TAG = re.compile(r"<[^<>]{0,100}>")
_REF = re.compile(r"^\s*ref:\s*(\S.*?)\s*$", re.IGNORECASE | re.MULTILINE)
_WRITER = re.compile(r"^\s*writer:\s*([0-9a-f]{8}-[0-9a-f]{4})\s*$", re.IGNORECASE | re.MULTILINE)


def keys_of(document: Object) -> frozenset[str]:
    """Return the usage keys of an invoice or a recurring invoice: in its reference or in its lines' texts."""
    texts = [document.get("reference")]
    for line in _lines(document):
        texts += [line.get("item_shortdescription"), line.get("item_longdescription")]
    return keys_in(*texts)


def find_matches(usage: UsageInvoice, documents: Iterable[Object]) -> list[Object]:
    """Return what may bill this usage already: documents with its key, posted or not, voided or not, and those of the
    client that carry one of its lines and no key at all (somebody copied the lines)."""
    refs = {comparable(line.ref) for line in usage.lines}
    found = []
    for document in documents:
        keys = keys_of(document)
        copied = not keys and document.get("client_id") in (None, usage.client_id) and refs & _refs(document)
        if comparable(usage.key) in keys or copied:
            found.append(document)
    return found


def differences(usage: UsageInvoice, invoice: Object, *, fresh: bool) -> list[str]:
    """Say how an invoice in Halo differs from the planned one; `fresh`: it was made just now, so nobody posted it yet."""
    return _header_differences(usage, invoice, fresh=fresh) + _line_differences(usage, _lines(invoice))


def _header_differences(usage: UsageInvoice, invoice: Object, *, fresh: bool) -> list[str]:
    found: list[str] = []
    if invoice.get("client_id") != usage.client_id:
        found.append(f"its client is {invoice.get('client_id')}, not {usage.client_id}")
    if comparable(usage.key) not in keys_of(invoice):
        found.append(f"its reference is {invoice.get('reference')!r}")
    if is_voided(invoice):
        found.append("it is voided")
    unread = [name for name in ("voided", "posted") if _flag(invoice, name) is None]
    found += [f"whether it is {name} cannot be read ({invoice.get(name)!r})" for name in unread]
    if fresh and _flag(invoice, "posted"):
        found.append("it is posted already")
    return found


def _line_differences(usage: UsageInvoice, lines: Sequence[Object]) -> list[str]:
    found: list[str] = []
    if len(lines) != len(usage.lines):
        found.append(f"it has {plural(len(lines), 'line')}, not {len(usage.lines)}")
    net = [_net(line) for line in lines]
    total = sum_of(net)
    if total != usage.total:
        found.append(f"its lines come to {'no number' if total is None else total}, not {usage.total}")
    shown = Counter((_ref(line), amount, line.get("_itemid")) for line, amount in zip(lines, net, strict=True))
    if shown != Counter((comparable(line.ref), line.amount, line.item_id) for line in usage.lines):
        found.append("its lines are not the planned ones (reference, amount, item)")
    return found


@dataclass(frozen=True)
class Content:
    """What a document charges: whom, how much, and by which lines (reference, net amount, item; sorted)."""

    client_id: int | None
    net: Decimal | None
    lines: tuple[tuple[str, ...], ...]


def planned_content(usage: UsageInvoice) -> Content:
    """Return what a planned document must charge."""
    lines = sorted((comparable(line.ref), _money(line.amount), str(line.item_id)) for line in usage.lines)
    return Content(usage.client_id, usage.total, tuple(lines))


def content_of(document: Object) -> Content:
    """Return what a document in Halo charges; its number, date and texts are none of it."""
    lines, net = _lines(document), [_net(line) for line in _lines(document)]
    shown = sorted((_ref(line), _money(n), str(line.get("_itemid"))) for line, n in zip(lines, net, strict=True))
    client = document.get("client_id")
    return Content(client if isinstance(client, int) else None, sum_of(net), tuple(shown))


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
    """Return whether a person has cancelled it."""
    return _flag(document, "voided") is True


def name_documents(documents: Sequence[Object]) -> str:
    """Name documents for a person: invoice 51877, recurring invoice -94 (voided, posted)."""
    return ", ".join(_name(document) for document in documents) or "none"


def _name(document: Object) -> str:
    number_ = document.get("id")
    marks = [mark for mark in ("voided", "posted") if _flag(document, mark)]
    kind = "recurring invoice" if isinstance(number_, int) and number_ < 0 else "invoice"
    return f"{kind} {number_}" + (f" ({', '.join(marks)})" if marks else "")


def _lines(document: Object) -> list[Object]:
    return [line for line in document.get("lines") or () if isinstance(line, Mapping)]


def _refs(document: Object) -> set[str]:
    return {ref for line in _lines(document) if (ref := _ref(line))}


def _ref(line: Object) -> str:
    """The reference at the end of a line's text; Halo may have made HTML of it."""
    found = _REF.findall(_text(line))
    return comparable(found[-1]) if found else ""


def _text(line: Object) -> str:
    return html.unescape(_TAG.sub("\n", str(line.get("item_longdescription") or "")))


def _money(amount: Decimal | None) -> str:
    return "?" if amount is None else f"{in_cents(amount)}"


def _net(line: Object) -> Decimal | None:
    quantity, price = number(line.get("qty_order")), number(line.get("unit_price"))
    return None if quantity is None or price is None else in_cents(quantity * price)


def _flag(document: Object, name: str) -> bool | None:
    """Return what a flag says; one that was left out says no, one that cannot be read is None."""
    value: Any = document.get(name)
    return flag(value, absent=False)
