"""`pax8-pipeline cutover`: how to leave Halo's own Pax8 integration."""

from __future__ import annotations

from pathlib import Path

import click

from pax8_pipeline.commands.common import json_option, notify
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.cutover import checklist as report
from pax8_pipeline.reports.cutover import text
from pax8_pipeline.settings import load_settings
from pax8_pipeline.text import textfiles
from pax8_pipeline.warehouse.connection import Warehouse

_ROWS = 20


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline cutover                       the steps, and the rows with the most money of each list\n"
    "  pax8-pipeline cutover --out cutover.md      everything, to send to others\n\n"
    "It reads the data of the last run, and writes only the file that you name."
)
@json_option
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the whole report to this Markdown file."
)
def cutover(as_json: bool, out: Path | None) -> None:
    """Show how to leave Halo's own Pax8 integration: what is on, linked, missing or at risk, and the steps."""
    settings = data_target(load_settings(), notify)
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        checklist = report.cutover(connection)
    if out:
        textfiles.write(out, text.markdown(checklist))
        notify(f"written to {out}")
    if as_json:
        click.echo(formatting.to_json(report.as_data(checklist)))
    elif not out:
        click.echo(text.markdown(checklist, limit=_ROWS), nl=False)
