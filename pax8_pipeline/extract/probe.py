"""What the probes of both vendors share: single reads, the members that rows have, and questions that may fail.

A probe only reads, a few pages and single records. The questions are in `probe_pax8` and `probe_halo`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from pax8_pipeline.errors import VendorError

Row = Mapping[str, Any]
Result = TypeVar("Result")


class RawReader(Protocol):
    """A client that reads one answer as the vendor sends it."""

    def raw(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Return the JSON of one GET."""

    @property
    def limit_headers(self) -> tuple[str, ...]:
        """Names of the headers about a limit that answers had."""


class Problems:
    """The questions that could not be answered, with the reason; it is shown, and never stored."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def ask(self, question: Callable[[], Result], otherwise: Result) -> Result:
        """Return the answer; `otherwise` when the vendor did not answer."""
        try:
            return question()
        except VendorError as error:
            self.sentences.append(str(error))
            return otherwise


def missing_members(rows: Sequence[Row], expected: Iterable[str]) -> tuple[str, ...]:
    """Return the expected members that no row has; () without rows, which show nothing."""
    if not rows:
        return ()
    present = {name for row in rows for name in row}
    return tuple(name for name in expected if name not in present)


def without_empty(lists: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the lists that have something."""
    return {name: members for name, members in lists.items() if members}


def id_of(value: Any) -> str:
    """Return an id in the form in which ids are compared; "" for anything else."""
    return value.strip().lower() if isinstance(value, str) else ""
