"""Reads usage lines: decides which days of which summaries to ask for, asks, and remembers what was asked.

Here belongs: which questions can still bring something new. Not here: summaries (`usage`), what lines mean for billing.
One call answers for one summary and one day, with totals of the month so far; a product that stops is charged at the last
day it was posted (docs/vendors/pax8.md#usage-timing). So every day's answer is kept, and a summary is asked

* in its month: when its amounts are not what they were when it was last asked; from yesterday back, until the last totals
  of its products add up to those amounts or the days that were asked before are reached;
* when the month is over: for its last days, until that was done on the 4th or later: vendors post until the 2nd, and
  Pax8 charges on the 3rd. Summaries tell nothing of that month any more;
* long after: only when somebody wants it (a backfill), its last day or each of its days.
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
# A month that is over stays as it is from this day of the next one on.
FINAL_DAY = 4
# After the end of a month: how many more days back to look when its last day brought nothing.
DAYS_BACK = 3
# Questions kept together: what a stop may lose.
BATCH = 500

Amounts = tuple[Decimal, Decimal]  # charges, cost


@dataclass(frozen=True)
class UsageLineQuery:
    """The questions for one summary, whose id is as sent.

    `days` are asked in this order, `fallback_days` only for as long as nothing has come. `amounts`: what the summary comes to;
    when the newest totals of its products, with those `known` (day and amounts by product), add up to that, the rest
    of the days is left out.
    """

    summary_id: str
    days: tuple[date, ...]
    fallback_days: tuple[date, ...] = ()
    amounts: Amounts | None = None
    known: Mapping[str, tuple[date, Amounts]] = field(default_factory=dict)


@dataclass(frozen=True)
class AnsweredQuery:
    """One question that was answered whole: how many lines there are for a summary and a day."""

    summary_id: str
    day: date
    found: int
    amounts: Amounts | None


# Which questions
# -------------------------------------------------------------------------------------------------------------------

_SUMMARIES = load_sql("extract/usage_lines_summaries.sql")
_KNOWN = """
SELECT asked_summary, lower(coalesce(meta.txt(json_extract_string(payload, '$.productId')),
                                     meta.txt(json_extract_string(payload, '$.productName')), '')) AS product,
       asked_day, sum(coalesce(meta.num(json_extract_string(payload, '$.currentCharges')), 0)),
       sum(coalesce(meta.num(json_extract_string(payload, '$.partnerTotal')), 0))
FROM newest.pax8_usage_lines WHERE scope = $month AND asked_day IS NOT NULL GROUP BY ALL
"""


def running_month(connection: Connection, today: date) -> list[UsageLineQuery]:
    """Return what to ask of the running month: summaries that moved since they were last asked."""
    month = month_of(today)
    known: dict[str, dict[str, tuple[date, Amounts]]] = {}
    for summary_id, product, day, charges, cost in connection.execute(_KNOWN, {"month": month}).fetchall():
        known.setdefault(summary_id, {})[product] = (day, (charges, cost))
    asks = []
    for row in snapshots.dicts(connection.execute(_SUMMARIES, {"month": month})):
        amounts = (row["charges"], row["cost"])
        if row["asked_on"] is not None and amounts == (row["seen_charges"], row["seen_cost"]):
            continue
        asks.append(
            UsageLineQuery(
                row["sent"],
                _from_yesterday(today, row["reached"] or today.replace(day=1)),
                amounts=None if None in amounts else amounts,
                known=known.get(row["sent"].lower(), {}),
            )
        )
    return asks


def _from_yesterday(today: date, reached: date) -> tuple[date, ...]:
    """Yesterday first: today's usage is rarely posted yet. Then back to the day reached before, that one too."""
    first = today.replace(day=1)
    back = [today - timedelta(days=n) for n in range(2, (today - max(first, reached)).days + 1)]
    return tuple(d for d in (today - timedelta(days=1), today, *back) if d >= first)


def month_before(connection: Connection, today: date) -> tuple[str, list[UsageLineQuery]]:
    """Return the month before and what to ask of it: its last days, until that was done on the 4th or later."""
    last = today.replace(day=1) - timedelta(days=1)
    asks = []
    for row in snapshots.dicts(connection.execute(_SUMMARIES, {"month": month_of(last)})):
        if row["asked_on"] is not None and row["asked_on"] >= min(today, final_day(month_of(last))):
            continue
        days = [last - timedelta(days=n) for n in range(max(1, (last - (row["reached"] or last)).days))]
        fallback_days = [d for n in range(DAYS_BACK) if (d := days[-1] - timedelta(days=n + 1)) >= last.replace(day=1)]
        asks.append(UsageLineQuery(row["sent"], tuple(days), tuple(fallback_days)))
    return month_of(last), asks


def past_month(connection: Connection, month: str, lines: Lines) -> list[UsageLineQuery]:
    """Return what to ask of a month that is over, for its own sake: `last` its last day, `daily` all of its days.

    What was answered since the month became final is not asked again.
    """
    days = {"none": [], "last": days_of(month)[-1:], "daily": days_of(month)}[lines]
    done: dict[str, set[date]] = {}
    query = "SELECT DISTINCT summary_id, usage_date FROM meta.usage_line_reads WHERE month = ? AND asked_on >= ?"
    for summary_id, day in connection.execute(query, [month, final_day(month)]).fetchall():
        done.setdefault(summary_id, set()).add(day)
    asks = []
    for sent in known_summaries(connection, month):
        left = tuple(day for day in days if day not in done.get(sent.lower(), ()))
        if left:
            asks.append(UsageLineQuery(sent, left))
    return asks


