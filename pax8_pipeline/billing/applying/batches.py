"""Puts the changes of an apply into groups that are read, claimed, written and read back together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pax8_pipeline.billing.actions.action import Action, DocumentAction, TargetAction
from pax8_pipeline.billing.actions.creation import CreationAction
from pax8_pipeline.billing.model import Entry

# How many writes share one call. It starts with the first and goes on to the next while all went as planned.
SIZES = (1, 4, 16, 50)
PER_READING = 350  # how many writes of the largest size share one reading before and one after them


@dataclass(frozen=True)
class WrittenGroup:
    """The final entry of each change of a group, why the whole apply must stop ("" when it need not), what others did
    meanwhile that a person should know, and whether the cause of a failure was that several writes shared a call."""

    entries: list[Entry]
    stop: str = ""
    done_by_others: Sequence[str] = ()
    sharing_failed: bool = False

    @property
    def as_planned(self) -> bool:
        """Whether everything that was sent took effect. What was not sent, because it had drifted, says nothing."""
        return not (self.stop or self.sharing_failed) and all(
            entry.state in ("verified", "drifted") for entry in self.entries
        )


@dataclass
class BatchSize:
    """How many writes share a call: it grows while they succeed in this run, and one surprise brings it back to 1.

    A size that Halo did not take is not tried again in this run. The documents do not say how many elements Halo takes
    (docs/vendors/halo.md#writing), so each run finds out with few writes.
    """

    _level: int = 0  # the place in SIZES; one past the last means that the largest size has succeeded
    _highest: int = field(default_factory=lambda: len(SIZES))

    @property
    def per_call(self) -> int:
        """How many writes share one call now."""
        return SIZES[min(self._level, len(SIZES) - 1)]

    @property
    def per_reading(self) -> int:
        """How many writes share one reading now: one call's worth until the largest size has succeeded."""
        return PER_READING if self._level == len(SIZES) else self.per_call

    @property
    def proven(self) -> int:
        """How many writes shared a call that succeeded, at most; 0 when none did."""
        return SIZES[self._level - 1] if self._level else 0

    def learn(self, written: WrittenGroup) -> None:
        """Take the next size after a group that went as planned, else go back to single writes."""
        if written.as_planned:
            self._level = min(self._level + 1, self._highest)
        else:
            if written.sharing_failed:
                self._highest = max(min(self._level, len(SIZES) - 1) - 1, 0)
            self._level = 0


@dataclass(frozen=True)
class Batches:
    """The changes of an apply in the order in which they are written.

    `alone`: one group for each recurring invoice. `sharing`: those that may share calls, ordered by recurring invoice.
    `creations`: what is new, in the order in which one needs the other.
    """

    alone: list[list[TargetAction]]
    sharing: list[TargetAction]
    creations: list[CreationAction]
    documents: list[DocumentAction]

    def shared_groups(self, size: BatchSize) -> Iterator[list[TargetAction]]:
        """Cut `sharing` into groups of one reading. `size` is asked before each, so that it may learn from the group before.

        A last call that is no larger than one that succeeded shares the reading of the call before.
        """
        start = 0
        while start < len(self.sharing):
            end = start + size.per_reading
            if len(self.sharing) - end <= size.proven:
                end = len(self.sharing)
            yield self.sharing[start:end]
            start = end

    def document_groups(self, size: BatchSize) -> Iterator[list[DocumentAction]]:
        """Cut `documents` into groups of one call. `size` is asked before each, so that it may learn from the group before."""
        start = 0
        while start < len(self.documents):
            end = start + size.per_call
            yield self.documents[start:end]
            start = end


def make_batches(actions: Sequence[Action]) -> Batches:
    """Sort the changes by how they are written. Alone, a change takes five calls, and Halo allows 300 in five minutes."""
    targets = [action for action in actions if isinstance(action, TargetAction)]
    return Batches(
        alone=_by_recurring_invoice([action for action in targets if not action.shares_calls]),
        sharing=[a for group in _by_recurring_invoice([a for a in targets if a.shares_calls]) for a in group],
        creations=sorted((a for a in actions if isinstance(a, CreationAction)), key=lambda action: action.turn),
        documents=[action for action in actions if isinstance(action, DocumentAction)],
    )


def _by_recurring_invoice(actions: Sequence[TargetAction]) -> list[list[TargetAction]]:
    groups: dict[int | None, list[TargetAction]] = defaultdict(list)
    for action in actions:
        groups[action.change.recurring_invoice_id].append(action)
    # A new licence is taken back after the line that follows it: until then the line bills what it did.
    alone = groups.pop(None, [])
    return [*groups.values(), *([action] for action in alone)]
