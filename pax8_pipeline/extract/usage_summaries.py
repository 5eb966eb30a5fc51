"""Reads usage summaries: decides which subscriptions to ask and in which order, asks, and records which had usage.

Usage lines are in `usage_lines`; what usage means for billing is in `billing`. No field says that a subscription is
billed by usage, and there is no flat list of usage. It takes one call for each subscription
(docs/vendors/pax8.md#calls, #products, #usage-summaries). So subscriptions with known usage are asked every day, and
each day a share of the others.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pax8_pipeline.errors import IncompleteRead, NotFound
from pax8_pipeline.extract.ports import Pax8Reader, Progress
from pax8_pipeline.settings.tenant_answers import UsageCompany
from pax8_pipeline.transport.listing import Row
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql

# The usage of a group can be missing from the list in the first days of a month (docs/vendors/pax8.md#usage-timing). So
# a subscription that had usage within this time is asked every day.
REMEMBERED = timedelta(days=40)
# A subscription that ended at most so many days ago may still be charged in arrears.
ENDED_DAYS = 45
# Two daily runs are not exactly 24 hours apart.
_SLACK = timedelta(hours=12)

_CANDIDATES = load_sql("extract/usage_summaries_candidates.sql")


@dataclass(frozen=True)
class UsageProbe:
    """A subscription that was asked, and whether it had usage."""

    subscription_id: str
    had_usage: bool


@dataclass(frozen=True)
class UsageAnswer:
    """The answer for one subscription or summary. `problem`: why it is incomplete; None when it is complete."""

    objects: tuple[snapshots.RawObject, ...] = ()
    requests: int = 0
    repeats: int = 0
    problem: str | None = None


class ById:
    """Decides which usage summaries without a company are read again by their id, and notes whether that helped.

    Where a probe found that it never helps, each of them is asked on one day of the week, so that no answer is believed
    for longer than that. Used by several threads; both notes only ever become true.
    """

    def __init__(self, answer: UsageCompany = "not known", today: date | None = None) -> None:
        self._day = today.weekday() if today is not None and answer in ("in lists", "neither") else None
        self.left_out = False
        self.helped = False

    def asks(self, summary_id: str) -> bool:
        """Return whether to read this summary by its id today."""
        if self._day is None or zlib.crc32(summary_id.strip().lower().encode()) % 7 == self._day:
            return True
        self.left_out = True
        return False

    def note(self, *, helped: bool) -> None:
        """Note that a summary was read by its id, and whether that named its company."""
        self.helped = self.helped or helped


ALWAYS = ById()


def month_of(day: date) -> str:
    """Return the usage month of a day, yyyy-mm."""
    return f"{day:%Y-%m}"


def subscriptions_to_ask(connection: Connection, today: date, now: datetime, probe_days: int) -> list[str]:
    """Return the ids of the subscriptions to ask for usage, as Pax8 sent them; `now` is UTC without offset.

    Always: those that had usage lately or have Arrears items on an invoice. Of the others that bill today: a share, so
    that a daily run asks each once in `probe_days` days. First those that were never asked (with price zero first,
    because metered ones have that price), then those whose last answer is oldest. A subscription that is overdue is
    asked even when there are many new ones; after days without a run this adds at most a second share.
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
    client: Pax8Reader,
    subscription_ids: Sequence[str],
    month: str,
    progress: Progress | None = None,
    by_id: ById = ALWAYS,
) -> tuple[snapshots.Read, list[UsageProbe]]:
    """Ask each subscription for its usage summaries of the current month.

    A summary without a company is read again by its id, unless `by_id` says that this never helps: only that answer may
    name the company (docs/vendors/pax8.md#usage-summaries). A subscription that Pax8 does not know has no summaries. One
    incomplete list makes the whole read incomplete.
    """
    answers = client.many(lambda s: _summaries(client, s, by_id), subscription_ids, progress)
    if by_id.left_out and by_id.helped:  # the probe's answer does not hold any more
        answers = client.many(lambda s: _summaries(client, s, ALWAYS), subscription_ids, progress)
    read = combine("pax8.usage_summaries", "/subscriptions/{id}/usage-summaries", month, answers)
    probes = [UsageProbe(s.strip().lower(), bool(a.objects)) for s, a in zip(subscription_ids, answers, strict=True)]
    return read, probes


def _summaries(client: Pax8Reader, subscription_id: str, by_id: ById) -> UsageAnswer:
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
        if _has_company(row) or not row.get("id") or not by_id.asks(str(row["id"])):
            rows.append(row)
            continue
        again += 1
        rows.append(_by_id(client, row))
        by_id.note(helped=_has_company(rows[-1]))
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
    """Record which subscriptions were asked at `now` (UTC without offset), and which had usage."""
    if probes:
        with warehouse.transaction() as connection, connection.appender("meta.usage_probes") as appender:
            appender.append_rows([(p.subscription_id, now, p.had_usage) for p in probes])


def combine(table: str, endpoint: str, month: str, answers: Sequence[UsageAnswer]) -> snapshots.Read:
    """Make one read of many answers. One incomplete answer makes the whole read incomplete."""
    problems = [a.problem for a in answers if a.problem]
    more = f" (and {len(problems) - 1} more lists)" if len(problems) > 1 else ""
    counts: dict[str, Any] = {
        "requests": sum(a.requests for a in answers),
        "repeats": sum(a.repeats for a in answers),
        "problem": f"{problems[0]}{more}" if problems else None,
    }
    return snapshots.Read(table, [o for a in answers for o in a.objects], endpoint, month, **counts)
