"""A stored plan as people and programs read it: Markdown, HTML, CSV and JSON, and the files of the report.

Contains: which parts an output has. Does not contain: figures (they are in billing.plan and billing.plans), the texts of a
row (`plan_rows`), layout (`templates`). The JSON has a version, `schema`; a member is only ever added under it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pax8_pipeline.billing import approvals, findings
from pax8_pipeline.billing.ledger import ledger
from pax8_pipeline.billing.model import Plan
from pax8_pipeline.billing.planning import planner
from pax8_pipeline.reports import plan_rows, table, usage_report
from pax8_pipeline.reports.formatting import to_json
from pax8_pipeline.reports.page import page
from pax8_pipeline.reports.page.context import ReportContext
from pax8_pipeline.reports.plan_facts import plan_facts
from pax8_pipeline.reports.plan_rows import COLUMNS, Row, shown_row
from pax8_pipeline.reports.rendering import render
from pax8_pipeline.reports.table import Column, Table
from pax8_pipeline.text import textfiles
from pax8_pipeline.text.private_files import make_folder
from pax8_pipeline.warehouse.connection import Connection, Warehouse

SCHEMA = "pax8-pipeline/plan/1"
ALL_ROWS = 100_000

# The columns of the CSV are known to other programs.
_CSV = ("class", "verdict", "action", "reason", "sentence", "client_id", "client_name", "company_id", "company_name",
        "subscription_id", "product_name", "target", "before", "after", "delta", "unit_price", "currency",
        "money_per_period", "money_per_month", "unbilled_per_month", "state", "row_id", "since", "acknowledged")  # fmt: skip


def plan_markdown(connection: Connection, plan_id: str, limit: int = 60, rows: Sequence[Row] | None = None) -> str:
    """Return a plan as Markdown: its figures, then a table of at most `limit` rows; rows that need nothing are left out.

    `rows`: those rows, where they have been read already.
    """
    plan = planner.load_plan(connection, plan_id)
    if rows is None:
        rows = plan_rows.plan_rows(connection, plan_id, no_ops=False)
    shown = Table("Plan", COLUMNS, [shown_row(row) for row in rows])
    return render("plan.md.j2", plan=plan, facts=plan_facts(connection, plan), rows=shown, limit=limit)


def plan_json(connection: Connection, plan_id: str, rows: Sequence[Row] | None = None) -> dict[str, Any]:
    """Return a plan as data: money and quantities as decimal text, times ISO in UTC. `rows`: all its rows, where they have
    been read already.
    """
    plan = planner.load_plan(connection, plan_id)
    if rows is None:
        rows = plan_rows.plan_rows(connection, plan_id)
    return {
        "schema": SCHEMA,
        "plan": {name: getattr(plan, name) for name in Plan.__dataclass_fields__},
        "approvals": approvals.list_approvals(connection, plan_id),
        "written": ledger.states(connection, plan_id),
        "rows": [{**row, "expect": json.loads(row["expect"]), "evidence": json.loads(row["evidence"])} for row in rows],
    }


def plan_csv(rows: Iterable[Row]) -> str:
    """Return plan rows as CSV for a spreadsheet."""
    shown = [{**row, "since": plan_rows.since(row), "acknowledged": findings.acknowledgement_text(row)} for row in rows]
    return table.csv_text(Table("Plan", [Column(name, name) for name in _CSV], shown))


def plan_html(
    connection: Connection, plan_id: str, context: ReportContext | None = None, rows: Sequence[Row] | None = None
) -> str:
    """Return the report of a plan as one HTML page that needs nothing else (`page`)."""
    return page.page(connection, plan_id, context or ReportContext(), rows)


def write_report(warehouse: Warehouse, plan_id: str, folder: Path, context: ReportContext | None = None) -> Path:
    """Write the report as Markdown, HTML, CSV and JSON into `folder` and return the HTML file's path.

    Beside the plan they show usage as it was last reconciled (`usage_report`); the CSV has the plan alone. `context`: what
    is taken from the settings.
    """
    make_folder(folder)
    with warehouse.connect() as connection:
        usage = usage_report.load_usage(connection, plan_id)
        rows = plan_rows.plan_rows(connection, plan_id)
        shown = plan_rows.plan_rows(connection, plan_id, no_ops=False)
        data = {**plan_json(connection, plan_id, rows), "usage": usage_report.as_data(usage)}
        texts = {
            "md": f"{plan_markdown(connection, plan_id, ALL_ROWS, shown)}\n\n{usage_report.markdown(usage)}\n",
            "html": plan_html(connection, plan_id, context, shown),
            "csv": plan_csv(rows),
            "json": to_json(data, indent=None),  # indenting 20,000 rows takes seconds
        }
    for ending, text in texts.items():
        textfiles.write(folder / f"plan-{plan_id}.{ending}", text)
    return folder / f"plan-{plan_id}.html"
