"""Says in plain words what is wrong with a value in a YAML file, and what to write instead. The files' own types and
checks are in `policy` and `tenant_answers`; whatever they raise themselves is a sentence already.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

# By the name of the key; the others say what their pattern is.
_PATTERNS = {
    "first_month": "write a month as yyyy-mm, such as 2026-08",
    "history_from": "write a month as yyyy-mm, such as 2024-01",
    "default_currency": "write the three letters of a currency, such as USD",
    "licence_id_field": "write the name of one member of a Halo licence, such as snowid",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "{} or more"),
    "less_than_equal": ("le", "{} or less"),
    "greater_than": ("gt", "more than {}"),
    "less_than": ("lt", "less than {}"),
}
_KINDS = {
    "bool": "write true or false",
    "string": "write text; put it into quotes",
    "int": "write a whole number, digits only",
    "float": "write a number with digits and one dot",
    "decimal": "write a number with digits and one dot",
    "date": "write a day as yyyy-mm-dd, such as 2026-08-06",
    "tuple": "write a list, such as [a, b]",
    "list": "write a list, such as [a, b]",
    "dict": "write `key: value` lines below it",
    "mapping": "write `key: value` lines below it",
    "model": "write `key: value` lines below it",
}


def key_of(error: Mapping[str, Any]) -> str:
    """Return the path of the key, such as trust.default."""
    return ".".join(str(part) for part in error["loc"] if part != "[key]")


def reason(error: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, and what to write."""
    kind, found = str(error["type"]), error["input"]
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "missing":
        return "is missing; add it"
    if kind == "literal_error":
        return f"{found!r} is not one of its values; write {error['ctx']['expected']}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"{found} is out of bounds; write {words.format(error['ctx'][name])}"
    if kind == "string_pattern_mismatch":
        remedy = _PATTERNS.get(str(error["loc"][-1]), f"write text of the form {error['ctx']['pattern']}")
        return f"{found!r} cannot be used; {remedy}"
    remedy = next((words for name, words in _KINDS.items() if kind.startswith(name)), "")
    return f"{_short(found)} cannot be used; {remedy}" if remedy else f"{error['msg']} (found {_short(found)})"


def unknown_key(key: str, known: Collection[str], where: str) -> str:
    """Return what to do about a key that does not exist: the one that is most like it, and where all of them are."""
    like = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.75)
    return f"unknown key; {f'is {like[0]} meant? ' if like else ''}{where}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
