"""Reads the history of the subscriptions whose month row it could explain: only those, at most so many, and not again
while nothing changed.

Which rows it could explain is decided by SQL (`warehouse/sql/monthly/rows`, column `history`), and so is what it explains.
A history that Pax8 does not give stops nothing: the row stays as it is without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from pax8_pipeline.errors import VendorError
from pax8_pipeline.extract.completeness import read_complete
from pax8_pipeline.extract.ports import Pax8Reader
from pax8_pipeline.settings import Settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql

TABLE = "pax8.subscription_history"
# The first few show whether Pax8 gives histories at all; the others are stored together.
_FIRST, _AT_ONCE = 4, 50
_NEEDED = load_sql("extract/subscription_histories_needed.sql")


@dataclass(frozen=True)
class HistoriesRead:
    """What was read for one month: how many histories, of how many that are needed, and the last problem."""

    needed: int = 0
    read: int = 0
    problem: str = ""

    @property
    def sentence(self) -> str:
        """What was read, for a log."""
        found = f"{self.read} of {plural(self.needed, 'history', 'histories')} read"
        return f"{TABLE}: {found}; {self.problem}" if self.problem else f"{TABLE}: {found}"


def compare_month(
    warehouse: Warehouse, settings: Settings, month: str, read: Callable[[Sequence[str]], HistoriesRead]
) -> HistoriesRead:
    """Compare a month (yyyy-mm), `read` the histories that could explain its rows, and compare it again with them.

    `read` gets the ids of the subscriptions; it is not called when no history is needed. The warehouse is not open then.
    """
    values = build.variables(settings.today, settings.policy)
    with warehouse.connect() as connection:
        build.build_month(warehouse, month, values)
        needed = histories_needed(connection, month, settings.today, settings.policy.month.history_reads)
    found = read(needed) if needed else HistoriesRead()
    if found.read:
        build.build_month(warehouse, month, values)
    return found


def histories_needed(connection: Connection, month: str, today: date, most: int) -> list[str]:
    """Return the subscriptions whose history could explain a row of a compared month (yyyy-mm), those with the most money
    first, at most `most`. A history that was read today already is not read again.
    """
    values = {"month": month, "today": today, "most": most}
    return [str(row[0]) for row in connection.execute(_NEEDED, values).fetchall()]


def read_histories(
    warehouse: Warehouse, client: Pax8Reader, subscription_ids: Sequence[str], today: date, run_id: str
) -> HistoriesRead:
    """Read and store the histories of some subscriptions, a few at a time. When none of a few is given, the rest is not
    asked for.
    """
    needed, read, problem = len(subscription_ids), 0, ""
    start = 0
    while start < needed:
        batch = subscription_ids[start : start + (_AT_ONCE if start else _FIRST)]
        start += len(batch)
        reads = client.many(lambda one: _read(client, one, today), batch)
        snapshots.store(warehouse, reads, run_id)
        problem = next((one.problem for one in reads if one.problem), problem)
        given = sum(one.complete for one in reads)
        read += given
        if not given:
            break
    return HistoriesRead(needed, read, problem)


def _read(client: Pax8Reader, subscription_id: str, today: date) -> snapshots.Read:
    """Read one history. It has neither pages nor ids of its own: the place in the answer names a snapshot."""
    endpoint = f"/subscriptions/{subscription_id}/history"
    try:
        read = read_complete(TABLE, lambda: client.subscription_history(subscription_id), endpoint, subscription_id)
    except VendorError as error:
        return snapshots.Read(TABLE, (), endpoint, subscription_id, problem=str(error), covers=(today, today))
    objects = [snapshots.RawObject(one.endpoint, "", one.payload) for one in read.objects]
    return snapshots.Read(TABLE, objects, endpoint, subscription_id, requests=read.requests, covers=(today, today))
