"""The spreadsheet of `report --xlsx`: which tables its sheets show. Cells are in `spreadsheet`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pax8_pipeline.billing import findings
from pax8_pipeline.billing.planning import planner
from pax8_pipeline.reports import formatting, frames, plan_rows
from pax8_pipeline.reports.overview.figures import Seats, load_money
from pax8_pipeline.reports.page import client_tables
from pax8_pipeline.reports.page.context import ReportContext
from pax8_pipeline.reports.page.plan_tables import plan_tables
from pax8_pipeline.reports.page.tiles import Tile, tiles
from pax8_pipeline.reports.spreadsheet import Sheet, write_workbook
from pax8_pipeline.reports.table import Column, Table, totals_by_currency
from pax8_pipeline.warehouse.connection import Connection

_UNKNOWN = formatting.NOT_KNOWN
_SUMMARY = (Column("figure", "Figure"), Column("value", "Value"), Column("about", "What it is"))
_ALL_ROWS = (
    Column("class", "Class"),
    Column("verdict", "Verdict"),
    Column("client", "Client"),
    Column("client_id", "Halo client id", "id"),
    Column("company_id", "Pax8 company id", "id"),
    Column("product_name", "Product"),
    Column("subscription_id", "Subscription id", "id"),
    Column("action", "Action"),
    Column("target", "Target"),
    Column("before", "Before"),
    Column("after", "After"),
    Column("money_per_month", "Money a month", "money"),
    Column("unbilled_per_month", "Not billed a month", "money"),
    Column("currency", "Currency"),
    Column("state", "Result"),
    Column("since", "Since", "date"),
    Column("mark", "Acknowledged"),
    Column("sentence", "Why"),
    Column("row_id", "Row id", "id"),
)
_MARGIN = (
    Column("client", "Client"),
    Column("product", "Product"),
    Column("quantity", "Seats at Pax8", "count"),
    Column("cost", "Cost a month", "money", unknown=_UNKNOWN),
    Column("cost_source", "Cost known by"),
    Column("billed", "Billed a month", "money", unknown=_UNKNOWN),
    Column("margin", "Margin a month", "money", unknown=_UNKNOWN),
    Column("currency", "Currency"),
    Column("verdict", "Verdict"),
    Column("subscription_id", "Subscription id", "id"),
)


def write_spreadsheet(connection: Connection, plan_id: str, context: ReportContext, path: Path) -> None:
    """Write the spreadsheet of one plan. Raises PipelineError when there is no such plan or the file cannot be written."""
    plan = planner.load_plan(connection, plan_id)
    rows = plan_rows.plan_rows(connection, plan_id)
    newest = plan_id == planner.latest_plan_id(connection)
    open_findings = findings.open_findings(connection, plan_id) if newest else None
    money = load_money(connection, plan)
    found = findings.add_up(open_findings) if open_findings is not None else None
    tables = plan_tables([row for row in rows if row["class"] != "no_op"], open_findings, context.addresses)
    sheets = [
        Sheet("Summary", _summary(plan_id, tiles(plan, money, rows, found))),
        Sheet("Changes", _together("Changes", tables["changes"], tables["waiting"])),
        Sheet("Not billed", tables["losses"]),
        Sheet("Held", _together("Held", tables["blocked"], tables["overcharges"], tables["acknowledged"])),
        Sheet("Usage by client", _usage(connection)),
        Sheet("Margin", _margin(money.now.seats)),
        Sheet("All rows", Table("All rows", _ALL_ROWS, [_plan_row(row) for row in rows])),
    ]
    write_workbook(path, sheets)


def _summary(plan_id: str, first: Sequence[Tile]) -> Table:
    rows = [{"figure": "Plan", "value": plan_id, "about": ""}]
    for tile in first:
        for figure in tile.figures:
            title = f"{tile.title}, {tile.period}" if tile.period else tile.title
            rows.append({"figure": title, "value": f"{figure.text} {figure.note}".strip(), "about": tile.about})
        rows += [{"figure": "", "value": line, "about": ""} for line in tile.lines]
    return Table("Summary", _SUMMARY, rows)


def _together(title: str, *tables: Table) -> Table:
    """Return tables as one; its columns are those of all of them, in their order."""
    columns = {column.name: column for table in tables for column in table.columns if column.kind != "links"}
    rows = [{**row, "list": table.title} for table in tables for row in table.rows]
    return Table(title, [Column("list", "List"), *columns.values()], rows)


def _usage(connection: Connection) -> Table:
    usage = frames.months_beside(frames.frame(frames.usage_rows(connection)), ["client", "product"])
    months = [name for name in usage.columns if name not in ("client", "product", "currency")]
    columns = [
        Column("client", "Client"),
        Column("product", "Product"),
        Column("currency", "Currency"),
        *(Column(month, month, "money") for month in months),
    ]
    rows: list[dict[str, Any]] = usage.to_dict("records")
    filled = [{**row, **{month: row[month] or Decimal(0) for month in months}} for row in rows]
    return Table("Usage by client", columns, rows, totals_by_currency(filled, columns, "client"))


def _margin(seats: Seats | None) -> Table:
    rows = [] if seats is None else [{**row, "cost_source": _SOURCES.get(row["cost_source"], "")} for row in seats.rows]
    totals = [
        {"client": "Total of what is known", "currency": currency, "cost": seats.cost.get(currency),
         "billed": seats.billed.get(currency), "margin": seats.margin.get(currency)}
        for currency in (dict.fromkeys((*seats.cost, *seats.billed)) if seats else ())
        if seats
    ]  # fmt: skip
    return Table(client_tables.TITLE, _MARGIN, rows, totals)


_SOURCES = {"list": "Pax8's list", "invoice": "newest approved invoice"}


def _plan_row(row: plan_rows.Row) -> dict[str, Any]:
    return {
        **row,
        "client": plan_rows.client(row),
        "after": plan_rows.after(row),
        "since": row["since"],
        "mark": findings.acknowledgement_text(row),
    }
