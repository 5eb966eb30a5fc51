"""The tables of a month-end pack: their queries, columns and totals.

Contains: one sheet for each question of an accountant. Does not contain: files (`files`), the pages (`pages`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.month.result import MonthResult, by_currency
from pax8_pipeline.reports.month.text import MONEY
from pax8_pipeline.reports.table import Column, Table, totals_by_currency
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

_CLIENT = Column("client", "Client")
_PRODUCT = Column("product_name", "Product")
_KIND = Column("kind", "Kind")
_CLASS = Column("class", "Class")
_PERIOD = Column("period", "Service month", size="short")
_CURRENCY = Column("currency", "Currency", size="short")
_DIFFERENCE = Column("difference", "Difference a month", "money", signed=True, unknown=formatting.NOT_KNOWN)
_COST = Column("pax8_cost", "Invoiced by Pax8", "money")
_TOTAL = Column("pax8_total", "At client prices", "money")
_BILLED = Column("halo_money", "Billed by Halo a month", "money")
_MARGIN = Column("margin", "Margin a month", "money", unknown=formatting.NOT_KNOWN)
_REACHED = Column("reached_bill", "On the bill")
_INVOICES = Column("halo_invoices", "Halo invoices", "id")
_REASON = Column("reason", "Reason", size="wide")
_STEP = Column("next_step", "Next step", size="wide")
_SUBSCRIPTION = Column("subscription_id", "Subscription id", "id")
_COMPANY = Column("company_id", "Pax8 company id", "id")
_CLIENT_ID = Column("client_id", "Halo client id", "id")
_FINDING = Column("finding_id", "Row id for acknowledge", "id")
_ITEM = (Column("invoice_id", "Pax8 invoice id", "id"), Column("item_no", "Item", "id"))
_ITEM_MONEY = (Column("cost", "Cost", "money"), Column("total", "At client prices", "money"), _CURRENCY)

_THREE_WAY = (
    _CLIENT, _PRODUCT, _KIND, _CLASS, Column("pax8_listed", "Listed by Pax8", "count"),
    Column("pax8_invoiced", "Invoiced", "count"), Column("halo_billed", "Billed", "count"), _DIFFERENCE, _COST, _TOTAL,
    _BILLED, _MARGIN, _CURRENCY, _REACHED, _INVOICES, Column("halo_invoice_date", "Invoice date", "date"),
    Column("age_days", "Days", "count"), _REASON, _STEP, Column("acknowledged_by", "Acknowledged by"), _SUBSCRIPTION,
    _COMPANY, _CLIENT_ID, Column("pax8_items", "Pax8 invoice/item", "id"), Column("line_ids", "Halo lines", "id"), _FINDING,
)  # fmt: skip
_MONEY_BY = (
    Column("number", "Rows", "count"), Column("open_rows", "Open", "count"), _COST, _TOTAL, _BILLED, _MARGIN,
    Column("margin_not_known", "Rows without margin", "count"),
    Column("margin_before", "Margin the month before", "money", unknown=formatting.NOT_KNOWN),
    Column("margin_change", "Change of margin", "money", signed=True, unknown=formatting.NOT_KNOWN),
    Column("too_much", "Billed too much", "money"), Column("too_little", "Billed too little", "money"),
    Column("not_checked", "Not checked", "money"), _CURRENCY,
)  # fmt: skip
_USAGE = (
    _CLIENT, _PRODUCT, _PERIOD, Column("quantity", "Quantity", "count"), *_ITEM_MONEY, _CLASS,
    Column("explained", "Explained"), _INVOICES, _SUBSCRIPTION, _COMPANY, _CLIENT_ID, *_ITEM,
)  # fmt: skip
_CREDITS = (
    _CLIENT, _PRODUCT, _KIND, _PERIOD, *_ITEM_MONEY, _CLASS, _REASON, _STEP, Column("acknowledged_by", "Acknowledged by"),
    _SUBSCRIPTION, _COMPANY, _CLIENT_ID, *_ITEM,
)  # fmt: skip
_OPEN = (
    _CLIENT, _PRODUCT, _KIND, _CLASS, _DIFFERENCE, _COST, _CURRENCY, _REACHED, _INVOICES, Column("age_days", "Days", "count"),
    _REASON, _STEP, _SUBSCRIPTION, _CLIENT_ID, _FINDING,
)  # fmt: skip
_ACKNOWLEDGED = (
    _CLIENT, _PRODUCT, _KIND, _CLASS, _DIFFERENCE, _CURRENCY, Column("who", "Who"), Column("acknowledged_on", "On", "date"),
    Column("why", "Why", size="wide"), Column("until", "Until", "date"),
    Column("amount", "Amount acknowledged", "money"), Column("covers", "Still covers it"), _FINDING,
)  # fmt: skip
_SUMMARY = (
    Column("figure", "Figure"),
    Column("value", "Value", size="wide"),
    Column("amount", "Amount", "money"),
    _CURRENCY,
)


@dataclass(frozen=True)
class PackSheet:
    """One table of the pack: its name in the spreadsheet, the name of its files, its query and columns.

    `totals`: columns of which a sum by currency says something; none for most.
    """

    name: str
    columns: Sequence[Column]
    sql: str
    values: Mapping[str, str] = field(default_factory=dict)
    totals: Sequence[str] = ()

    @property
    def file(self) -> str:
        """The name of its CSV and Parquet files, without ending."""
        return self.name.lower().replace(" ", "-")


_SUMS = ("number", "open_rows", "pax8_cost", "pax8_total", "halo_money", "margin", "margin_not_known", "margin_before",
         "margin_change", "too_much", "too_little", "not_checked")  # fmt: skip
SHEETS = (
    PackSheet(
        "Three-way", _THREE_WAY, "three_way", totals=("difference", "pax8_cost", "pax8_total", "halo_money", "margin")
    ),
    PackSheet("By client", (Column("name", "Client"), *_MONEY_BY, _CLIENT_ID), "money_by", {"by": "client"}, _SUMS),
    PackSheet("By product", (Column("name", "Product"), *_MONEY_BY), "money_by", {"by": "product"}, _SUMS),
    PackSheet("Usage", _USAGE, "usage", totals=("cost", "total")),
    PackSheet("Credits", _CREDITS, "credits", totals=("cost", "total")),
    PackSheet("Open items", _OPEN, "open_items", totals=("difference", "pax8_cost")),
    PackSheet("Acknowledgements", _ACKNOWLEDGED, "acknowledgements", totals=("difference",)),
)


@dataclass(frozen=True)
class FilledSheet:
    """A sheet with its rows. `relation` is the temporary table that has them, for files with types."""

    sheet: PackSheet
    table: Table
    relation: str


def fill(connection: Connection, result: MonthResult) -> Iterator[FilledSheet]:
    """Give every sheet of a compared month with its rows, the summary first."""
    yield _summary(connection, result)
    for sheet in SHEETS:
        relation = f"pack_{sheet.file.replace('-', '_')}"
        query = load_sql(f"reports/month/pack/{sheet.sql}.sql")
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {relation} AS {query}", {"month": result.month, **sheet.values}
        )
        rows = dicts(connection.execute(f"FROM {relation}"))
        yield FilledSheet(sheet, Table(sheet.name, sheet.columns, rows, _totals(sheet, rows)), relation)


def _totals(sheet: PackSheet, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the totals of each currency. An amount that is not known in some rows is the sum of the others, and the
    first cell says of how many rows it is without; one that is known in no row stays unknown.
    """
    columns = [column for column in sheet.columns if column.name in sheet.totals]
    label = sheet.columns[0].name
    totals = totals_by_currency(rows, columns, label) if columns else []
    for total in totals:
        of_currency = [row for row in rows if (row["currency"] or "?") == total["currency"]]
        without = 0
        for column in (column for column in columns if total[column.name] is None):
            known = [row[column.name] for row in of_currency if row[column.name] is not None]
            if known:
                total[column.name] = sum(known, Decimal(0))
                without = max(without, len(of_currency) - len(known))
        total[label] = f"Total ({without:,} not known)" if without else "Total"
    return totals


