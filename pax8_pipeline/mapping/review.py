"""Goes through suggestions one by one: accept, another candidate, skip, back, filter, undo.

Contains: where a person is and what was decided, without a terminal. Each acceptance is written at once, so that nothing
is lost when the review is stopped. Does not contain: keys and screen (`commands/mapping/review.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pax8_pipeline.mapping.names import fold
from pax8_pipeline.mapping.suggestion import Candidate, Suggestion
from pax8_pipeline.mapping.writing import FILES, Decision, remove_decision, write_decisions


def decision_of(suggestion: Suggestion, candidate: Candidate) -> Decision:
    """Return the decision that a candidate of a suggestion is right."""
    details, note = candidate.details, f"suggested with score {candidate.score}: {'; '.join(candidate.reasons)}"
    return Decision(
        suggestion.subject.kind,
        suggestion.subject.pax8_id,
        None if suggestion.subject.kind == "subscription" else candidate.halo_id,
        details.get("halo_recurring_invoice_id"),
        details.get("halo_line_id"),
        details.get("halo_licence_id"),
        note,
    )


@dataclass
class Review:
    """A review of suggestions that writes into the mapping files of `folder`.

    `step_in_pax8` gives what to do for a usage group, which is not written here.
    """

    suggestions: Sequence[Suggestion]
    folder: Path
    step_in_pax8: Callable[[Suggestion, Candidate], str]
    filter: str = ""
    _place: int = 0
    _decided: dict[str, Candidate] = field(default_factory=dict)
    _order: list[str] = field(default_factory=list)

    @property
    def remaining(self) -> list[Suggestion]:
        """The suggestions that are not decided yet and fit the filter."""
        return [s for s in self.suggestions if _key(s) not in self._decided and self._fits(s)]

    @property
    def accepted(self) -> int:
        """How many were accepted in this review and not undone."""
        return len(self._order)

    @property
    def current(self) -> Suggestion | None:
        """The suggestion to decide; None when none is left."""
        remaining = self.remaining
        return remaining[self._place % len(remaining)] if remaining else None

    @property
    def position(self) -> int:
        """The number of the current suggestion among the remaining ones, from 1."""
        return self._place % max(len(self.remaining), 1) + 1

    def accept(self, number: int = 1) -> str:
        """Write that candidate `number` of the current suggestion is right; return what was done, as a sentence.

        Raises ConfigError or PipelineError when the row cannot be written; then nothing is decided.
        """
        suggestion = self.current
        candidates = [] if suggestion is None else candidates_of(suggestion)
        if suggestion is None or not 1 <= number <= len(candidates):
            return f"there is no candidate {number}"
        candidate = candidates[number - 1]
        place = self._place % len(self.remaining)
        if suggestion.subject.kind == "usage_group":
            sentence = self.step_in_pax8(suggestion, candidate)
        else:
            write_decisions(self.folder, [decision_of(suggestion, candidate)])
            sentence = f"written to {self.folder / FILES[suggestion.subject.kind]}: {suggestion.subject.name}"
        self._decided[_key(suggestion)] = candidate
        self._order.append(_key(suggestion))
        self._place = place
        return sentence

    def move(self, steps: int) -> None:
        """Go to the next suggestion (1) or the one before (-1) without deciding."""
        remaining = len(self.remaining)
        self._place = (self._place + steps) % remaining if remaining else 0

    def set_filter(self, text: str) -> None:
        """Show only suggestions that contain the text, in any case and without accents; "" shows all."""
        self.filter = text.strip()
        self._place = 0

    def undo(self) -> str:
        """Take back the last acceptance of this review; return what was done, as a sentence."""
        if not self._order:
            return "there is nothing to undo"
        key = self._order.pop()
        del self._decided[key]
        suggestion = next(s for s in self.suggestions if _key(s) == key)
        if suggestion.subject.kind != "usage_group":
            remove_decision(self.folder, suggestion.subject.kind, suggestion.subject.pax8_id)
        remaining = [_key(s) for s in self.remaining]
        self._place = remaining.index(key) if key in remaining else self._place
        return f"undone: {suggestion.subject.name}"

    def _fits(self, suggestion: Suggestion) -> bool:
        text = " ".join((suggestion.subject.kind, suggestion.subject.name, suggestion.best.name))
        return fold(self.filter) in fold(text)


def candidates_of(suggestion: Suggestion) -> list[Candidate]:
    """Return the candidates in the order of their numbers: the best is 1."""
    return [suggestion.best, *suggestion.others]


def _key(suggestion: Suggestion) -> str:
    return f"{suggestion.subject.kind} {suggestion.subject.pax8_id}"
