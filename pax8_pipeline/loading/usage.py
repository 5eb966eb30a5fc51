"""Reads metered usage: decides which subscriptions to ask, asks, and remembers who had any.

Here belongs: the choice and the order of questions. Not here: what usage means for billing. There is no flag that
says "usage-billed" and no flat list of usage: it takes one call per subscription (api/pax8.md sections 6, 8, 13),
so those known to have usage are asked every day and the others by turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pax8_pipeline.errors import IncompleteRead, NotFound
from pax8_pipeline.loading.vendors import Pax8Reader, Progress
from pax8_pipeline.transport.listing import Row
from pax8_pipeline.warehouse import raw
from pax8_pipeline.warehouse.connection import Connection, Warehouse

# Usage of a group may be gone from the list for the first days of a month (section 13.3): whoever had usage
# within this time goes on being asked every day.
REMEMBERED = timedelta(days=40)
# A subscription ended this many days ago may still be charged in arrears.
ENDED_DAYS = 45
# Lines are asked for the newest day and so many days before it, until some come.
DAYS_BACK = 3

_CANDIDATES = """
WITH subs AS (
  SELECT object_id AS id, min(json_extract_string(payload, '$.id')) AS sent,
         min(meta.num(json_extract_string(payload, '$.price'))) AS price,
         max(meta.day(json_extract_string(payload, '$.endDate'))) AS end_date,
         count(*) FILTER (meta.txt(json_extract_string(payload, '$.endDate')) IS NULL) AS still_open,
         min(coalesce(meta.day(json_extract_string(payload, '$.billingStart')),
                      meta.day(json_extract_string(payload, '$.startDate')))) AS starts
  FROM newest.pax8_subscriptions WHERE meta.idtext(json_extract_string(payload, '$.id')) IS NOT NULL GROUP BY object_id
), arrears AS (
  SELECT meta.idtext(json_extract_string(payload, '$.subscriptionId')) AS id,
         min(trim(json_extract_string(payload, '$.subscriptionId'))) AS sent
  FROM newest.pax8_invoice_items
  WHERE lower(trim(json_extract_string(payload, '$.term'))) = 'arrears'
    AND meta.idtext(json_extract_string(payload, '$.subscriptionId')) IS NOT NULL GROUP BY 1
), probes AS (
  SELECT subscription_id AS id, max(probed_at) AS last, arg_max(found, probed_at) AS found,
         bool_or(found AND probed_at >= $remembered) AS remembered
  FROM meta.usage_probes GROUP BY 1
), known AS (
  SELECT coalesce(s.id, a.id) AS id, coalesce(s.sent, a.sent) AS sent, s.price, p.last,
         a.id IS NOT NULL OR coalesce(p.found OR p.remembered, false) AS always,
         s.id IS NULL OR ((s.still_open > 0 OR s.end_date >= $ended) AND coalesce(s.starts <= $today, true)) AS bills
  FROM subs s FULL JOIN arrears a ON a.id = s.id LEFT JOIN probes p ON p.id = coalesce(s.id, a.id)
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY always
    ORDER BY last IS NOT NULL, CASE WHEN last IS NULL AND coalesce(price, 0) = 0 THEN 0 ELSE 1 END, last, id) AS turn
  FROM known WHERE bills OR always
)
SELECT sent FROM ranked WHERE always OR turn <= $others ORDER BY always DESC, turn
"""


@dataclass(frozen=True)
class Probe:
    """One subscription that was asked, and whether it had usage."""

    subscription_id: str
    found: bool


@dataclass(frozen=True)
class _Answer:
    """What one subscription or summary answered. `problem`: why the answer is not whole."""

    objects: tuple[raw.RawObject, ...] = ()
    requests: int = 0
    repeats: int = 0
    problem: str | None = None


def month_of(day: date) -> str:
    """Return the usage month of a day, yyyy-mm."""
    return f"{day:%Y-%m}"


def subscriptions_to_ask(connection: Connection, today: date, now: datetime, others: int) -> list[str]:
    """Return the subscription ids, as sent, to ask for usage; `now` is UTC without offset.

    All that had usage lately or have Arrears items on an invoice, and up to `others` of the rest that bill today:
    never asked first (of them those with price zero first, as metered containers are), then the longest ago.
    """
    values = {
        "remembered": now - REMEMBERED,
        "ended": today - timedelta(days=ENDED_DAYS),
        "today": today,
        "others": others,
    }
    return [str(row[0]) for row in connection.execute(_CANDIDATES, values).fetchall()]


def read_summaries(
    client: Pax8Reader, subscription_ids: Sequence[str], month: str, progress: Progress | None = None
) -> tuple[raw.Read, list[Probe]]:
    """Ask each subscription for its usage summaries of the running month.

    A summary without a company is asked again by its id, the only place that may tell it (section 14). A
    subscription that Pax8 does not know has none. One list that is not whole makes the read incomplete.
    """
    answers = client.many(lambda s: _summaries(client, s), subscription_ids, progress)
    read = _together("pax8.usage_summaries", "/subscriptions/{id}/usage-summaries", month, answers)
    probes = [Probe(s.strip().lower(), bool(a.objects)) for s, a in zip(subscription_ids, answers, strict=True)]
    return read, probes


def _summaries(client: Pax8Reader, subscription_id: str) -> _Answer:
    endpoint = f"/subscriptions/{subscription_id}/usage-summaries"
    try:
        listing = client.usage_summaries(subscription_id)
    except NotFound:
        return _Answer(requests=1)
    except IncompleteRead as error:
        return _Answer(requests=1, problem=str(error))
    rows: list[Row] = []
    again = 0
    for row in listing.objects:
        if _has_company(row) or not row.get("id"):
            rows.append(row)
            continue
        again += 1
        rows.append(_by_id(client, row))
    return _Answer(tuple(raw.raw_objects(endpoint, rows)), listing.requests + again, listing.repeats)


def _by_id(client: Pax8Reader, row: Row) -> Row:
    try:
        single = client.usage_summary(str(row["id"]))
    except NotFound:
        return row
    return single if _has_company(single) else row


def _has_company(row: Row) -> bool:
    return bool(str(row.get("companyId") or "").strip())


def record_probes(warehouse: Warehouse, probes: Sequence[Probe], now: datetime) -> None:
    """Remember who was asked at `now` (UTC without offset) and who had usage."""
    if probes:
        with warehouse.transaction() as connection, connection.appender("meta.usage_probes") as appender:
            appender.append_rows([(p.subscription_id, now, p.found) for p in probes])


def known_summaries(connection: Connection, month: str) -> list[str]:
    """Return the summary ids, as sent, to ask for lines of a month: those read in it, else all that are known.

    Whether a summary keeps its id over the months is not known (section 13.3), so for a month that nobody read
    in its time any id may still answer.
    """
    query = (
        "SELECT min(json_extract_string(payload, '$.id')) FROM newest.pax8_usage_summaries "
        "WHERE meta.idtext(json_extract_string(payload, '$.id')) IS NOT NULL AND ({}) "
        "GROUP BY object_id ORDER BY object_id"
    )
    rows = connection.execute(query.format("scope = $month"), {"month": month}).fetchall()
    rows = rows or connection.execute(query.format("true")).fetchall()
    return [str(row[0]) for row in rows]


def days_to_ask(month: str, today: date) -> list[date]:
    """Return the days whose lines to ask for, newest first: today (or the month's last day) and up to three before."""
    first = date.fromisoformat(f"{month}-01")
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    newest = min(last, today)
    return [d for n in range(DAYS_BACK + 1) if (d := newest - timedelta(days=n)) >= first]


def read_lines(
    client: Pax8Reader, summary_ids: Sequence[str], days: Sequence[date], month: str, progress: Progress | None = None
) -> raw.Read:
    """Read the usage lines of each summary for the first of `days` that has any.

    Lines are month-to-date totals (section 13.3): one day stands for the month so far. A summary that is not
    known any more has none.
    """
    answers = client.many(lambda s: _lines(client, s, days), summary_ids, progress)
    return _together("pax8.usage_lines", "/usage-summaries/{id}/usage-lines", month, answers)


def _lines(client: Pax8Reader, summary_id: str, days: Sequence[date]) -> _Answer:
    requests = 0
    for day in days:
        endpoint = f"/usage-summaries/{summary_id}/usage-lines?usageDate={day.isoformat()}"
        try:
            listing = client.usage_lines(summary_id, day)
        except NotFound:
            return _Answer(requests=requests + 1)
        except IncompleteRead as error:
            return _Answer(requests=requests + 1, problem=str(error))
        requests += listing.requests
        if listing.objects:
            return _Answer(tuple(raw.raw_objects(endpoint, listing.objects)), requests, listing.repeats)
    return _Answer(requests=requests)


def _together(table: str, endpoint: str, month: str, answers: Sequence[_Answer]) -> raw.Read:
    problems = [a.problem for a in answers if a.problem]
    more = f" (and {len(problems) - 1} more lists)" if len(problems) > 1 else ""
    counts: dict[str, Any] = {
        "requests": sum(a.requests for a in answers),
        "repeats": sum(a.repeats for a in answers),
        "problem": f"{problems[0]}{more}" if problems else None,
    }
    return raw.Read(table, [o for a in answers for o in a.objects], endpoint, month, **counts)
