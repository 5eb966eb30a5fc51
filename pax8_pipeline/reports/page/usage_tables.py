"""Usage on the page: by month, by client, by client and product, and what has no company."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pax8_pipeline.reports import usage_report
from pax8_pipeline.reports.page.context import ReportContext
from pax8_pipeline.reports.table import Column, Table, totals_by_currency
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

Row = Mapping[str, Any]


def months(usage: usage_report.Usage, context: ReportContext) -> Table:
    """Return the months of usage; those that are not billed by this product say so."""
    rows = [{**row, "state": month_state(row["month"], row["state"] or "", context)} for row in usage.months]
    return replace(usage.tables["months"], rows=rows)


def month_state(month: str, state: str, context: ReportContext) -> str:
    """Return the state of a month, and that it is before the first month that this product bills."""
    if context.first_month and month < context.first_month:
        return f"{state}, before the first month billed here"
    if context.policy_known and context.first_month is None:
        return f"{state}, not billed: usage.first_month is not set"
    return state


def by_client(connection: Connection, context: ReportContext) -> list[Table]:
    """Return usage of up to 13 months with a column for each month: by client, and by client and product."""
    rows = dicts(connection.execute(load_sql("reports/usage_by_month.sql")))
    if not rows:
        return []
    columns = _month_columns(rows, context)
    return [
        _pivot("Usage by client and month", (Column("client", "Client"),), rows, columns),
        _pivot(
            "Usage by client, product and month",
            (Column("client", "Client"), Column("product", "Product")),
            rows,
            columns,
        ),
    ]


def _month_columns(rows: Sequence[Row], context: ReportContext) -> list[Column]:
    so_far = {row["month"] for row in rows if row["is_estimate"]}
    found = []
    for month in sorted({row["month"] for row in rows}, reverse=True):
        early = bool(context.first_month and month < context.first_month)
        note = ", so far" if month in so_far else ", before billing here" if early else ""
        found.append(Column(month, f"{month}{note}", "money"))
    return found


def _pivot(title: str, keys: Sequence[Column], rows: Sequence[Row], columns: Sequence[Column]) -> Table:
    groups: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(dict)
    for row in rows:
        key = (row["company_id"], row["currency"], *(row[column.name] for column in keys))
        shown = groups[key]
        shown |= {"currency": row["currency"], **{column.name: row[column.name] for column in keys}}
        shown[row["month"]] = shown.get(row["month"], Decimal(0)) + row["amount"]
    newest = columns[0].name if len(columns) == 1 else columns[1].name  # the last whole month where there is one
    ordered = sorted(groups.values(), key=lambda row: -(row.get(newest) or Decimal(0)))
    totals = totals_by_currency(
        [{**dict.fromkeys((c.name for c in columns), Decimal(0)), **row} for row in ordered], columns, keys[0].name
    )
    return Table(title, [*keys, Column("currency", "Currency", size="short"), *columns], ordered, totals)
