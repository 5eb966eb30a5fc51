"""What a search says of a new client, licence or line: found before it was made, made as planned, or made wrong.

Searching and sending are in `creations`; one thing is compared with the plan in `actions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.creation import CreationAction, HaloReading
from pax8_pipeline.billing.model import Entry


@dataclass(frozen=True)
class CreationResult:
    """The final entry of a creation, why the whole apply must stop ("" when it need not), and what others did."""

    entry: Entry
    stop: str = ""
    done_by_others: list[str] = field(default_factory=list)


def found_before(action: CreationAction, found: Sequence[Object], *, ours: bool) -> tuple[Entry, str]:
    """What our own lost write left behind is adopted; what anybody else made is for a person."""
    named = name_all(action, found)
    if len(found) > 1:
        sentence = _more_than_one(action, found)
        return Entry(action.change, "drifted", f"{sentence}; nothing was made"), sentence
    wrong = action.differences(found[0])
    if ours and not wrong:
        return Entry(action.change, "verified", f"found already in Halo as {named}"), ""
    detail = "; ".join([f"Halo has it already: {named}; nothing was made", *wrong])
    return Entry(action.change, "drifted", detail), ""


def compare(
    sent: Entry, action: CreationAction, made_id: int | None, before: HaloReading, after: HaloReading
) -> CreationResult:
    """Decide by what Halo shows: exactly one thing with the key, as planned, and nothing else changed."""
    change, found = sent.change, action.find(after)
    if len(found) > 1:
        sentence = _more_than_one(action, found)
        return CreationResult(Entry(change, "duplicate", f"{sent.detail}; {sentence}"), sentence)
    if not found:
        return _not_shown(sent, action, made_id)
    (made,) = found
    named = action.describe(made)
    if sent.state == "failed":
        sentence = f"Halo refused it and shows {named} all the same; it is left to a person"
        return CreationResult(Entry(change, "failed", f"{sent.detail}; {sentence}"), sentence)
    wrong = [f"{named} is not as planned: {sentence}" for sentence in action.differences(made)]
    wrong += [f"something changed in a way nobody planned: {s}" for s in action.unplanned(before, after, made)]
    if made_id not in (None, made.get("id")):
        wrong.append(f"Halo's answer named {made_id}, and {named} carries the id")
    if wrong:
        sentence = "; ".join([*wrong, "it is left to a person"])
        return CreationResult(Entry(change, "failed", f"{sent.detail}; {sentence}"), sentence)
    others = action.done_by_others(before, after, made)
    how = "found in Halo as" if sent.state == "unknown" else "read back as planned:"
    detail = "; ".join([f"{sent.detail}; {how} {named}", *(f"meanwhile {s}" for s in others)])
    return CreationResult(Entry(change, "verified", detail), "", others)


def _not_shown(sent: Entry, action: CreationAction, made_id: int | None) -> CreationResult:
    if sent.state == "failed":
        return CreationResult(sent)
    if sent.state == "unknown":
        detail = f"{sent.detail}; not in Halo so far, the next run looks again"
        return CreationResult(Entry(sent.change, "unknown", detail))
    sentence = (
        f"Halo took the {action.makes} with the id {action.key} ({made_id or 'no number told'}) and does not show it"
    )
    return CreationResult(Entry(sent.change, "unknown", f"{sent.detail}; {sentence}"), sentence)


def name_all(action: CreationAction, found: Sequence[Object]) -> str:
    """Name several things for a person."""
    return ", ".join(action.describe(one) for one in found)


def id_of(reply: Any) -> int | None:
    """Return the number in Halo's reply to a creation, None when it has none."""
    saved = getattr(reply, "saved", None)
    number = saved.get("id") if isinstance(saved, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else None


def _more_than_one(action: CreationAction, found: Sequence[Object]) -> str:
    return f"more than one {action.makes} in Halo stands for {action.key}: {name_all(action, found)}"
