"""The calendar of commitments and renewals, and the moves of lines that are proposed: rows and tables.

The iCalendar text of the same rows is in `icalendar`; when a subscription moves is decided in reconciled/moves.sql.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.table import Column, Table
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

DAYS_AHEAD = 90
ABOUT_SEATS = (
    "The seats of a commitment can be reduced for its next term, up to the day on which it renews; some vendors allow a few "
    "days more. Inside the commitment they cannot."
)
EVENTS = {"renews": "renews", "ends": "ends", "trial_ends": "trial ends"}
KINDS = {
    "renewal": "renewal",
    "new_purchase": "bought again",
    "term_change": "other term",
    "product_change": "other product",
    "paid_trial": "trial that is paid now",
}


@dataclass(frozen=True)
class Renewals:
    """What is due from `today` on for `days` days, and the moves that are proposed, each as rows by name of column."""

    today: date
    days: int
    events: Sequence[Mapping[str, Any]]
    moves: Sequence[Mapping[str, Any]]


def load_renewals(connection: Connection, today: date, days: int = DAYS_AHEAD) -> Renewals:
    """Read the calendar and the proposed moves, as the last run left them."""
    events = dicts(connection.execute(load_sql("reports/renewals/calendar.sql"), {"today": today, "days": days}))
    return Renewals(today, days, events, dicts(connection.execute(load_sql("reports/renewals/moves.sql"))))


def calendar_table(renewals: Renewals) -> Table:
    """Return the calendar as a table, one row for each day and subscription."""
    columns = (
        Column("day", "day", "date"),
        Column("what", "what"),
        Column("client", "client"),
        Column("product_name", "product"),
        Column("term", "term"),
        Column("seats", "seats", "count"),
        Column("reducible_seats", "seats that may be reduced", "count"),
        Column("reduce_until", "until", "date"),
        Column("money_per_month", "a month", "money"),
        Column("currency", "currency"),
        Column("subscription_id", "subscription", "id"),
    )
    rows = [
        {
            **event,
            "what": EVENTS[event["event"]],
            "client": event["client_name"] or event["company_name"],
            "term": event["commitment_term"] or event["billing_term"],
            "seats": event["quantity"],
        }
        for event in renewals.events
    ]
    return Table(f"Commitments and renewals, {renewals.days} days ahead", columns, rows)


def moves_table(renewals: Renewals) -> Table:
    """Return the proposed moves as a table, the best first."""
    columns = (
        Column("score", "score", "count"),
        Column("kind", "what"),
        Column("client", "client"),
        Column("old", "from"),
        Column("new", "to"),
        Column("dates", "last and first day"),
        Column("reasons", "why"),
        Column("new_subscription_id", "new subscription", "id"),
    )
    rows = [
        {
            **move,
            "kind": KINDS[move["kind"]],
            "client": move["client_name"] or move["company_name"],
            "old": _subscription(move["old_product_name"], move["old_quantity"]),
            "new": _subscription(move["new_product_name"], move["new_quantity"]),
            "dates": f"{move['old_last_day']}, {move['new_first_day']}",
        }
        for move in renewals.moves
    ]
    return Table("Proposed moves of a line", columns, rows)


def short_calendar(renewals: Renewals) -> Table:
    """Return the calendar with the columns that fit a terminal. The seats of a commitment are those that may be reduced."""
    columns = (
        Column("day", "day", "date"),
        Column("what", "what"),
        Column("client", "client"),
        Column("product_name", "product"),
        Column("seats", "seats", "count"),
        Column("money", "a month"),
    )
    table = calendar_table(renewals)
    rows = [{**row, "money": formatting.money(row["money_per_month"], row["currency"] or "")} for row in table.rows]
    return Table(table.title, columns, rows)


def move_lines(renewals: Renewals, width: int) -> list[str]:
    """Return the proposed moves as lines of at most `width` letters: what fits, and the id to accept."""
    lines: list[str] = []
    for move in renewals.moves:
        client = move["client_name"] or move["company_name"] or "?"
        new = _subscription(move["new_product_name"], move["new_quantity"])
        text = (
            f"Score {move['score']}, {KINDS[move['kind']]}: {client}, {new}. The old one ends {move['old_last_day']}, the new "
            f"one starts {move['new_first_day']}: {move['reasons']}."
        )
        lines += textwrap.wrap(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
        lines.append(f"  --accept {move['new_subscription_id']}")
    return lines


def _subscription(product: str | None, quantity: Any) -> str:
    return f"{product or '?'}, {formatting.plain(quantity)} seats"