def _summary(connection: Connection, result: MonthResult) -> FilledSheet:
    rows: list[dict[str, Any]] = [{"figure": name, "value": value} for name, value in summary_facts(result)]
    for currency, sums in by_currency(result).items():
        rows += [
            {"figure": label, "amount": sums.get(name, Decimal(0)), "currency": currency} for name, label, _ in MONEY
        ]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE pack_summary "
        "(figure VARCHAR, value VARCHAR, amount DECIMAL(28,10), currency VARCHAR)"
    )
    with connection.appender("pack_summary") as appender:
        appender.append_rows([tuple(row.get(column.name) for column in _SUMMARY) for row in rows])
    sheet = PackSheet("Summary", _SUMMARY, "")
    return FilledSheet(sheet, Table("Summary", _SUMMARY, rows), "pack_summary")


def summary_facts(result: MonthResult) -> list[tuple[str, str]]:
    """Return what is true of the whole month, as names and texts."""
    closing = result.closing
    counts = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in result.counts.items())
    return [
        ("Month", formatting.month_name(result.month)),
        ("Result", result.sentence),
        ("Compared on", str(result.head["today"])),
        ("Pax8 invoices", str(result.head["invoices"])),
        ("Rows by class", counts or "none"),
        ("Open rows", str(len(result.open_rows))),
        ("Acknowledged rows", str(len(result.acknowledged_rows))),
        ("Invoiced = explained + not explained", "yes, to the cent" if result.ties else "NO"),
        ("Closed", f"{formatting.moment(closing.closed_at)} by {closing.closed_by}" if closing else "no"),
        *((("Changed since", f"{len(result.changes)}"),) if closing else ()),
        *((("SHA-256 over the closed rows", closing.checksum),) if closing else ()),
    ]
