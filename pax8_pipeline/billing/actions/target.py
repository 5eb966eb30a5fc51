"""What one change writes to, as it was read: a line of a recurring invoice and perhaps a licence.

Two readings are compared in `differences`. Facts: docs/vendors/halo.md#line, docs/vendors/halo.md#formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pax8_pipeline.billing.actions.compare import Object, flag, number, same
from pax8_pipeline.billing.model import Change
from pax8_pipeline.values import id_in_halo

_FIRST_YEAR = 1910  # Halo writes "no date" as an earlier one (docs/vendors/halo.md#formats)
# How Halo writes that a link names no licence, and that a line bills its own quantity (docs/vendors/halo.md#formats,
# #line).
_NO_LICENCE = (0, -1, "0", "-1")
_MANUAL = (0, "0")
_UNDO_OF_LINE = ("qty_order", "isinactive")
_UNDO_OF_LICENCE = ("count", "is_active", "status", "end_date")


@dataclass(frozen=True)
class Target:
    """One reading of what a change writes to. `line` and `licence` are None when they are gone (or never were).

    `header` is the recurring invoice; one that is gone has no lines.
    """

    header: Object
    line: Object | None
    licence: Object | None

    @classmethod
    def of(cls, change: Change, header: Object, licence: Object | None) -> Target:
        """Find the line of a change on its recurring invoice."""
        return cls(header, lines_by_id(header).get(change.line_id or 0), licence)

    @property
    def line_inactive(self) -> bool | None:
        """What the switch of the line says; None when the line is gone or the switch cannot be read."""
        return None if self.line is None else flag(self.line.get("isinactive"))

    @property
    def licence_active(self) -> bool | None:
        """What the switch of the licence says; None when the licence is gone or the switch cannot be read."""
        return None if self.licence is None else flag(self.licence.get("is_active"))

    def follows(self, licence_id: int | None) -> bool:
        """Return whether the line bills this licence."""
        return self.line is not None and licence_id in followed_licences(self.line)

    def state_for_undo(self) -> dict[str, Any]:
        """Return the members that an undo would have to know, as the ledger keeps them with the claim."""
        line = self.line or {}
        return {
            "line": {name: line.get(name) for name in _UNDO_OF_LINE},
            "licence": self.licence and {name: self.licence.get(name) for name in _UNDO_OF_LICENCE},
        }


def lines_by_id(header: Object) -> dict[int, Object]:
    """Return the lines of a recurring invoice by id."""
    lines = header.get("lines") or ()
    # A line whose id cannot be read is kept under a number that no line has: it is seen to come, go and differ.
    return {id_in_halo(line.get("id")) or -place: line for place, line in enumerate(lines, 1)}


def followed_licences(line: Object) -> list[int]:
    """Return the ids of the licences that a line follows."""
    links = [*(line.get("quantity_licences") or ()), *(line.get("quantity_subscriptions") or ())]
    # A licence that cannot be named is 0, which is nobody's id: the line then follows something else than planned.
    named = [link.get("licence_id") if isinstance(link, Mapping) else None for link in links]
    return sorted({id_in_halo(name) or 0 for name in named if name not in _NO_LICENCE})


def is_manual(line: Object) -> bool:
    """Return whether the line bills its own stated quantity."""
    return line.get("recurring_invoice_quantity_type") in _MANUAL


def requested_quantity(licence: Object) -> str | None:
    """Return the quantity of a change ordered from Halo that is still under way, as macro `meta.requested` reads it.

    None when there is none: the member is missing or empty, equals the count, or is Halo's empty 0 without a date.
    """
    asked = licence.get("requested_quantity")
    if asked is None or not str(asked).strip() or same(asked, licence.get("count")):
        return None
    year = str(licence.get("requested_quantity_date") or "")[:4]
    if number(asked) == 0 and not (year.isdigit() and int(year) >= _FIRST_YEAR):
        return None
    return str(asked).strip()


def change_number(header: Object) -> int | None:
    """Return `change_seq`, which grows by one with each saving of a recurring invoice; None where Halo shows none."""
    found = header.get("change_seq")
    return found if isinstance(found, int) and not isinstance(found, bool) else None
