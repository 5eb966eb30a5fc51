"""Finds the Halo client or the Pax8 company that a name means.

Contains: comparing names. Does not contain: ids (`find.sql`) and histories (`history`). A name is only a way to find
an id on the command line; billing never goes by names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

_NEAREST = 5
_ALIKE = 0.6


@dataclass(frozen=True)
class Named:
    """A client of Halo or a company of Pax8. `matched_client_id`: the client that the company is matched with."""

    kind: str
    id: str
    name: str
    matched_client_id: str | None
    subscriptions: int


def load_names(connection: Connection, kind: str | None = None) -> list[Named]:
    """Return all clients and companies that have a name, or only those of one kind."""
    rows = dicts(connection.execute(load_sql("reports/explain/names.sql")))
    return [Named(**row) for row in rows if kind in (None, row["kind"])]


def named(names: Sequence[Named], wanted: str) -> list[Named]:
    """Return those with exactly the name `wanted`; where there are none, those whose name contains it.

    Upper and lower case count as equal, and so do blanks. A company that is matched with a client of the result is
    left out: the history of the client includes it.
    """
    text = _comparable(wanted)
    if not text:
        return []
    found = [n for n in names if _comparable(n.name) == text] or [n for n in names if text in _comparable(n.name)]
    clients = {n.id for n in found if n.kind == "client"}
    return [n for n in found if n.matched_client_id not in clients]


def nearest(names: Sequence[Named], wanted: str) -> list[str]:
    """Return the names that are most like `wanted`, the most similar first."""
    text = _comparable(wanted)
    scores = {n.name: _likeness(text, _comparable(n.name)) for n in names} if text else {}
    alike = sorted((name for name, score in scores.items() if score >= _ALIKE), key=lambda name: -scores[name])
    return alike[:_NEAREST]


def _comparable(name: str) -> str:
    return " ".join(name.casefold().split())


def _likeness(wanted: str, name: str) -> float:
    """Compare with the whole name, with its beginning and with each word: people type a part of a name."""
    parts = {name, name[: len(wanted)], *name.split()}
    return max(SequenceMatcher(None, wanted, part).ratio() for part in parts)