def known_summaries(connection: Connection, month: str) -> list[str]:
    """Return the summary ids, as sent, to ask for lines of a month: those read in it, else all that are known.

    Whether a summary keeps its id over the months is not known (docs/vendors/pax8.md#usage-timing), so for a month that
    nobody read in its time any id may still answer.
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
    """Return all days of a month yyyy-mm."""
    first = date.fromisoformat(f"{month}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    return [first + timedelta(days=n) for n in range((after - first).days)]


def final_day(month: str) -> date:
    """Return the day from which on nothing of a month yyyy-mm changes any more."""
    return (days_of(month)[-1] + timedelta(days=1)).replace(day=FINAL_DAY)


def questions(asks: Sequence[UsageLineQuery]) -> int:
    """Return the most calls that these take."""
    return sum(len(ask.days) + len(ask.fallback_days) for ask in asks)


def batches(asks: Sequence[UsageLineQuery], calls: int = BATCH) -> Iterator[list[UsageLineQuery]]:
    """Cut questions into parts of about so many calls; a summary stays whole."""
    part: list[UsageLineQuery] = []
    for ask in asks:
        part.append(ask)
        if questions(part) >= calls:
            yield part
            part = []
    if part:
        yield part


# Asking
# -------------------------------------------------------------------------------------------------------------------


def read_lines(
    client: Pax8Reader, asks: Sequence[UsageLineQuery], month: str, progress: Progress | None = None
) -> tuple[snapshots.Read, list[AnsweredQuery]]:
    """Ask, and return the lines with what was asked for them.

    A summary that is not known any more has none. One list that is not whole makes the read incomplete.
    """
    answers = client.many(lambda ask: _lines(client, ask), asks, progress)
    read = combine("pax8.usage_lines", "/usage-summaries/{id}/usage-lines", month, [a for a, _ in answers])
    return read, [asked for _, questions_asked in answers for asked in questions_asked]


def _lines(client: Pax8Reader, ask: UsageLineQuery) -> tuple[UsageAnswer, list[AnsweredQuery]]:
    found: list[snapshots.RawObject] = []
    asked: list[AnsweredQuery] = []
    totals = dict(ask.known)
    requests = repeats = 0
    for number, day in enumerate((*ask.days, *ask.fallback_days)):
        if number >= len(ask.days) and found:
            break
        try:
            listing = client.usage_lines(ask.summary_id, day)
        except NotFound:
            rest = (*ask.days, *ask.fallback_days)[number:]
            asked += [AnsweredQuery(ask.summary_id.lower(), d, 0, ask.amounts) for d in rest]
            return UsageAnswer(tuple(found), requests + 1, repeats), asked
        except IncompleteRead as error:
            return UsageAnswer(requests=requests + 1, problem=str(error)), []
        requests, repeats = requests + listing.requests, repeats + listing.repeats
        endpoint = f"/usage-summaries/{ask.summary_id}/usage-lines?usageDate={day.isoformat()}"
        found += snapshots.raw_objects(endpoint, listing.objects)
        asked.append(AnsweredQuery(ask.summary_id.lower(), day, len(listing.objects), ask.amounts))
        _take(totals, day, listing.objects)
        if ask.amounts is not None and _sum(totals) == ask.amounts:
            break
    return UsageAnswer(tuple(found), requests, repeats), asked


def _take(totals: dict[str, tuple[date, Amounts]], day: date, rows: Sequence[Row]) -> None:
    """Let a day's totals stand for the products in it, unless a later day already does."""
    fresh: dict[str, Amounts] = {}
    for row in rows:
        product = str(row.get("productId") or row.get("productName") or "").strip().lower()
        charges, cost = fresh.get(product, (Decimal(0), Decimal(0)))
        fresh[product] = (charges + _number(row.get("currentCharges")), cost + _number(row.get("partnerTotal")))
    for product, amounts in fresh.items():
        if product not in totals or totals[product][0] <= day:
            totals[product] = (day, amounts)


def _sum(totals: Mapping[str, tuple[date, Amounts]]) -> Amounts:
    return sum((a[0] for _, a in totals.values()), Decimal(0)), sum((a[1] for _, a in totals.values()), Decimal(0))


def _number(value: Any) -> Decimal:
    """What cannot be read counts as nothing here: it only decides whether to ask again; staging rejects the row."""
    try:
        return decimal(value)
    except ValueError:
        return Decimal(0)


def record(warehouse: Warehouse, month: str, asked: Sequence[AnsweredQuery], today: date, now: datetime) -> None:
    """Remember what was asked on the run's day `today`, at `now` (UTC without offset)."""
    rows = [(month, a.summary_id, a.day, today, now, a.found, *(a.amounts or (None, None))) for a in asked]
    if rows:
        with warehouse.transaction() as connection, connection.appender("meta.usage_line_reads") as appender:
            appender.append_rows(rows)
