"""What Halo answers to a write, and what may be sent at all.

Here belongs: the shape of a write and of its reply (docs/vendors/halo.md#writing). Not here: sending (`client`),
what to write (`billing`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pax8_pipeline.transport.client import Reply
from pax8_pipeline.transport.listing import Row

_ENVELOPES = ("licences", "invoices", "lines")
_CONTEST = re.compile(
    r"expected to (affect|change|update) (1|one) row|(1|one) row\b.*\bexpected\b|affected 0 row", re.IGNORECASE
)


@dataclass(frozen=True)
class WriteReply:
    """An accepted write. `body` as sent back: the saved object, an array, the collection's envelope, or None; no proof of
    anything: take the id and read back.

    `warning` is Halo's `_warning`, "" if there is none; a warning needs a person's look.
    """

    status: int
    body: Any = field(repr=False)
    warning: str

    @property
    def saved(self) -> Row | None:
        """The saved object, out of whichever shape it came in; None if the answer held none, or several."""
        rows = _rows(self.body)
        return rows[0] if len(rows) == 1 and isinstance(rows[0], dict) else None


def read_reply(reply: Reply) -> WriteReply:
    """Read the answer to a one-element POST: an object, an array or an envelope (docs/vendors/halo.md#writing)."""
    warnings = [
        str(row["_warning"]).strip()
        for row in [reply.body, *_rows(reply.body)]
        if isinstance(row, dict) and row.get("_warning")
    ]
    return WriteReply(reply.status, reply.body, "; ".join(dict.fromkeys(filter(None, warnings))))


def _rows(body: Any) -> list[Any]:
    """The saved objects in an answer of any of the three shapes."""
    if isinstance(body, list):
        return body
    # An invoice has an id and lines; an envelope has rows and no id.
    if isinstance(body, dict) and not body.get("id"):
        for key in _ENVELOPES:
            if isinstance(body.get(key), list):
                return list(body[key])
    return [body]


def is_contest(text: str) -> bool:
    """True for Halo's words when two savings met: one row was expected to change and none did
    (docs/vendors/halo.md#two-savings).
    """
    return bool(_CONTEST.search(text))


def licence_update(fields: Row) -> Row:
    """Check a partial licence: `id` and `client_id` always go along (docs/vendors/halo.md#licence), `count` is whole
    (docs/vendors/halo.md#formats).
    """
    _need(fields, "id", "client_id")
    count = fields.get("count")
    if isinstance(count, Decimal) and count == count.to_integral_value():
        fields = {**fields, "count": int(count)}
    elif count is not None and (not isinstance(count, int) or isinstance(count, bool)):
        raise ValueError(f"a licence cannot hold a count of {count!r}: Halo's is a whole number")
    return _exact(fields)


def line_update(line: Row) -> Row:
    """Check one whole line for `updatelines`: `id` and `ihid` (docs/vendors/halo.md#line)."""
    _need(line, "id", "ihid")
    return _exact(line)


def header_update(header: Row) -> Row:
    """Check a header that carries all its lines. An empty `lines` would remove every line
    (docs/vendors/halo.md#writing).
    """
    _need(header, "id")
    lines = header.get("lines")
    if not isinstance(lines, list) or not lines:
        raise ValueError("a recurring invoice is only sent with all of its lines")
    return _exact(header)


def new_invoice(invoice: Row) -> Row:
    """Check an invoice to be created: no id, a client, lines, and nothing that bills labour
    (docs/vendors/halo.md#invoice).
    """
    _need(invoice, "client_id")
    if invoice.get("id"):
        raise ValueError(f"id {invoice['id']} would change an invoice instead of creating one")
    lines = invoice.get("lines")
    if not isinstance(lines, list) or not lines:
        raise ValueError("an invoice without lines is not sent")
    if any(name in line for line in lines for name in ("entity_type", "ticket_id")):
        raise ValueError("entity_type and ticket_id bill labour: never sent")
    return _exact(invoice)


def _need(fields: Row, *names: str) -> None:
    for name in names:
        value = fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value == 0:
            raise ValueError(f"{name} must be an id, found {value!r}")


def _exact(fields: Row) -> Row:
    """Refuse a float anywhere: money and quantities are Decimal or int from text to Halo."""
    stack: list[Any] = [fields]
    while stack:
        value = stack.pop()
        if isinstance(value, float):
            raise TypeError(f"{value!r} is a float; numbers sent to Halo are Decimal or int")
        stack.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    return fields
