"""What was seen of the targets before and after a write, and what that proves. Nothing is sent or read from here.

Here belongs: one reading of a group of targets, the claim that is put on record, the verdict on each write. Not here:
the comparisons themselves (`verify`), the order of steps (`apply`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pax8_pipeline.billing.actions import verify
from pax8_pipeline.billing.actions.verify import Object
from pax8_pipeline.billing.model import Change, Entry, Standing


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


@dataclass(frozen=True)
class Proof:
    """What a reading says of writes: a final entry for each, why the whole apply must stop ("" when it need not), and
    what others did meanwhile that is no fault of ours.
    """

    entries: list[Entry]
    surprise: str
    noticed: list[str]

    def with_history(self, standing: Callable[[str], Sequence[Standing]]) -> Proof:
        """Return the same, but a failed write says how often the same one failed before: it must not look new each night."""

        def told(entry: Entry) -> Entry:
            earlier = sum(1 for s in standing(entry.change.row_id) if s.state == "failed")
            if entry.state != "failed" or not earlier:
                return entry
            again = f"the same write failed in {earlier} earlier plans, so a person has to look"
            return replace(entry, detail=f"{entry.detail}; {again}")

        return replace(self, entries=[told(entry) for entry in self.entries])


def prove(sent: Sequence[Entry], before: Seen, after: Seen, contested: Collection[str] = ()) -> Proof:
    """Judge every write by what was read back; a difference nobody planned is the reason to stop.

    `contested`: rows whose write met somebody else's. Not as planned, they count as changed under us.
    """
    changes = [e.change for e in sent]
    surprises: list[str] = []
    noticed: dict[int, list[str]] = {}
    for invoice in sorted({c.recurring_invoice_id or 0 for c in changes}):
        own = [c for c in changes if c.recurring_invoice_id == invoice]
        headers = before.header(own[0]), after.header(own[0])
        surprises += [f"recurring invoice {invoice}: {s}" for s in verify.untouched(own, *headers)]
        noticed[invoice] = verify.noticed(*headers, sum(_saves(e, before) for e in sent if e.change in own))
    proved: list[Entry] = []
    for entry in sent:
        change = entry.change
        strange = _own_surprises(change, before, after)
        surprises += strange
        also = noticed.get(change.recurring_invoice_id or 0, [])
        told = "; ".join([entry.detail, *(f"meanwhile {s}" for s in also)])
        if strange:
            proved.append(Entry(change, "failed", "; ".join([told, *strange])))
        elif verify.reached(change, after.header(change), after.licence(change)):
            proved.append(Entry(change, "verified", f"{told}; read back as planned"))
        elif change.row_id in contested:
            proved.append(Entry(change, "drifted", f"{told}; changed under us, the next run plans it again"))
        else:
            proved.append(Entry(change, "failed", f"{told}; {_not_reached(entry, before, after)}"))
    return Proof(
        proved,
        f"something changed in a way nobody planned: {'; '.join(surprises)}" if surprises else "",
        [f"recurring invoice {i}: {s}" for i, found in noticed.items() for s in found],
    )


def _not_reached(entry: Entry, before: Seen, after: Seen) -> str:
    change = entry.change
    old, new = before.licence(change), after.licence(change)
    same_licence = old == new or (old is not None and new is not None and not verify.licence_differs(change, old, new))
    if entry.state == "sent" and same_licence and verify.unchanged(change, before.header(change), after.header(change)):
        return (
            "Halo took the write and changed nothing (read back: all as before); the next run plans it again. If that "
            "repeats, look in Halo what keeps this field from being changed"
        )
    return "read back: not as planned, the next run will plan it again"


def _saves(entry: Entry, before: Seen) -> int:
    """Return how many savings of its recurring invoice a write made at most: one where it sent a line."""
    change = entry.change
    planned = verify.LINE_FIELD.get(change.action)
    if entry.state == "failed" or planned is None:
        return 0
    return int(planned == "qty_order" or bool(before.line(change).get("isinactive")) != change.ends)


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
