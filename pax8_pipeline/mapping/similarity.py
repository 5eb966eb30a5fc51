"""Says how sure it is that two names are one company, from 0 to 100, with reasons in plain words.

Contains: comparing two names, and finding for each of many names the likely ones among many others. Does not contain:
other evidence (`clients`). Only names that are equal after spelling, order and legal form score above the floor: a
letter, a number or a place more may be another company.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from pax8_pipeline.mapping.names import Name, abbreviations, parse_names

_SAME = 97
_ORDER, _SPACES, _SHORT, _OTHER_NAME = 4, 4, 7, 6
_OTHER_FORM = 75
_ADDED_COMMON, _ADDED, _TYPO, _NUMBERS = 74, 55, 70, 30
_ALIKE = 65  # from this likeness of letters on a name is compared word by word
_NEAREST = 6
_FEW = 200_000  # pairs of texts that are compared one by one
_CELLS = 8_000_000  # bytes of one block of likenesses
# Words that many names have and that people leave out.
_COMMON = frozenset(
    [
        "group",
        "holdings",
        "services",
        "solutions",
        "enterprises",
        "associates",
        "partners",
        "company",
        "technology",
        "systems",
    ]
)


@dataclass(frozen=True)
class Likeness:
    """How like two names are: 0 to 100, and why."""

    score: int
    reasons: tuple[str, ...]


def compare(left: Name, right: Name) -> Likeness:
    """Return how sure it is that two names are one company."""
    if left.numbers != right.numbers:
        shown = f"{_shown(left.numbers)} and {_shown(right.numbers)}"
        return Likeness(_NUMBERS, (f"the numbers differ ({shown}): another branch or company",))
    found = _same_words(left, right) or _other_words(left, right)
    for note in dict.fromkeys((left.note, right.note)):
        if note:
            found = Likeness(found.score - _OTHER_NAME, (*found.reasons, note))
    if left.forms and right.forms and left.forms != right.forms and found.score > _OTHER_FORM:
        forms = f"{', '.join(sorted(left.forms))} and {', '.join(sorted(right.forms))}"
        return Likeness(_OTHER_FORM, (*found.reasons, f"the legal forms differ ({forms})"))
    return found


def _shown(numbers: Sequence[str]) -> str:
    return ", ".join(numbers) or "none"


def _same_words(left: Name, right: Name) -> Likeness | None:
    if not left.words or not right.words:
        return None
    if left.plain == right.plain:
        return Likeness(_SAME, ("the same name",))
    if left.words == right.words:
        return Likeness(_SAME - 1, ("the same name but for legal form, accents or punctuation",))
    if left.compact == right.compact:
        return Likeness(_SAME - _SPACES, ("the same letters with other spaces or hyphens",))
    if left.in_order != right.in_order:
        return None
    if sorted(left.words) == sorted(right.words):
        return Likeness(_SAME - _ORDER, ("the same words in another order",))
    only_left, only_right = _remaining(left.words, right.words)
    if not only_left and not only_right:
        return Likeness(_SAME - _SHORT, ("the same name with abbreviations or another spelling",))
    return None


def _other_words(left: Name, right: Name) -> Likeness:
    """Compare names of which some words differ."""
    only_left, only_right = _remaining(left.words, right.words)
    if not only_left and not only_right:
        return Likeness(_TYPO, ("the same words, with numbers or initials in another order",))
    if not only_left or not only_right:
        added = only_left or only_right
        if len(added) == len(left.words if only_left else right.words):
            return Likeness(0, ("no word in common",))
        words = " ".join(added)
        if set(added) <= _COMMON:
            return Likeness(_ADDED_COMMON, (f"only one of them says '{words}'",))
        return Likeness(_ADDED, (f"only one of them says '{words}': perhaps a branch, perhaps another company",))
    likeness = fuzz.ratio(left.key, right.key)
    shown = f"{' '.join(only_left)}, {' '.join(only_right)}"
    if len(only_left) == len(only_right) and all(_is_typo(a, b) for a, b in zip(only_left, only_right, strict=True)):
        return Likeness(_TYPO, (f"a letter or two differ ({shown})",))
    return Likeness(int(likeness * 0.55), (f"other words ({shown})",))


def _remaining(left: Sequence[str], right: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words that only one of two names has; an abbreviation and its word are one."""
    rest = list(right)
    only_left: list[str] = []
    for same in (_is_equal, _is_short_for):
        words = sorted(left) if same is _is_equal else only_left
        only_left = []
        for word in words:
            partner = next((other for other in rest if same(word, other)), None)
            if partner is None:
                only_left.append(word)
            else:
                rest.remove(partner)
    return only_left, sorted(rest)


def _is_equal(one: str, other: str) -> bool:
    return one == other


def _is_short_for(one: str, other: str) -> bool:
    return other in abbreviations().get(one, ()) or one in abbreviations().get(other, ())


def _is_typo(one: str, other: str) -> bool:
    return min(len(one), len(other)) > 3 and fuzz.ratio(one, other) >= 75


@dataclass(frozen=True)
class Match:
    """One of the names that were searched, by its place, with its likeness."""

    place: int
    likeness: Likeness


def best_matches(searched: Sequence[str], among: Sequence[str]) -> list[list[Match]]:
    """Return for each name the likely ones among others, the likeliest first.

    All pairs are compared by letters, which takes a second for four million; only the nearest are compared word by word.
    """
    left, right = _flat(searched), _flat(among)
    by_compact: dict[str, list[int]] = defaultdict(list)
    for number, (_, name) in enumerate(right):
        by_compact[name.compact].append(number)
    near = _nearest([name.key for _, name in left], [name.key for _, name in right])
    found: list[dict[int, Likeness]] = [{} for _ in searched]
    for (place, name), numbers in zip(left, near, strict=True):
        for number in {*numbers, *by_compact.get(name.compact, ())}:
            other_place, other = right[number]
            likeness = compare(name, other)
            known = found[place].get(other_place)
            if known is None or likeness.score > known.score:
                found[place][other_place] = likeness
    return [_ordered(likely) for likely in found]


def _ordered(likely: dict[int, Likeness]) -> list[Match]:
    return [Match(p, x) for p, x in sorted(likely.items(), key=lambda item: (-item[1].score, item[0]))]


def _flat(texts: Iterable[str]) -> list[tuple[int, Name]]:
    return [(place, name) for place, text in enumerate(texts) for name in parse_names(text) if name.words]


def _nearest(left: Sequence[str], right: Sequence[str]) -> list[list[int]]:
    """Return for each text the places of the texts that are nearest by letters."""
    if len(left) * len(right) <= _FEW:
        return [
            [
                place
                for _, _, place in process.extract(text, right, scorer=fuzz.ratio, limit=_NEAREST, score_cutoff=_ALIKE)
            ]
            for text in left
        ]
    import numpy  # takes as long as a hundred thousand pairs

    rows = max(1, _CELLS // len(right))
    nearest: list[list[int]] = []
    for start in range(0, len(left), rows):
        block = process.cdist(
            left[start : start + rows], right, scorer=fuzz.ratio, score_cutoff=_ALIKE, dtype=numpy.uint8
        )
        many = min(_NEAREST, len(right))
        top = numpy.argpartition(block, len(right) - many, axis=1)[:, -many:]
        for row, places in zip(block, top, strict=True):
            nearest.append([int(place) for place in places if row[place]])
    return nearest
