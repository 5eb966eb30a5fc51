"""Takes company names apart: words without accents and punctuation, legal form, numbers, former names.

Contains: `parse_names` and the tables beside it (legal_forms.csv, abbreviations.csv). Does not contain: how like two
names are (`similarity`).
"""

from __future__ import annotations

import csv
import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Name:
    """One name, taken apart.

    `plain`: in small letters, as written. `words`: what identifies the company, without legal form and connecting words.
    `forms`: families of its legal forms. `numbers`: the words that count or number (a branch, a store), as digits.
    `note`: how it was derived from the text, for people; empty for the name itself.
    """

    plain: str
    words: tuple[str, ...]
    forms: frozenset[str]
    numbers: tuple[str, ...]
    note: str = ""

    @property
    def compact(self) -> str:
        """The words without spaces."""
        return "".join(self.words)

    @property
    def in_order(self) -> tuple[str, ...]:
        """The words whose order says something: numbers, and initials."""
        return tuple(word for word in self.words if len(word) == 1 or _is_number(word))

    @property
    def key(self) -> str:
        """The words in alphabetical order, shortened where there is an abbreviation: equal for names that differ in order
        and abbreviations only.
        """
        short = _short_words()
        return " ".join(sorted(short.get(word, word) for word in self.words))


# Between two names of one company: "New Name (formerly Old Name)", "Owner trading as Shop".
_OTHER_NAME = re.compile(
    r"\b(?:formerly(?: known as)?|previously|f/?k/?a|n/?k/?a|a/?k/?a|also known as|d/?b/?a|doing business as|t/a|"
    r"trading as|vormals|ehemals|anciennement|antes)\b[\s:.]*",
    re.IGNORECASE,
)
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ŧ": "t", "ħ": "h"}
)
# Two ways to write these without the sign: ä is a or ae.
_WITH_E = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_APOSTROPHES = re.compile(r"(?<=\w)['’‘`´ʼ]")
_DOTTED = re.compile(r"(?<!\w)(?:[^\W\d_][./]){1,}[^\W\d_]?(?!\w)")
_WORD = re.compile(r"[^\W_]+")
_CONNECTING = frozenset(("the", "and", "und", "et", "og", "och", "of"))
_COUNTS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10", "first": "1st", "second": "2nd", "third": "3rd",
}  # fmt: skip
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_LONGEST_FORM = 5


def parse_names(text: str) -> tuple[Name, ...]:
    """Return the names that a text contains, the first one as written: also former and trading names, and spellings
    of ä, ö, ü with an e. Never empty; of a text without letters the name has no words.
    """
    parts = [part.strip(" ()[],;-") for part in _OTHER_NAME.split(text)]
    parts = [part for part in parts if part] or [text]
    names = [_parse(parts[0])]
    names += [replace(_parse(part), note="another or former name") for part in parts[1:]]
    for part in list(parts):
        spelt = unicodedata.normalize("NFC", part).casefold().translate(_WITH_E)
        if spelt != unicodedata.normalize("NFC", part).casefold():
            names.append(replace(_parse(spelt), note="ä, ö or ü written with e"))
    return tuple(names)


def _parse(text: str) -> Name:
    plain = " ".join(unicodedata.normalize("NFKC", html.unescape(text)).casefold().split())
    folded = fold(plain)
    words = [word for word in _WORD.findall(_joined(folded)) if word not in _CONNECTING] or _WORD.findall(folded)
    rest, forms = _without_forms(words)
    counted = [_as_number(word, place) for place, word in enumerate(rest)]
    numbers = tuple(sorted(word for word in counted if _is_number(word)))
    return Name(plain, tuple(counted), frozenset(forms), numbers)


def fold(text: str) -> str:
    """Return text in small letters without accents; ß is ss, ø is o."""
    base = text.casefold().translate(_LETTERS)
    return "".join(letter for letter in unicodedata.normalize("NFKD", base) if not unicodedata.combining(letter))


def _joined(text: str) -> str:
    """Join what punctuation parts only for the eye: O'Brien, I.B.M., A/S."""
    text = _APOSTROPHES.sub("", text).replace("&", " and ").replace("+", " and ")
    return _DOTTED.sub(lambda found: found[0].replace(".", "").replace("/", "") + " ", text)


def _without_forms(words: Sequence[str]) -> tuple[list[str], set[str]]:
    """Return the words without legal forms at the end (and at the beginning where a country puts them there)."""
    rest, found = list(words), set()
    while taken := _form_at_end(rest):
        length, family = taken
        rest = rest[:-length]
        found.add(family)
    first = legal_forms().get(rest[0]) if len(rest) > 1 else None
    if first and first[1]:
        rest = rest[1:]
        found.add(first[0])
    return rest, found - {""}


def _form_at_end(words: Sequence[str]) -> tuple[int, str] | None:
    for length in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
        form = legal_forms().get("".join(words[-length:]))
        if form is not None:
            return length, form[0]
    return None


def _is_number(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _as_number(word: str, place: int) -> str:
    if word.isdigit():
        return word.lstrip("0") or "0"
    return _COUNTS.get(word) or (_ROMAN.get(word) if place else None) or word


@cache
def legal_forms() -> dict[str, tuple[str, bool]]:
    """Return legal forms without spaces: the family that each belongs to, and whether it may stand first."""
    return {row["form"].replace(" ", ""): (row["family"], row["first"] == "yes") for row in _rows("legal_forms.csv")}


@cache
def abbreviations() -> dict[str, tuple[str, ...]]:
    """Return the words that each abbreviation or other spelling stands for."""
    return {row["short"]: tuple(row["words"].split()) for row in _rows("abbreviations.csv")}


@cache
def _short_words() -> dict[str, str]:
    """Return one abbreviation for each word that has some, and for its other abbreviations."""
    short: dict[str, str] = {}
    for abbreviation, words in abbreviations().items():
        shortest = next((short[word] for word in words if word in short), short.get(abbreviation, abbreviation))
        short.update({word: short.get(word, shortest) for word in (abbreviation, *words)})
    return short


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files("pax8_pipeline.mapping").joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
