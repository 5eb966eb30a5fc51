"""Puts the changes of an apply into groups that are read, claimed, written and read back together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pax8_pipeline.billing.actions.action import Action, DocumentAction, TargetAction
from pax8_pipeline.billing.model import Entry

WAVE_ABOVE = 100  # so many writes that can share a call, and they go in waves
WAVE = 350  # how many share one reading of the lists
PER_CALL = 25  # how many share one write


@dataclass(frozen=True)
class Batches:
    """The groups of an apply in the order in which they are written: recurring invoices, waves, then documents."""

    targets: list[list[TargetAction]]
    documents: list[DocumentAction]


@dataclass(frozen=True)
class WrittenGroup:
    """The final entry of each change of a group, why the whole apply must stop ("" when it need not), and what others
    did meanwhile that a person should know."""

    entries: list[Entry]
    stop: str = ""
    done_by_others: Sequence[str] = ()


def make_batches(actions: Sequence[Action]) -> Batches:
    """Make one group for each recurring invoice; on a big night the writes that can share a call go in waves instead.

    Alone, a change takes five calls, and Halo allows 300 in five minutes. Lines are never sent in waves.
    """
    documents = [action for action in actions if isinstance(action, DocumentAction)]
    targets = [action for action in actions if isinstance(action, TargetAction)]
    sharing = [action for action in targets if action.shares_calls]
    if len(sharing) <= WAVE_ABOVE:
        return Batches(_by_recurring_invoice(targets), documents)
    waves = [sharing[n : n + WAVE] for n in range(0, len(sharing), WAVE)]
    alone = [action for action in targets if not action.shares_calls]
    return Batches([*_by_recurring_invoice(alone), *waves], documents)


def is_wave(actions: Sequence[TargetAction]) -> bool:
    """Return whether a group spans several recurring invoices."""
    return len({action.change.recurring_invoice_id for action in actions}) > 1


def _by_recurring_invoice(actions: Sequence[TargetAction]) -> list[list[TargetAction]]:
    groups: dict[int | None, list[TargetAction]] = defaultdict(list)
    for action in actions:
        groups[action.change.recurring_invoice_id].append(action)
    return list(groups.values())
