"""`pax8-pipeline renewals`: the calendar of commitments and renewals, and the moves of lines that a person may accept."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from pax8_pipeline.commands.common import console, json_option, notify, print_json, print_table, styled
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.mapping.writing import Decision, write_decisions
from pax8_pipeline.reports.renewals.icalendar import icalendar
from pax8_pipeline.reports.renewals.renewals import (
    ABOUT_SEATS,
    DAYS_AHEAD,
    Renewals,
    calendar_table,
    load_renewals,
    move_lines,
    moves_table,
    short_calendar,
)
from pax8_pipeline.reports.table import csv_text
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text import textfiles
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

_WIDEST = 100
EPILOG = """\b
Examples:
  pax8-pipeline renewals                           the next 90 days, and proposed moves
  pax8-pipeline renewals --ics --out renewals.ics  for a calendar program
  pax8-pipeline renewals --csv --out renewals.csv  for a spreadsheet
  pax8-pipeline renewals --accept ID               the new subscription ID carries the line on

It uses what the last run read. --accept adds a row to data/mappings/subscriptions.csv."""


@click.command(epilog=EPILOG)
@click.option("--days", type=click.IntRange(0, 3660), default=DAYS_AHEAD, show_default=True, help="How far ahead.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the calendar as CSV.")
@click.option("--ics", "as_ics", is_flag=True, help="Print the calendar as iCalendar (RFC 5545).")
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    metavar="ID",
    help="Accept the move to this new subscription; repeat for several.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the CSV or iCalendar to this file.")
@json_option
def renewals(days: int, as_csv: bool, as_ics: bool, accepted: tuple[str, ...], out: Path | None, as_json: bool) -> int:
    """Show which commitments, trials and cancellations end, and which lines may move to a new subscription.

    Writes nothing to Halo.
    """
    if as_csv + as_ics + as_json + bool(accepted) > 1:
        raise click.UsageError("use one of --csv, --ics, --json and --accept")
    if out and not (as_csv or as_ics):
        raise click.UsageError("--out needs --csv or --ics")
    settings = data_target(load_settings(), notify)
    found = _load(settings, settings.today, days)
    if accepted:
        _accept(settings, found, accepted)
    elif as_csv:
        _output(csv_text(calendar_table(found)), out)
    elif as_ics:
        _output(icalendar(found), out)
    elif as_json:
        print_json(
            {
                "schema": "pax8-pipeline/renewals/1",
                "today": found.today,
                "days": found.days,
                "events": [dict(event) for event in found.events],
                "moves": [dict(move) for move in found.moves],
            }
        )
    else:
        _print(found)
    return 0


def _output(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
        return
    textfiles.write(out, text)
    notify(f"written to {out}")


def _load(settings: Settings, today: date, days: int) -> Renewals:
    if not settings.warehouse_path.exists():
        raise PipelineError(f"{settings.warehouse_path} does not exist yet: run `pax8-pipeline run` first")
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.ensure_schema()
    with warehouse.connect() as connection:
        return load_renewals(connection, today, days)


def _print(found: Renewals) -> None:
    out = console()
    width = min(out.width, _WIDEST)
    if found.events:
        print_table(out, short_calendar(found))
        for line in textwrap.wrap(ABOUT_SEATS, width):
            out.print(line, soft_wrap=True)
    else:
        out.print(f"No commitment, trial or cancellation ends within {plural(found.days, 'day')}.", soft_wrap=True)
    if found.moves:
        out.print()
        out.print(styled((moves_table(found).title, "bold")), soft_wrap=True)
        for line in move_lines(found, width):
            out.print(line, soft_wrap=True)
        out.print("If one is right: `pax8-pipeline renewals --accept ID`.", soft_wrap=True)


def _accept(settings: Settings, found: Renewals, accepted: Sequence[str]) -> None:
    by_new = {move["new_subscription_id"]: move for move in found.moves}
    unknown = [name for name in accepted if name.lower() not in by_new]
    if unknown:
        raise PipelineError(
            f"no move to {', '.join(unknown)} is proposed; `pax8-pipeline renewals` shows all. Nothing was written"
        )
    chosen = [by_new[name] for name in dict.fromkeys(name.lower() for name in accepted)]
    decisions = [
        Decision(
            "subscription",
            move["new_subscription_id"],
            recurring_invoice_id=move["recurring_invoice_id"],
            line_id=move["line_id"],
            licence_id=move["licence_id"],
            note=f"moved from {move['old_subscription_id']}",
        )
        for move in chosen
    ]
    # The row of the old subscription stays: until its last day the line is its own.
    write_decisions(settings.mappings_path, decisions)
    out = console()
    for move in chosen:
        line = f"line {move['line_id']}"
        out.print(
            f"{line} goes over from {move['old_subscription_id']} to {move['new_subscription_id']} on {move['new_first_day']}",
            soft_wrap=True,
        )
    out.print(f"Written to {settings.mappings_path / 'subscriptions.csv'}. The next run uses it.", soft_wrap=True)
