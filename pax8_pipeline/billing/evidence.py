"""What was seen of the targets before and after a write, and what that proves. Nothing is sent or read from here.

Here belongs: one reading of a group of targets, the claim that is put on record, the verdict on each write. Not here:
the comparisons themselves (`verify`), the order of steps (`apply`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pax8_pipeline.billing import verify
from pax8_pipeline.billing.model import Change, Entry
from pax8_pipeline.billing.verify import Object


@dataclass(frozen=True)
class Seen:
    """One reading of recurring invoices and of the licences that matter on them."""

    headers: Mapping[int, Object]
    licences: Mapping[int, Object]

    def header(self, change: Change) -> Object:
        """Return the recurring invoice of a change; one without lines when it is gone."""
        return self.headers.get(change.recurring_invoice_id or 0, _GONE)

    def licence(self, change: Change) -> Object | None:
        """Return the licence of a change, None when it has none or it is gone."""
        return self.licences.get(change.licence_id) if change.licence_id is not None else None

    def line(self, change: Change) -> Object:
        """Return the line of a change, which `verify.drift` has found to be there."""
        return verify.lines_by_id(self.header(change))[change.line_id or 0]


_GONE: Object = {"id": 0, "lines": []}


def claim(change: Change, seen: Seen) -> Entry:
    """Say what is about to be written, with all that an undo would need to know of the target."""
    line, licence = seen.line(change), seen.licence(change)
    state = {
        "line": {name: line.get(name) for name in ("qty_order", "isinactive")},
        "licence": licence and {name: licence.get(name) for name in ("count", "is_active", "status", "end_date")},
    }
    text = json.dumps(state, default=str)
    return Entry(change, "claimed", f"about to write: {change.before} -> {change.after}", text)


def prove(sent: Sequence[Entry], before: Seen, after: Seen) -> tuple[list[Entry], str]:
    """Judge every write by what was read back; a difference nobody planned is the reason to stop."""
    changes = [e.change for e in sent]
    surprises: list[str] = []
    for invoice in sorted({c.recurring_invoice_id or 0 for c in changes}):
        own = [c for c in changes if c.recurring_invoice_id == invoice]
        found = verify.untouched(own, before.header(own[0]), after.header(own[0]))
        surprises += [f"recurring invoice {invoice}: {sentence}" for sentence in found]
    proved: list[Entry] = []
    for entry in sent:
        change = entry.change
        strange = _own_surprises(change, before, after)
        surprises += strange
        if strange:
            proved.append(Entry(change, "failed", "; ".join([entry.detail, *strange])))
        elif verify.reached(change, after.header(change), after.licence(change)):
            proved.append(Entry(change, "verified", f"{entry.detail}; read back as planned"))
        else:
            detail = f"{entry.detail}; read back: not as planned, the next run will plan it again"
            proved.append(Entry(change, "failed", detail))
    return proved, f"something changed in a way nobody planned: {'; '.join(surprises)}" if surprises else ""


def _own_surprises(change: Change, before: Seen, after: Seen) -> list[str]:
    found: list[str] = []
    old, new = before.licence(change), after.licence(change)
    if old is not None and new is not None:
        found += verify.licence_kept(change, old, new)
    planned = verify.LINE_FIELD.get(change.action)
    line = verify.lines_by_id(after.header(change)).get(change.line_id or 0)
    if planned and line is not None:
        was = before.line(change)
        # On a computed line qty_order is Halo's own echo of the licences.
        found += [
            s for s in verify.written_line_kept(was, line, planned) if verify.is_manual(was) or ": qty_order " not in s
        ]
    return found
