"""`pax8-pipeline month`: compares Pax8's list, its invoice and Halo's bill of one month, as the last run read them."""

from __future__ import annotations

import re

import click

from pax8_pipeline.billing import exit_status
from pax8_pipeline.commands.common import console, details_option, json_option, notify, print_table
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.errors import ConfigError, PipelineError
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.month import text
from pax8_pipeline.reports.month.result import MonthResult, as_data, read_month
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.warehouse import build
from pax8_pipeline.warehouse.connection import Warehouse

_WIDEST = 120
EPILOG = """\b
Examples:
  pax8-pipeline month                     the month of today
  pax8-pipeline month 2026-10             seats of October, and the usage of September
  pax8-pipeline month 2026-10 --details   all rows that do not agree
  pax8-pipeline month 2026-10 --json      everything, as data

Exit codes: 0 all was checked and agrees, 1 error, 2 something does not agree or was not checked."""


@click.command(epilog=EPILOG)
@click.argument("month", required=False, metavar="[YYYY-MM]")
@details_option
@json_option
def month(month: str | None, details: bool, as_json: bool) -> int:
    """Compare Pax8's list, its approved invoice and Halo's bill of a month.

    YYYY-MM is the month of the Pax8 invoice date. It uses what the last run read, and writes nothing to Halo.
    """
    settings = data_target(load_settings(), notify)
    result = compare(settings, _month(month, settings))
    code = exit_status.DONE if result.agrees else exit_status.WAITS
    if as_json:
        click.echo(formatting.to_json(as_data(result, code)))
        return code
    out = console()
    for table in text.tables(result) if details else ():
        print_table(out, table)
    for line in text.lines(result, min(out.width, _WIDEST)):
        out.print(line, soft_wrap=True)
    if result.open_rows and not details:
        out.print(f"All rows: `pax8-pipeline month {result.month} --details`", soft_wrap=True)
    return code


def _month(given: str | None, settings: Settings) -> str:
    if given is None:
        return f"{settings.today:%Y-%m}"
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", given):
        raise ConfigError(f"{given!r} is not a month; write it as 2026-10")
    return given


def compare(settings: Settings, month: str) -> MonthResult:
    """Compare a month, store the result in the warehouse, and return it.

    Raises PipelineError when no run has read anything yet.
    """
    if not settings.warehouse_path.exists():
        raise PipelineError(f"{settings.warehouse_path} does not exist yet: run `pax8-pipeline run` first")
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.ensure_schema()
    build.build_month(warehouse, month, build.variables(settings.today, settings.policy))
    with warehouse.connect() as connection:
        result = read_month(connection, month)
    assert result is not None
    return result
