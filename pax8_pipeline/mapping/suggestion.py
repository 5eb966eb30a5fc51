"""What `mapping suggest` proposes: for one thing of Pax8 the likeliest thing of Halo, how sure that is, and why.

Contains: choosing among candidates, with the rules for two candidates that are nearly as likely and for one thing of Halo
that is likely for two of Pax8. Does not contain: where candidates come from (`clients`, `subscriptions`, `items`,
`usage_groups`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["client", "subscription", "item", "usage_group"]
KINDS: tuple[Kind, ...] = ("client", "subscription", "item", "usage_group")

# From this score on a suggestion is one that a person can accept after a glance; below it, it is a hint.
FLOOR = 80
# Two candidates whose scores are no further apart are nearly as likely.
MARGIN = 8
_UNDECIDED, _TAKEN = 50, 45
_SHOWN = 9  # the best and eight others: a digit for each in `mapping review`
_LEAST = 40  # what is less likely is no suggestion


@dataclass(frozen=True)
class Candidate:
    """One thing of Halo that may be the one. `halo_id` is what `mapping accept` names; `details` are its other ids."""

    halo_id: int | None
    name: str
    score: int
    reasons: tuple[str, ...]
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int | None, bool]:
        """What it is compared by: a licence and a line may have the same number."""
        return self.halo_id, self.details.get("halo_licence_id") is None


@dataclass(frozen=True)
class Subject:
    """One thing of Pax8 without a mapping, and its money a month in one currency (None where not known)."""

    kind: Kind
    pax8_id: str
    name: str
    money: Decimal | None = None
    currency: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Suggestion:
    """The likeliest candidate for a subject, and the next ones."""

    subject: Subject
    best: Candidate
    others: tuple[Candidate, ...] = ()

    @property
    def runner_up(self) -> Candidate | None:
        """The next candidate; None when there is no other one."""
        return self.others[0] if self.others else None

    @property
    def is_sure(self) -> bool:
        """True when its score is at least the floor."""
        return self.best.score >= FLOOR


def shown(candidate: Candidate) -> str:
    """Return a candidate as messages name it: its id and name."""
    return f"{candidate.halo_id} '{candidate.name}'" if candidate.halo_id is not None else f"'{candidate.name}'"


Candidates = Mapping[str, Sequence[Candidate]]


def choose(
    subjects: Sequence[Subject], candidates: Candidates, taken: Mapping[int, str] | None = None, *, shared: bool = False
) -> list[Suggestion]:
    """Return a suggestion for each subject that has a likely candidate, the most money first.

    `candidates`: by the subject's id. `taken`: what is mapped to something else already, with its name. `shared`: one
    thing of Halo may stand for several of Pax8, as an item does.
    """
    ordered = {s.pax8_id: _ordered(candidates.get(s.pax8_id, ()), taken or {}) for s in subjects}
    wanted = {} if shared else _wanted(subjects, ordered)
    found = []
    for subject in subjects:
        likely = ordered[subject.pax8_id]
        if not likely or likely[0].score < _LEAST:
            continue
        best = _against_runner_up(subject, likely, wanted)
        best = _against_others(subject, best, wanted)
        found.append(Suggestion(subject, best, tuple(likely[1:_SHOWN])))
    return sorted(found, key=lambda s: (-(s.subject.money or Decimal(0)), s.subject.name, s.subject.pax8_id))


def _ordered(likely: Sequence[Candidate], taken: Mapping[int, str]) -> list[Candidate]:
    scored = [
        c if c.halo_id is None or c.halo_id not in taken
        else _with_limit(c, _TAKEN, f"it stands for {taken[c.halo_id]} already")
        for c in likely
    ]  # fmt: skip
    return sorted(scored, key=lambda c: (-c.score, c.halo_id or 0, c.name))


def _with_limit(candidate: Candidate, limit: int, reason: str) -> Candidate:
    return replace(candidate, score=min(candidate.score, limit), reasons=(*candidate.reasons, reason))


Wanted = Mapping[tuple[int | None, bool], Sequence[tuple[int, Subject]]]


def _wanted(subjects: Sequence[Subject], ordered: Mapping[str, Sequence[Candidate]]) -> Wanted:
    """Return, for each thing of Halo, the subjects that it is the likeliest one for, with their scores, best first."""
    wanted: dict[tuple[int | None, bool], list[tuple[int, Subject]]] = defaultdict(list)
    for subject in subjects:
        for candidate in ordered[subject.pax8_id][:1]:
            if candidate.score >= _LEAST:
                wanted[candidate.key].append((candidate.score, subject))
    return {key: sorted(pairs, key=lambda pair: (-pair[0], pair[1].pax8_id)) for key, pairs in wanted.items()}


def _against_runner_up(subject: Subject, likely: Sequence[Candidate], wanted: Wanted) -> Candidate:
    """Limit the score when another candidate is nearly as likely, unless that one fits another subject better."""
    best = likely[0]
    for other in likely[1:]:
        if best.score - other.score > MARGIN:
            break
        better = [s for score, s in wanted.get(other.key, ()) if score > other.score and s.pax8_id != subject.pax8_id]
        if not better:
            reason = f"{shown(other)} is nearly as likely ({other.score})"
            return _with_limit(best, _UNDECIDED, reason)
    return best


def _against_others(subject: Subject, best: Candidate, wanted: Wanted) -> Candidate:
    """Limit the score when the same thing of Halo is as likely for another subject, or likelier."""
    rivals = [(score, s) for score, s in wanted.get(best.key, ()) if s.pax8_id != subject.pax8_id]
    if not rivals:
        return best
    score, rival = rivals[0]
    own = next(score for score, s in wanted[best.key] if s.pax8_id == subject.pax8_id)
    if own - score > MARGIN:
        return replace(best, reasons=(*best.reasons, f"less likely it is {rival.name} ({rival.pax8_id}, {score})"))
    limit = _TAKEN if score - own > MARGIN else _UNDECIDED
    return _with_limit(best, limit, f"it is suggested for {rival.name} ({rival.pax8_id}) too")
