"""`pax8-pipeline report`: write the newest plan's report files again."""

from __future__ import annotations

from pathlib import Path

import click

from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.commands.common import notify
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.reports import formatting, plan_report
from pax8_pipeline.reports.page.context import ReportContext, report_context
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse.connection import Connection, Warehouse


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline report                     the newest plan, into data/reports\n"
    "  pax8-pipeline report --folder /srv/www\n"
    "  pax8-pipeline report --xlsx august.xlsx  a spreadsheet as well"
)
@click.argument("plan_id", required=False, metavar="[ID]")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Where to write; data/reports unless given."
)
@click.option(
    "--xlsx",
    "spreadsheet",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a spreadsheet: summary, changes, not billed, held, usage by client, margin, all rows.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the paths as JSON.")
def report(plan_id: str | None, folder: Path | None, spreadsheet: Path | None, as_json: bool) -> None:
    """Write a plan as HTML, Markdown, CSV and JSON files for people without a terminal."""
    settings = data_target(load_settings(), notify)
    warehouse = Warehouse(settings.warehouse_path)
    context = report_context(settings)
    with warehouse.connect(read_only=True) as connection:
        chosen = plans.chosen_plan_id(connection, plan_id)
        if spreadsheet:
            _write_spreadsheet(connection, chosen, context, spreadsheet)
    page = plan_report.write_report(warehouse, chosen, folder or settings.reports_path, context)
    files = sorted(str(path) for path in page.parent.glob(f"plan-{chosen}.*"))
    files += [str(spreadsheet)] if spreadsheet else []
    click.echo(formatting.to_json({"plan_id": chosen, "files": files}) if as_json else "\n".join(files))


def _write_spreadsheet(connection: Connection, plan_id: str, context: ReportContext, path: Path) -> None:
    from pax8_pipeline.reports.workbook import write_spreadsheet  # imports pandas and openpyxl, which take a second

    write_spreadsheet(connection, plan_id, context, path)
