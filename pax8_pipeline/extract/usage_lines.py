"""Reads usage lines: decides which days of which summaries to ask for, asks, and records what was asked.

Summaries are in `usage_summaries`; what lines mean for billing is in `billing`. One call answers for one summary and
one day, with totals of the month so far. A product that stops is charged at the totals of the last day on which it was
posted (docs/vendors/pax8.md#usage-timing). So the answer of every day is stored, and a summary is asked

* in its month: when its amounts have changed since it was last asked. The days go back from yesterday, until the last
  totals of its products add up to those amounts, or until a day that was asked before;
* when the month is over: for its last days, until that was done on the 4th or later. Vendors post until the 2nd, and
  Pax8 charges on the 3rd. The list of summaries no longer shows that month;
* long after: only in a backfill, for its last day or for each of its days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from pax8_pipeline.errors import IncompleteRead, NotFound
from pax8_pipeline.extract.ports import Pax8Reader, Progress
from pax8_pipeline.extract.usage_summaries import UsageAnswer, combine, month_of
from pax8_pipeline.transport.listing import Row
from pax8_pipeline.values import decimal
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql

Lines = Literal["none", "last", "daily"]
LINES: tuple[Lines, ...] = ("none", "last", "daily")
# The choices of the lines backfill, and what each reads.
MEANING: Mapping[Lines, str] = {
    "last": "the last day of each month, which has the totals of the month. One call for each usage summary.",
    "daily": "each day of each month. One call for each usage summary and day; a year takes hours.",
}
# From this day of the next month on, a month does not change any more.
FINAL_DAY = 4
# When the last day of a month brought nothing: how many days before it are asked too.
DAYS_BACK = 3
# Calls whose answers are stored together. A run that is stopped loses at most these.
BATCH = 500

Amounts = tuple[Decimal, Decimal]  # charges, cost


@dataclass(frozen=True)
class UsageLineQuery:
    """The days to ask for one summary, whose id is as Pax8 sent it.

    `days` are asked in this order, `fallback_days` only while nothing has come. `amounts`: the amounts of the summary.
    `known`: day and amounts of each product from earlier answers. When the newest totals of all products add up to
    `amounts`, the other days are not asked.
    """

    summary_id: str
    days: tuple[date, ...]
    fallback_days: tuple[date, ...] = ()
    amounts: Amounts | None = None
    known: Mapping[str, tuple[date, Amounts]] = field(default_factory=dict)


@dataclass(frozen=True)
class AnsweredQuery:
    """A query that was answered completely: the number of lines of a summary on a day."""

    summary_id: str
    day: date
    line_count: int
    amounts: Amounts | None


# Which queries

_SUMMARIES = load_sql("extract/usage_lines_summaries.sql")
_KNOWN = """
SELECT asked_summary, lower(coalesce(meta.txt(json_extract_string(payload, '$.productId')),
                                     meta.txt(json_extract_string(payload, '$.productName')), '')) AS product,
       asked_day, sum(coalesce(meta.num(json_extract_string(payload, '$.currentCharges')), 0)),
       sum(coalesce(meta.num(json_extract_string(payload, '$.partnerTotal')), 0))
