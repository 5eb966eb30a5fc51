"""A compared month on one screen: the result, the money, the largest rows, what to do next; and all rows as tables.

Names come from outside: who prints the lines makes them safe for a terminal.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from pax8_pipeline.billing.findings import acknowledgement_text
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.month import forecast
from pax8_pipeline.reports.month.result import CLASSES, NOT_CHECKED, OPEN, MonthResult, Row, by_currency
from pax8_pipeline.reports.table import Column, Table
from pax8_pipeline.text.plurals import plural

LARGEST = 8
_STEPS = 4
_AMOUNT, _LABEL, _CLASS = 14, 30, 13

MONEY = (
    ("invoiced", "invoiced by Pax8", True),
    ("explained", "explained", True),
    ("unexplained", "not explained", False),
    ("billed", "billed by Halo, a month", True),
    ("margin", "margin, a month", True),
    ("too_much", "billed too much", False),
    ("too_little", "billed too little", False),
    ("not_checked", "not checked", False),
    ("acknowledged", "acknowledged", False),
)
_REACHED = {"no_invoice_yet": "no invoice yet", "draft": "draft", "posted": "posted", "corrected": "corrected"}

COLUMNS = (
    Column("client", "Client"),
    Column("product_name", "Product"),
    Column("class", "Class"),
    Column("pax8_listed", "Listed", "count"),
    Column("pax8_invoiced", "Invoiced", "count"),
    Column("halo_billed", "Billed", "count"),
    Column("difference", "Difference", "money", signed=True, unknown=formatting.NOT_KNOWN),
    Column("margin", "Margin", "money"),
    Column("currency", "Currency", size="short"),
    Column("bill", "On the bill"),
    Column("age_days", "Days", "count"),
    Column("reason", "Reason", size="wide"),
    Column("next_step", "Next step", size="wide"),
    Column("mark", "Acknowledged", size="wide"),
    Column("finding_id", "Row", "id"),
)
_CHANGES = (
    Column("client_name", "Client"),
    Column("product_name", "Product"),
    Column("kind", "Kind"),
    Column("change", "Change"),
    Column("class_closed", "Class then"),
    Column("class_now", "Class now"),
    Column("cost_closed", "Cost then", "money"),
    Column("cost_now", "Cost now", "money"),
    Column("billed_closed", "Billed then", "money"),
    Column("billed_now", "Billed now", "money"),
    Column("currency", "Currency", size="short"),
)


def lines(result: MonthResult, width: int) -> list[str]:
    """Return the summary of a month as lines of at most `width` cells."""
    parts = [
        textwrap.wrap(f"{result.sentence}.", width),
        textwrap.wrap(f"{closing_sentence(result)}.", width) if result.closing else [],
        _money_lines(result, width),
        _largest(result.open_rows, width),
        list(_steps(result.open_rows, width)),
        textwrap.wrap(histories_sentence(result), width),
        [line for sentence in forecast.lines(result.forecasts) for line in textwrap.wrap(f"{sentence}.", width)],
    ]
    return [line for part in parts if part for line in (*part, "")]


def closing_sentence(result: MonthResult) -> str:
    """Return who closed the month and when, and how much changed since; empty when nobody closed it."""
    closing = result.closing
    if closing is None:
        return ""
    changed = (
        plural(len(result.changes), "row changed since", "rows changed since")
        if result.changes
        else "no row changed since"
    )
    return (
        f"Closed by {closing.closed_by} on {formatting.moment(closing.closed_at)} ({closing.checksum[:12]}): {changed}"
    )


def histories_sentence(result: MonthResult) -> str:
    """Return that histories were not read although they could explain rows, and why; empty when all were."""
    unread, problem = result.histories["not_read"], result.histories["problem"]
    if not unread:
        return ""
    subscriptions = plural(unread, "subscription")
    why = problem or "it is read by this command with Pax8's credentials, month.history_reads at a time"
    return f"Pax8's history of {subscriptions} could explain a difference and was not read: {why}."


def changes_table(result: MonthResult) -> Table:
    """Return what differs since the month was closed."""
    return Table(f"Changed since the month was closed ({len(result.changes)})", _CHANGES, result.changes)


def _money_lines(result: MonthResult, width: int) -> list[str]:
    """Return the money, a column for each currency that fits; a line without any amount is left out."""
    columns = by_currency(result)
    shown = dict(list(columns.items())[: max(1, (width - _LABEL) // _AMOUNT)])
    if not shown:
        return []
    found = ["Money".ljust(_LABEL) + "".join(currency.rjust(_AMOUNT) for currency in shown)]
    for name, label, always in MONEY:
        amounts = [sums.get(name, Decimal(0)) for sums in shown.values()]
        if always or any(amounts):
            cells = "".join(formatting.money(amount).rjust(_AMOUNT) for amount in amounts)
            found.append(f"  {label}".ljust(_LABEL) + cells)
    found.append(f"  invoiced = explained + not explained: {'yes, to the cent' if result.ties else 'NO'}")
    if rest := list(columns)[len(shown) :]:
        found.append(f"  also {', '.join(rest)}: see --json")
    return found


def _largest(rows: Sequence[Row], width: int) -> list[str]:
    if not rows:
        return []
    shown = rows[:LARGEST]
    more = f" of {len(rows):,}" if len(rows) > len(shown) else ""
    title = "1 row" if len(rows) == 1 else f"{len(shown)} largest rows{more}"
    return [title, *(_line(row, width) for row in shown)]


def _line(row: Row, width: int) -> str:
    known = row["difference"] is not None
    amount = formatting.money(row["difference"], row["currency"], signed=True) if known else formatting.NOT_KNOWN
    head = f"{amount.rjust(_AMOUNT + 4)}  {row['class'].replace('_', ' ').ljust(_CLASS)} "
    reached = _REACHED.get(row["reached_bill"])
    names = f"{client_of(row)}: {row['product_name'] or row['kind']}" + (f" ({reached})" if reached else "")
    room = max(width - len(head), 10)
    return head + (textwrap.shorten(names, room, placeholder=" ...") if len(names) > room else names)


def _steps(rows: Sequence[Row], width: int) -> Iterator[str]:
    """Give what to do most often, the same reasons counted together; the sentence is that of the largest row."""
    counted = Counter(row["reason_code"] for row in rows if row["next_step"])
    steps = {row["reason_code"]: row["next_step"] for row in reversed(rows) if row["next_step"]}
    for code, number in counted.most_common(_STEPS):
        yield from textwrap.wrap(f"  {number:,} x {steps[code]}", width, subsequent_indent="      ")


def client_of(row: Row) -> str:
    """Return whom a row is about, as people know it."""
    return str(row["client_name"] or row["company_name"] or "no company")


def tables(result: MonthResult) -> Iterator[Table]:
    """Give the rows as tables, one for each class that waits for a person or settles by itself; what changed comes first."""
    if result.changes:
        yield changes_table(result).without_empty_columns()
    for name in CLASSES:
        rows = [row for row in result.rows if row["class"] == name]
        if rows and (name in OPEN or name in (NOT_CHECKED, "timing")):
            title = f"{name.replace('_', ' ').capitalize()} ({len(rows):,})"
            yield Table(title, COLUMNS, [_shown(row) for row in rows]).without_empty_columns()
    if result.forecasts.next.clients:
        yield forecast.table(result.forecasts.next)


def _shown(row: Row) -> dict[str, object]:
    invoices = ", ".join(row["halo_invoices"])
    reached = _REACHED.get(row["reached_bill"], "not checked")
    mark = acknowledgement_text(row)
    return {**row, "client": client_of(row), "bill": f"{reached} {invoices}".strip(), "mark": mark}
