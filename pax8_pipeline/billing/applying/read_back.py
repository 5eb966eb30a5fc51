"""What is put on record before a write, and what a reading after it proves. Nothing is sent or read from here.

The comparisons are in `actions`, the order of steps in `group_writer`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pax8_pipeline.billing.actions import differences
from pax8_pipeline.billing.actions.action import TargetAction, line_members_allowed
from pax8_pipeline.billing.actions.target import Target, followed_licences
from pax8_pipeline.billing.applying.target_state import TargetState
from pax8_pipeline.billing.model import Entry, WriteStatus


@dataclass(frozen=True)
class SentWrite:
    """One action and what Halo answered to it. `contested`: its write met somebody else's. `shared`: others were in the
    same call."""

    action: TargetAction
    entry: Entry
    contested: bool = False
    shared: bool = False


@dataclass(frozen=True)
class ReadBack:
    """What a reading says of writes: a final entry for each, why the whole apply must stop ("" when it need not), and
    what others did meanwhile that is no fault of ours.
    """

    entries: list[Entry]
    surprise: str
    done_by_others: list[str]


def build_claim(action: TargetAction, before: TargetState) -> Entry:
    """Say what is about to be written, with all that an undo would need to know of the target."""
    change = action.change
    text = json.dumps(before.to_write(change).state_for_undo(), default=str)
    return Entry(change, "claimed", f"about to {action.label}: {change.before} -> {change.after}", text)


def verify_writes(sent: Sequence[SentWrite], before: TargetState, after: TargetState) -> ReadBack:
    """Decide on every write by what was read back; a difference nobody planned is the reason to stop."""
    surprises: list[str] = []
    others: dict[int, list[str]] = {}
    for invoice, own in _by_invoice(sent).items():
        headers = before.header(own[0].action.change), after.header(own[0].action.change)
        allowed = line_members_allowed(write.action for write in own)
        surprises += [f"recurring invoice {invoice}: {s}" for s in differences.unplanned(allowed, *headers)]
        others[invoice] = differences.done_by_others(*headers, sum(_line_saves(write, before) for write in own))
    entries: list[Entry] = []
    for write in sent:
        own_surprises = _own_surprises(write.action, before, after)
        surprises += own_surprises
        meanwhile = others[write.action.change.recurring_invoice_id or 0]
        detail = "; ".join([write.entry.detail, *(f"meanwhile {s}" for s in meanwhile)])
        entries.append(_final_entry(write, detail, own_surprises, before, after))
    return ReadBack(
        entries,
        f"something changed in a way nobody planned: {'; '.join(surprises)}" if surprises else "",
        [f"recurring invoice {i}: {s}" for i, found in others.items() for s in found],
    )


def sharing_failed(
    sent: Sequence[SentWrite], refused_together: Sequence[Sequence[TargetAction]], entries: Sequence[Entry]
) -> bool:
    """Return whether Halo did not take several writes in one call: it accepted the call and left some out, or refused
    the call and then accepted each of them alone."""
    verified = {entry.change.row_id for entry in entries if entry.state == "verified"}
    left_out = any(
        write.shared and write.entry.state == "sent" and write.action.change.row_id not in verified for write in sent
    )
    return left_out or any(all(a.change.row_id in verified for a in part) for part in refused_together)


def name_repeated_failures(entries: Sequence[Entry], history: Callable[[str], Sequence[WriteStatus]]) -> list[Entry]:
    """Return the entries; a failed one says how often the same write failed before: it must not look new each night."""
    found = []
    for entry in entries:
        earlier = 0
        if entry.state == "failed":
            earlier = sum(1 for status in history(entry.change.row_id) if status.state == "failed")
        again = f"the same write failed in {earlier} earlier plans, so a person has to look"
        found.append(replace(entry, detail=f"{entry.detail}; {again}") if earlier else entry)
    return found


def _by_invoice(sent: Sequence[SentWrite]) -> Mapping[int, list[SentWrite]]:
    groups: dict[int, list[SentWrite]] = {}
    for write in sent:
        groups.setdefault(write.action.change.recurring_invoice_id or 0, []).append(write)
    return dict(sorted(groups.items()))


def _final_entry(
    write: SentWrite, detail: str, own_surprises: Collection[str], before: TargetState, after: TargetState
) -> Entry:
    change = write.action.change
    if own_surprises:
        return Entry(change, "failed", "; ".join([detail, *own_surprises]))
    if write.action.reached(after.target(change)):
        return Entry(change, "verified", f"{detail}; read back as planned")
    if write.contested:
        return Entry(change, "drifted", f"{detail}; changed under us, the next run plans it again")
    return Entry(change, "failed", f"{detail}; {_not_reached(write, before, after)}")


def _not_reached(write: SentWrite, before: TargetState, after: TargetState) -> str:
    old, new = before.target(write.action.change), after.target(write.action.change)
    if write.entry.state == "sent" and _same_licence(old, new) and _same_line(old, new):
        return (
            "Halo took the write and changed nothing (read back: all as before); the next run plans it again. If that "
            "repeats, look in Halo what keeps this field from being changed"
        )
    return "read back: not as planned, the next run will plan it again"


def _same_licence(old: Target, new: Target) -> bool:
    if old.licence is None or new.licence is None:
        return old.licence is new.licence
    return not differences.licence_differences(old.licence, new.licence)


def _same_line(old: Target, new: Target) -> bool:
    if old.line is None or new.line is None:
        return False
    same_links = followed_licences(old.line) == followed_licences(new.line)
    return same_links and not differences.line_differences(old.line, new.line)


def _line_saves(write: SentWrite, before: TargetState) -> int:
    """Return how many savings of its recurring invoice a write made at most: one for each line that it sent."""
    if write.entry.state == "failed":
        return 0
    return sum(call.kind == "line" for call in write.action.calls(before.target(write.action.change)))


def _own_surprises(action: TargetAction, before: TargetState, after: TargetState) -> list[str]:
    """Say what of the written licence and line changed beside what the action may change."""
    old, new = before.target(action.change), after.target(action.change)
    found: list[str] = []
    if old.licence is not None and new.licence is not None:
        found += differences.licence_differences(old.licence, new.licence, action.licence_may_change)
    if action.line_member and old.line is not None and new.line is not None:
        found += differences.written_line_differences(old.line, new.line, action.line_member)
    return found
