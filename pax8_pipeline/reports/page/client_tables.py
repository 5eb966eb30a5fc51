"""Subscriptions by client: what they cost, what they bill, what is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.links import Addresses
from pax8_pipeline.reports.overview.figures import Money, Seats
from pax8_pipeline.reports.table import Column, Table, totals_by_currency

Row = Mapping[str, Any]

_UNKNOWN = formatting.NOT_KNOWN
TITLE = "Subscriptions by client"
MONEY_LINES = (
    Column("figure", "Figure"),
    Column("before", "Last month", "money", unknown=_UNKNOWN),
    Column("now", "This month", "money", unknown=_UNKNOWN),
    Column("currency", "Currency", size="short"),
    Column("about", "What it is", size="wide"),
)
CLIENTS = (
    Column("client", "Client"),
    Column("subscriptions", "Subscriptions", "count"),
    Column("cost", "Cost a month", "money", unknown=_UNKNOWN),
    Column("billed", "Billed a month", "money", unknown=_UNKNOWN),
    Column("margin", "Margin a month", "money", unknown=_UNKNOWN),
    Column("percent", "Margin of billed", "percent"),
    Column("not_billed", "Not billed a month", "money"),
    Column("currency", "Currency", size="short"),
    Column("open", "Not known of", "count"),
    Column("links", "Open in", "links"),
)


def money_lines(money: Money) -> Table:
    """Return the figures of last month and this month with what each one is, each currency by itself."""
    before, now = money.before, money.now
    seats = now.seats
    day = formatting.day(seats.day) if seats else ""
    earlier = f"; last month: list of {formatting.day(before.seats.day)}" if before.seats else "; no run in last month"
    figures = (
        ("Paid to Pax8", "invoices", "Approved Pax8 invoices dated in the month: your cost, all items."),
        ("of it metered usage", "invoiced_usage_cost", "Arrears items of these invoices: usage of the month before."),
        ("Subscriptions, your cost", "cost", f"A month, by the list of {day}{earlier}. {_known(seats, 'cost')}"),
        ("Subscriptions, billed", "billed", f"A month, Halo's live lines on {day}{earlier}. {_known(seats, 'billed')}"),
        ("Subscriptions, margin", "margin", f"Billed less cost, where both are known. {_known(seats, 'margin')}"),
        ("Usage, invoiced to clients", "usage_billed", "Usage of the month before, invoiced in Halo by this product."),
        ("Usage, margin", "usage_margin", "What was invoiced for it less its cost at Pax8."),
    )
    rows = []
    for currency in money.currencies:
        for title, name, about in figures:
            sums = [_sums(month, name) for month in (before, now)]
            if any(currency in part for part in sums):
                amounts = [part.get(currency) for part in sums]
                rows.append(
                    {"figure": title, "before": amounts[0], "now": amounts[1], "currency": currency, "about": about}
                )
    return Table("Last month and this month", _named(before.month, now.month), rows)


def _named(before: str, now: str) -> list[Column]:
    titles = {"before": formatting.month_name(before), "now": formatting.month_name(now)}
    return [Column(c.name, titles.get(c.name, c.title), c.kind, unknown=c.unknown, size=c.size) for c in MONEY_LINES]


def _sums(month: Any, name: str) -> Mapping[str, Decimal | None]:
    if name in ("cost", "billed", "margin"):
        return getattr(month.seats, name) if month.seats else {}
    found: Mapping[str, Decimal | None] = getattr(month, name)
    return found


def _known(seats: Seats | None, name: str) -> str:
    return f"Known for {seats.known(name)}." if seats else ""


def by_client(seats: Seats, where: Addresses) -> Table:
    """Return subscriptions by client and currency, the most billed first."""
    groups: dict[tuple[Any, str, str], list[Row]] = defaultdict(list)
    for row in seats.rows:
        groups[row["client_id"] or row["company_id"], row["client"] or "no company", row["currency"]].append(row)
    rows = [_client(client, currency, of_client, where) for (_, client, currency), of_client in groups.items()]
    rows.sort(key=lambda row: (-(row["billed"] or Decimal(0)), row["client"]))
    columns = [column for column in CLIENTS if column.kind in ("money", "count")]
    totals = totals_by_currency(rows, columns, "client")
    for total in totals:
        of_currency = [row for row in rows if row["currency"] == total["currency"]]
        # Sums of what is known, as in each row; the column before last says of how many it is not known.
        total |= {name: known_sum(row[name] for row in of_currency) for name in ("cost", "billed", "margin")}
        total["percent"] = _percent(total["margin"], total["billed"])
    return Table(TITLE, CLIENTS, rows, totals).without_empty_columns()


def _client(client: str, currency: str, rows: Sequence[Row], where: Addresses) -> dict[str, Any]:
    both = [row for row in rows if row["margin"] is not None]
    margin = known_sum(row["margin"] for row in both)
    return {
        "client": client,
        "subscriptions": len(rows),
        "cost": known_sum(row["cost"] if row["cost_currency"] == currency else None for row in rows),
        "billed": known_sum(row["billed"] for row in rows),
        "margin": margin,
        "percent": _percent(margin, known_sum(row["billed"] for row in both)),
        "not_billed": known_sum(row["not_billed"] for row in rows),
        "currency": currency,
        "open": len(rows) - len(both) or None,
        "links": where.of_row(dict(rows[0])) or None,
    }


def known_sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of the known amounts, None where there is none."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def _percent(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return 100 * part / whole if part is not None and whole else None
