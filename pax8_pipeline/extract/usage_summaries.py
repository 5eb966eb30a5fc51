"""Reads usage summaries: decides which subscriptions to ask, asks, and remembers who had any.

Here belongs: the choice and the order of questions. Not here: lines (`usage_lines`), what usage means for billing. There is no flag that
says "usage-billed" and no flat list of usage: it takes one call per subscription (docs/vendors/pax8.md#calls,
#products, #usage-summaries), so those known to have usage are asked every day and the others by turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pax8_pipeline.errors import IncompleteRead, NotFound
from pax8_pipeline.extract.ports import Pax8Reader, Progress
from pax8_pipeline.transport.listing import Row
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql

# Usage of a group may be gone from the list for the first days of a month (docs/vendors/pax8.md#usage-timing): whoever
# had usage within this time goes on being asked every day.
REMEMBERED = timedelta(days=40)
# A subscription ended this many days ago may still be charged in arrears.
ENDED_DAYS = 45
# Runs of two days are not a day apart to the minute.
_SLACK = timedelta(hours=12)

_CANDIDATES = load_sql("extract/usage_summaries_candidates.sql")


@dataclass(frozen=True)
class UsageProbe:
    """One subscription that was asked, and whether it had usage."""

    subscription_id: str
    found: bool


@dataclass(frozen=True)
class UsageAnswer:
    """What one subscription or summary answered. `problem`: why the answer is not whole."""

    objects: tuple[snapshots.RawObject, ...] = ()
    requests: int = 0
    repeats: int = 0
    problem: str | None = None


def month_of(day: date) -> str:
    """Return the usage month of a day, yyyy-mm."""
    return f"{day:%Y-%m}"


def subscriptions_to_ask(connection: Connection, today: date, now: datetime, probe_days: int) -> list[str]:
    """Return the subscription ids, as sent, to ask for usage; `now` is UTC without offset.

    All that had usage lately or have Arrears items on an invoice, and of the rest that bill today such a share that a
    daily run asks each once in `probe_days`: never asked first (of them those with price zero first, as metered
    containers are), then the longest ago. Whose turn is due is asked although new ones stand before it; after days
    without a run that is at most a second share.
    """
    values = {
        "remembered": now - REMEMBERED,
        "ended": today - timedelta(days=ENDED_DAYS),
        "today": today,
        "days": probe_days,
        "due": now - timedelta(days=probe_days) + _SLACK,
    }
    return [str(row[0]) for row in connection.execute(_CANDIDATES, values).fetchall()]


def read_summaries(
    client: Pax8Reader, subscription_ids: Sequence[str], month: str, progress: Progress | None = None
) -> tuple[snapshots.Read, list[UsageProbe]]:
    """Ask each subscription for its usage summaries of the running month.

    A summary without a company is asked again by its id, the only place that may tell it
    (docs/vendors/pax8.md#usage-summaries). A subscription that Pax8 does not know has none. One list that is not whole
    makes the read incomplete.
    """
    answers = client.many(lambda s: _summaries(client, s), subscription_ids, progress)
    read = combine("pax8.usage_summaries", "/subscriptions/{id}/usage-summaries", month, answers)
    probes = [UsageProbe(s.strip().lower(), bool(a.objects)) for s, a in zip(subscription_ids, answers, strict=True)]
    return read, probes


def _summaries(client: Pax8Reader, subscription_id: str) -> UsageAnswer:
    endpoint = f"/subscriptions/{subscription_id}/usage-summaries"
    try:
        listing = client.usage_summaries(subscription_id)
    except NotFound:
        return UsageAnswer(requests=1)
    except IncompleteRead as error:
        return UsageAnswer(requests=1, problem=str(error))
    rows: list[Row] = []
    again = 0
    for row in listing.objects:
        if _has_company(row) or not row.get("id"):
            rows.append(row)
            continue
        again += 1
        rows.append(_by_id(client, row))
    return UsageAnswer(tuple(snapshots.raw_objects(endpoint, rows)), listing.requests + again, listing.repeats)


def _by_id(client: Pax8Reader, row: Row) -> Row:
    try:
        single = client.usage_summary(str(row["id"]))
    except NotFound:
        return row
    return single if _has_company(single) else row


def _has_company(row: Row) -> bool:
    return bool(str(row.get("companyId") or "").strip())


def record_probes(warehouse: Warehouse, probes: Sequence[UsageProbe], now: datetime) -> None:
    """Remember who was asked at `now` (UTC without offset) and who had usage."""
    if probes:
        with warehouse.transaction() as connection, connection.appender("meta.usage_probes") as appender:
            appender.append_rows([(p.subscription_id, now, p.found) for p in probes])


def combine(table: str, endpoint: str, month: str, answers: Sequence[UsageAnswer]) -> snapshots.Read:
    """Make one read of many answers: one that is not whole makes all of it incomplete."""
    problems = [a.problem for a in answers if a.problem]
    more = f" (and {len(problems) - 1} more lists)" if len(problems) > 1 else ""
    counts: dict[str, Any] = {
        "requests": sum(a.requests for a in answers),
        "repeats": sum(a.repeats for a in answers),
        "problem": f"{problems[0]}{more}" if problems else None,
    }
    return snapshots.Read(table, [o for a in answers for o in a.objects], endpoint, month, **counts)
