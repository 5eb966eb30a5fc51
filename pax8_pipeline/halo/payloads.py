"""Checks what is sent to Halo in a write, and reads the answer.

It knows the shape of a write and of its reply (docs/vendors/halo.md#writing). Sending is in `client`; what to write is
decided in `billing`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pax8_pipeline.transport.client import Reply
from pax8_pipeline.transport.listing import Row

_ENVELOPES = ("licences", "invoices", "lines", "clients")
_SAVE_CONFLICT = re.compile(
    r"expected to (affect|change|update) (1|one) row|(1|one) row\b.*\bexpected\b|affected 0 row", re.IGNORECASE
)


@dataclass(frozen=True)
class WriteReply:
    """The answer to an accepted write. It proves nothing: take the id and read back.

    `body` is what Halo sent: the saved object, a list, the envelope of a list, or None. `warning` is Halo's `_warning`,
    "" if there is none. A person has to see a warning.
    """

    status: int
    body: Any = field(repr=False)
    warning: str

    @property
    def saved(self) -> Row | None:
        """The saved object, in whichever shape it came. None if the answer has no object, or several."""
        rows = self.rows
        return rows[0] if len(rows) == 1 else None

    @property
    def rows(self) -> list[Row]:
        """All saved objects that the answer names, in whichever shape they came."""
        return [row for row in _rows(self.body) if isinstance(row, dict)]


def read_reply(reply: Reply) -> WriteReply:
    """Read the answer to a POST with one element: an object, a list or an envelope (docs/vendors/halo.md#writing)."""
    warnings = [
        str(row["_warning"]).strip()
        for row in [reply.body, *_rows(reply.body)]
        if isinstance(row, dict) and row.get("_warning")
    ]
    return WriteReply(reply.status, reply.body, "; ".join(dict.fromkeys(filter(None, warnings))))


def _rows(body: Any) -> list[Any]:
    """Return the saved objects in an answer of any of the three shapes."""
    if isinstance(body, list):
        return body
    # An invoice has an id and lines; an envelope has rows and no id.
    if isinstance(body, dict) and not body.get("id"):
        for key in _ENVELOPES:
            if isinstance(body.get(key), list):
                return list(body[key])
    return [body]


def is_save_conflict(text: str) -> bool:
    """True for Halo's text when two people save at the same time (docs/vendors/halo.md#two-savings)."""
    return bool(_SAVE_CONFLICT.search(text))


def licence_update(fields: Row) -> Row:
    """Check the changed members of a licence. `id` and `client_id` are always needed (docs/vendors/halo.md#licence);
    `count` must be a whole number (docs/vendors/halo.md#formats). Raises ValueError, or TypeError for a float.
    """
    _require_ids(fields, "id", "client_id")
    count = fields.get("count")
    if isinstance(count, Decimal) and count == count.to_integral_value():
        fields = {**fields, "count": int(count)}
    elif count is not None and (not isinstance(count, int) or isinstance(count, bool)):
        raise ValueError(f"{count!r} is not a count of a licence: Halo needs a whole number")
    return _without_floats(fields)


def line_update(line: Row) -> Row:
    """Check one whole line: it needs `id` and `ihid` (docs/vendors/halo.md#line). Raises ValueError or TypeError."""
    _require_ids(line, "id", "ihid")
    return _without_floats(line)


def header_update(header: Row) -> Row:
    """Check a recurring invoice with all its lines. An empty `lines` would delete every line
    (docs/vendors/halo.md#writing). Raises ValueError or TypeError.
    """
    _require_ids(header, "id")
    lines = header.get("lines")
    if not isinstance(lines, list) or not lines:
        raise ValueError("a recurring invoice is only sent with all of its lines")
    return _without_floats(header)


def new_invoice(invoice: Row) -> Row:
    """Check a new invoice: no id, a client, lines, and nothing that bills labour (docs/vendors/halo.md#invoice). Raises
    ValueError or TypeError.
    """
    _require_ids(invoice, "client_id")
    if invoice.get("id"):
        raise ValueError(f"id {invoice['id']} would change an invoice instead of creating one")
    lines = invoice.get("lines")
    if not isinstance(lines, list) or not lines:
        raise ValueError("an invoice without lines is not sent")
    if any(name in line for line in lines for name in ("entity_type", "ticket_id")):
        raise ValueError("entity_type and ticket_id bill labour: never sent")
    return _without_floats(invoice)


def new_licence(licence: Row) -> Row:
    """Check a new licence: no id, a client, a name and a whole count. Raises ValueError or TypeError."""
    _require_ids(licence, "client_id")
    _require_new(licence, "a licence")
    count = licence.get("count")
    if not isinstance(count, int) or isinstance(count, bool):
        raise ValueError(f"{count!r} is not a count of a licence: Halo needs a whole number")
    return _without_floats(licence)


def new_line(line: Row) -> Row:
    """Check a new line: no id, and the recurring invoice (`ihid`, negative) that it is put on. Raises ValueError or
    TypeError.
    """
    _require_ids(line, "ihid", "_itemid")
    if line["ihid"] > 0:
        raise ValueError(f"ihid {line['ihid']} is an ordinary invoice; lines are only put on recurring invoices")
    if line.get("id"):
        raise ValueError(f"id {line['id']} would change a line instead of creating one")
    if any(name in line for name in ("entity_type", "ticket_id")):
        raise ValueError("entity_type and ticket_id bill labour: never sent")
    return _without_floats(line)


def new_client(client: Row) -> Row:
    """Check a new client: no id, a name. Raises ValueError or TypeError."""
    _require_new(client, "a client")
    return _without_floats(client)


def _require_new(fields: Row, what: str) -> None:
    if fields.get("id"):
        raise ValueError(f"id {fields['id']} would change {what} instead of creating one")
    if not isinstance(fields.get("name"), str) or not fields["name"].strip():
        raise ValueError(f"{what} without a name is not sent")


def _require_ids(fields: Row, *names: str) -> None:
    for name in names:
        value = fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value == 0:
            raise ValueError(f"{name} must be an id, found {value!r}")


def _without_floats(fields: Row) -> Row:
    """Return the fields. Raises TypeError for a float: money and quantities are Decimal or int until they are sent."""
    stack: list[Any] = [fields]
    while stack:
        value = stack.pop()
        if isinstance(value, float):
            raise TypeError(f"{value!r} is a float; numbers sent to Halo are Decimal or int")
        stack.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    return fields
