"""`pax8-pipeline mapping suggest`: what of Pax8 is perhaps what of Halo, by the data of the last run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from pax8_pipeline.commands.common import console, json_option, notify, print_table
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.mapping.suggestion import FLOOR, KINDS, Kind, Suggestion
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.mapping.suggestions import Suggester, as_data
from pax8_pipeline.reports.mapping.tables import file_table, money_of, short_table
from pax8_pipeline.reports.spreadsheet import Sheet, write_workbook
from pax8_pipeline.reports.table import csv_text
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text import textfiles
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

_ROWS = 20
EPILOG = f"""\b
Examples:
  pax8-pipeline mapping suggest                          the suggestions with the most money
  pax8-pipeline mapping suggest --kind client --all      all of one kind
  pax8-pipeline mapping suggest --output map.xlsx        a file with a column to mark what is right

A score of {FLOOR} or more is sure enough to accept after a glance; below it, look. Nothing is written and nothing is
billed by a suggestion before `pax8-pipeline mapping accept`. It reads the data of the last run."""


@click.command(epilog=EPILOG)
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only this kind; may be repeated.")
@click.option("--min", "least", type=click.IntRange(0, 100), default=0, help="Only scores of at least this.")
@click.option("--all", "every", is_flag=True, help=f"Print every suggestion and not only {_ROWS}.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write them into this file (.csv or .xlsx) for `mapping accept`.",
)
@json_option
def suggest(kinds: Sequence[Kind], least: int, every: bool, output: Path | None, as_json: bool) -> None:
    """Suggest what belongs together: companies and clients, subscriptions and lines, products and items, usage groups.

    Each has a score from 0 to 100, reasons, the runner-up, and its money a month.
    """
    settings = data_target(load_settings(), notify)
    found = [s for s in find_suggestions(settings, kinds or KINDS) if s.best.score >= least]
    if output:
        write_suggestions(output, found)
        notify(f"{plural(len(found), 'suggestion')} written to {output}: write `yes` into the column `accept` of those that "
               f"are right, then run `pax8-pipeline mapping accept {output}`")  # fmt: skip
    if as_json:
        click.echo(formatting.to_json([as_data(s) for s in found]))
    elif not output:
        _print(found, every)


def find_suggestions(settings: Settings, kinds: Sequence[Kind]) -> list[Suggestion]:
    """Return the suggestions by the data of the last run and the mapping files as they are now."""
    mappings = load_mappings(settings.mappings_path)
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        return Suggester(connection, mappings, settings.policy.usage).suggestions(kinds)


def write_suggestions(path: Path, found: Sequence[Suggestion]) -> None:
    """Write a file of suggestions. Raises PipelineError for another ending than .csv and .xlsx."""
    ending = path.suffix.lower()
    if ending == ".xlsx":
        write_workbook(path, [Sheet("Suggestions", file_table(found))])
    elif ending == ".csv":
        textfiles.write(path, csv_text(file_table(found)))
    else:
        raise PipelineError(f"{path}: name a file that ends with .csv or .xlsx")


def _print(found: Sequence[Suggestion], every: bool) -> None:
    out = console()
    if not found:
        out.print(
            "Nothing to suggest: everything has its place, or nothing in Halo is like it. See `pax8-pipeline mapping check`."
        )
        return
    shown_rows = found if every else found[:_ROWS]
    sure = [s for s in found if s.is_sure]
    print_table(out, short_table(shown_rows, f"Suggestions ({len(found)})"))
    if len(shown_rows) < len(found):
        out.print(f"{len(found) - len(shown_rows)} more: --all, or --output FILE", soft_wrap=True)
    out.print(f"{len(sure)} of {len(found)} have a score of {FLOOR} or more ({formatting.amounts(money_of(sure))} a month).",
              soft_wrap=True)  # fmt: skip
    out.print("Next: pax8-pipeline mapping review, or pax8-pipeline mapping suggest --output map.xlsx", soft_wrap=True)
