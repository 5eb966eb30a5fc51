"""`pax8-pipeline plan list`: the stored plans, the newest first."""

from __future__ import annotations

import click

from pax8_pipeline.commands.common import console, json_option, notify, print_json, print_table
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.table import Column, Table
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

_COLUMNS = (
    Column("plan_id", "Plan", "id"),
    Column("made", "Made (UTC)", "id"),
    Column("planned", "Planned", "count"),
    Column("waiting", "Waits", "count"),
    Column("held_back", "Held", "count"),
    Column("written", "Written", "count"),
    Column("note", "Note"),
)

_WITH_TIME = 80  # columns


@click.command("list", epilog="\b\nExample:\n  pax8-pipeline plan list --limit 5")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Show this many.")
@json_option
def list_plans(limit: int, as_json: bool) -> None:
    """List the stored plans, the newest first, with what was written of each."""
    settings = data_target(load_settings(), notify)
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        rows = dicts(connection.execute(load_sql("commands/plan/list.sql"), {"limit": limit}))
    if as_json:
        print_json({"schema": "pax8-pipeline/plans/1", "plans": rows})
        return
    if not rows:
        click.echo("No plan has been made yet: pax8-pipeline run")
        return
    for row in rows:
        row["made"] = formatting.moment(row["made_at"]).removesuffix(" UTC")
        row["note"] = "held whole" if row["held"] else "not to be applied" if row["problem"] else ""
    out = console()
    # The id of a plan begins with the time when it was made.
    columns = [column for column in _COLUMNS if column.name != "made" or out.width >= _WITH_TIME]
    print_table(out, Table("Plans", columns, rows).without_empty_columns())
