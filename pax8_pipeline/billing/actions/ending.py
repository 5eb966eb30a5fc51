"""What the actions share that end a line or a licence, or take such an end back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pax8_pipeline.billing.actions.compare import Object, same
from pax8_pipeline.billing.actions.seat_expectation import SeatExpectation

# What an end writes on a licence beside its switch and its count.
TEXTS = ("status", "end_date")
END_MEMBERS = ("is_active", *TEXTS)
_STATUS = "Cancelled"


def licence_off(expected: SeatExpectation, licence: Object | None) -> dict[str, Any]:
    """Return the members that switch a licence off; its end date stays where the plan names none."""
    day = written_end_date(expected) or (licence or {}).get("end_date")
    return {"is_active": False, "status": _STATUS, "end_date": day}


def written_end_date(expected: SeatExpectation) -> str | None:
    """Return the end date as it is sent, None where the plan names none."""
    return f"{expected.end_date}T00:00:00" if expected.end_date else None


def texts_now(licence: Object | None) -> dict[str, Any]:
    """Return the texts of a licence that an undo expects to find again."""
    return {} if licence is None else {name: licence.get(name) for name in TEXTS}


def texts_changed_since(expected: SeatExpectation, before: Object, licence: Object | None) -> bool:
    """Return whether somebody gave an ended licence another status or end date: an undo would overwrite that.

    `expected` is that of the end, `before` the state in the ledger's claim.
    """
    if licence is None:
        return False
    held, written = before.get("licence") or {}, {"status": _STATUS, "end_date": written_end_date(expected)}
    return any(
        name in held and not same(licence.get(name), held[name]) and not _as_written(licence.get(name), written[name])
        for name in TEXTS
    )


def restored(members: Mapping[str, Any], licence: Object | None) -> bool:
    """Return whether a licence has these members again."""
    return licence is not None and all(same(licence.get(name), value) for name, value in members.items())


def _as_written(shown: Any, written: str | None) -> bool:
    """Compare as Halo may show it again: a time with or without its zone, and any value where none is known."""
    return written is None or str(shown).removesuffix("Z") == written