FROM newest.pax8_usage_lines WHERE scope = $month AND asked_day IS NOT NULL GROUP BY ALL
"""


def running_month(connection: Connection, today: date) -> list[UsageLineQuery]:
    """Return the queries for the current month: summaries whose amounts changed since they were last asked."""
    month = month_of(today)
    known: dict[str, dict[str, tuple[date, Amounts]]] = {}
    for summary_id, product, day, charges, cost in connection.execute(_KNOWN, {"month": month}).fetchall():
        known.setdefault(summary_id, {})[product] = (day, (charges, cost))
    queries = []
    for row in snapshots.dicts(connection.execute(_SUMMARIES, {"month": month})):
        amounts = (row["charges"], row["cost"])
        if row["asked_on"] is not None and amounts == (row["seen_charges"], row["seen_cost"]):
            continue
        queries.append(
            UsageLineQuery(
                row["sent"],
                _from_yesterday(today, row["reached"] or today.replace(day=1)),
                amounts=None if None in amounts else amounts,
                known=known.get(row["sent"].lower(), {}),
            )
        )
    return queries


def _from_yesterday(today: date, last_asked: date) -> tuple[date, ...]:
    """Return the days to ask: yesterday first (today's usage is rarely posted), then back to the last day asked."""
    first = today.replace(day=1)
    back = [today - timedelta(days=n) for n in range(2, (today - max(first, last_asked)).days + 1)]
    return tuple(d for d in (today - timedelta(days=1), today, *back) if d >= first)


def month_before(connection: Connection, today: date) -> tuple[str, list[UsageLineQuery]]:
    """Return the month before (yyyy-mm) and its queries: its last days, until that was done on the 4th or later."""
    last = today.replace(day=1) - timedelta(days=1)
    queries = []
    for row in snapshots.dicts(connection.execute(_SUMMARIES, {"month": month_of(last)})):
        if row["asked_on"] is not None and row["asked_on"] >= min(today, final_day(month_of(last))):
            continue
        days = [last - timedelta(days=n) for n in range(max(1, (last - (row["reached"] or last)).days))]
        fallback_days = [d for n in range(DAYS_BACK) if (d := days[-1] - timedelta(days=n + 1)) >= last.replace(day=1)]
        queries.append(UsageLineQuery(row["sent"], tuple(days), tuple(fallback_days)))
    return month_of(last), queries


def past_month(connection: Connection, month: str, lines: Lines) -> list[UsageLineQuery]:
    """Return the queries of a backfill for a month that is over: `last` asks for its last day, `daily` for each day.

    Answers since the month became final are not asked for again.
    """
    days = {"none": [], "last": days_of(month)[-1:], "daily": days_of(month)}[lines]
    done: dict[str, set[date]] = {}
    sql = "SELECT DISTINCT summary_id, usage_date FROM meta.usage_line_reads WHERE month = ? AND asked_on >= ?"
    for summary_id, day in connection.execute(sql, [month, final_day(month)]).fetchall():
        done.setdefault(summary_id, set()).add(day)
    queries = []
    for sent in known_summaries(connection, month):
        open_days = tuple(day for day in days if day not in done.get(sent.lower(), ()))
        if open_days:
            queries.append(UsageLineQuery(sent, open_days))
    return queries


def known_summaries(connection: Connection, month: str) -> list[str]:
    """Return the summary ids, as sent, to ask for lines of a month: those read in that month, else all known ones.

    It is not known whether a summary keeps its id over the months (docs/vendors/pax8.md#usage-timing). So for a month
    that was not read in its time, any id may still answer.
    """
    query = (
        "SELECT min(trim(json_extract_string(payload, '$.id'))) FROM newest.pax8_usage_summaries "
        "WHERE meta.idtext(json_extract_string(payload, '$.id')) IS NOT NULL AND ({}) "
        "GROUP BY object_id ORDER BY object_id"
    )
    rows = connection.execute(query.format("scope = $month"), {"month": month}).fetchall()
    rows = rows or connection.execute(query.format("true")).fetchall()
    return [str(row[0]) for row in rows]


def days_of(month: str) -> list[date]:
    """Return all days of a month (yyyy-mm)."""
    first = date.fromisoformat(f"{month}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    return [first + timedelta(days=n) for n in range((after - first).days)]


def final_day(month: str) -> date:
    """Return the day from which on a month (yyyy-mm) does not change any more."""
    return (days_of(month)[-1] + timedelta(days=1)).replace(day=FINAL_DAY)


def max_calls(queries: Sequence[UsageLineQuery]) -> int:
    """Return the most calls that these queries can take."""
    return sum(len(query.days) + len(query.fallback_days) for query in queries)


def batches(queries: Sequence[UsageLineQuery], calls: int = BATCH) -> Iterator[list[UsageLineQuery]]:
    """Split queries into batches of about `calls` calls. The days of one summary stay together."""
    batch: list[UsageLineQuery] = []
    for query in queries:
        batch.append(query)
        if max_calls(batch) >= calls:
            yield batch
            batch = []
    if batch:
        yield batch


# Asking
# -------------------------------------------------------------------------------------------------------------------


def read_lines(
    client: Pax8Reader, queries: Sequence[UsageLineQuery], month: str, progress: Progress | None = None
) -> tuple[snapshots.Read, list[AnsweredQuery]]:
    """Ask, and return the lines and the queries that were answered.

    A summary that Pax8 no longer knows has no lines. One incomplete list makes the whole read incomplete.
    """
    answers = client.many(lambda query: _lines(client, query), queries, progress)
    read = combine("pax8.usage_lines", "/usage-summaries/{id}/usage-lines", month, [a for a, _ in answers])
    return read, [answered for _, part in answers for answered in part]


def _lines(client: Pax8Reader, query: UsageLineQuery) -> tuple[UsageAnswer, list[AnsweredQuery]]:
    objects: list[snapshots.RawObject] = []
    answered: list[AnsweredQuery] = []
    totals = dict(query.known)
    requests = repeats = 0
    for number, day in enumerate((*query.days, *query.fallback_days)):
        if number >= len(query.days) and objects:
            break
        try:
            listing = client.usage_lines(query.summary_id, day)
        except NotFound:
            rest = (*query.days, *query.fallback_days)[number:]
            answered += [AnsweredQuery(query.summary_id.lower(), d, 0, query.amounts) for d in rest]
            return UsageAnswer(tuple(objects), requests + 1, repeats), answered
        except IncompleteRead as error:
            return UsageAnswer(requests=requests + 1, problem=str(error)), []
        requests, repeats = requests + listing.requests, repeats + listing.repeats
        endpoint = f"/usage-summaries/{query.summary_id}/usage-lines?usageDate={day.isoformat()}"
        objects += snapshots.raw_objects(endpoint, listing.objects)
        answered.append(AnsweredQuery(query.summary_id.lower(), day, len(listing.objects), query.amounts))
        _update_totals(totals, day, listing.objects)
        if query.amounts is not None and _sum(totals) == query.amounts:
            break
    return UsageAnswer(tuple(objects), requests, repeats), answered


def _update_totals(totals: dict[str, tuple[date, Amounts]], day: date, rows: Sequence[Row]) -> None:
    """Store a day's totals as the newest of their products, unless totals of a later day are known."""
    of_day: dict[str, Amounts] = {}
    for row in rows:
        product = str(row.get("productId") or row.get("productName") or "").strip().lower()
        charges, cost = of_day.get(product, (Decimal(0), Decimal(0)))
        of_day[product] = (charges + _number(row.get("currentCharges")), cost + _number(row.get("partnerTotal")))
    for product, amounts in of_day.items():
        if product not in totals or totals[product][0] <= day:
            totals[product] = (day, amounts)


def _sum(totals: Mapping[str, tuple[date, Amounts]]) -> Amounts:
    return sum((a[0] for _, a in totals.values()), Decimal(0)), sum((a[1] for _, a in totals.values()), Decimal(0))


def _number(value: Any) -> Decimal:
    """Read a number. Unreadable is 0 here: it only decides whether to ask again, and staging rejects the row."""
    try:
        return decimal(value)
    except ValueError:
        return Decimal(0)


def record(warehouse: Warehouse, month: str, answered: Sequence[AnsweredQuery], today: date, now: datetime) -> None:
    """Record the answered queries, with the run's day `today` and the time `now` (UTC without offset)."""
    rows = [(month, a.summary_id, a.day, today, now, a.line_count, *(a.amounts or (None, None))) for a in answered]
    if rows:
        with warehouse.transaction() as connection, connection.appender("meta.usage_line_reads") as appender:
            appender.append_rows(rows)
