"""Counts with their nouns: `1 row`, `1,200 rows`. The only place that chooses between one and many."""

from __future__ import annotations


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return a number, with thousands separators, and the words for it. `many` is `one` with an s unless given.

    The words may go on after the noun, where a verb follows: `plural(n, "change waits", "changes wait")`.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
