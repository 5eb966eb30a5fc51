"""`pax8-pipeline month`: compares Pax8's list, its invoice and Halo's bill of one month, as the last run read them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from pax8_pipeline.billing import acknowledgements, exit_status, month_closing
from pax8_pipeline.clients import pax8_config
from pax8_pipeline.commands.common import console, details_option, json_option, notify, print_table, user_name
from pax8_pipeline.commands.target import data_target, existing_warehouse, open_target
from pax8_pipeline.errors import ConfigError, PipelineError
from pax8_pipeline.extract.subscription_histories import HistoriesRead, compare_month, read_histories
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.month import text
from pax8_pipeline.reports.month.result import MonthResult, as_data, read_month
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.transport.retry import RetryPolicy
from pax8_pipeline.warehouse.connection import Warehouse

_WIDEST = 120
# Histories are an addition: a Pax8 that does not answer must not keep the result for minutes.
_PATIENCE = RetryPolicy(tries=2, deadline_s=60.0, retry_after_max_s=30.0, refusals_for_s=60.0)
EPILOG = """\b
Examples:
  pax8-pipeline month                     the month of today
  pax8-pipeline month 2026-10             seats of October, and the usage of September
  pax8-pipeline month 2026-10 --details   all rows that do not agree
  pax8-pipeline month 2026-10 --json      everything, as data
  pax8-pipeline month 2026-10 --pack october          report, spreadsheet, CSV, Parquet and a page to sign
  pax8-pipeline month 2026-10 --close --by "A. Byron" store its rows with a checksum

What may stay: `pax8-pipeline acknowledge ROW --month 2026-10 --why TEXT`.

Exit codes: 0 all was checked and agrees or is acknowledged, 1 error, 2 something does not agree, was not checked, or
changed after the month was closed."""


@click.command(epilog=EPILOG)
@click.argument("month", required=False, metavar="[YYYY-MM]")
@click.option(
    "--pack", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER", help="Write the month-end pack there."
)
@click.option(
    "--close", is_flag=True, help="Close the month: store its rows and their checksum; later changes are reported."
)
@click.option("--by", metavar="NAME", help="Who closes the month; the user of this machine unless given.")
@click.option("--why", metavar="TEXT", help="Why the month is closed although something is open.")
@details_option
@json_option
def month(
    month: str | None, pack: Path | None, close: bool, by: str | None, why: str | None, details: bool, as_json: bool
) -> int:
    """Compare Pax8's list, its approved invoice and Halo's bill of a month.

    YYYY-MM is the month of the Pax8 invoice date. It uses what the last run read, asks Pax8 only for the history of
    subscriptions whose rows differ, and writes nothing to Halo.
    """
    settings = data_target(load_settings(), notify)
    if not close and (by or why):
        raise PipelineError("--by and --why belong to --close")
    result = compare(settings, _month(month, settings))
    if close:
        result = _close(settings, result.month, by, why)
    if pack:
        _write_pack(settings, result, pack)
    code = exit_status.DONE if result.agrees else exit_status.WAITS
    if as_json:
        click.echo(formatting.to_json(as_data(result, code)))
        return code
    out = console()
    for table in text.tables(result) if details else ():
        print_table(out, table)
    for line in text.lines(result, min(out.width, _WIDEST)):
        out.print(line, soft_wrap=True)
    if (result.open_rows or result.changes) and not details:
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

    Raises PipelineError when no run has read anything yet, ConfigError for a file of acknowledgements that cannot be read.
    """
    acknowledged = acknowledgements.load(settings.acknowledged_path)
    warehouse = existing_warehouse(settings)
    acknowledgements.store(warehouse, acknowledged)
    compare_month(warehouse, settings, month, lambda needed: _read_histories(warehouse, settings, needed))
    return _stored(warehouse, month)


def _read_histories(warehouse: Warehouse, settings: Settings, needed: Sequence[str]) -> HistoriesRead:
    """Ask Pax8 for histories. Without credentials nothing is read."""
    try:
        with open_target(load_settings(), lambda _: None) as live:
            config = replace(pax8_config(live, threads=4), retry=_PATIENCE)
            with Pax8Client(config) as client:
                return read_histories(warehouse, client, needed, settings.today, f"month-{uuid.uuid4()}")
    except ConfigError as error:
        return HistoriesRead(len(needed), problem=str(error))


def _stored(warehouse: Warehouse, month: str) -> MonthResult:
    with warehouse.connect() as connection:
        result = read_month(connection, month)
    assert result is not None
    return result


def _close(settings: Settings, month: str, by: str | None, why: str | None) -> MonthResult:
    """Close a compared month, copy all closings beside the backups, and return the month with its closing."""
    who = (by if by is not None else user_name()).strip()
    if not who:
        raise PipelineError("a closed month needs a name: give --by NAME or set USER")
    warehouse = existing_warehouse(settings)
    month_closing.close(warehouse, month, who, " ".join((why or "").split()))
    month_closing.save_copy(warehouse, settings.backups_path)
    return _stored(warehouse, month)


def _write_pack(settings: Settings, result: MonthResult, folder: Path) -> None:
    from pax8_pipeline.reports.month.pack.files import write_pack  # openpyxl and jinja2 take a second

    with existing_warehouse(settings).connect() as connection:
        files = write_pack(connection, result, folder)
    notify(f"{plural(len(files), 'file')} written to {folder}")
