"""`pax8-pipeline writer`: which data folder writes usage into this Halo tenant."""

from __future__ import annotations

import click

from pax8_pipeline.billing.ledger import writer as writers
from pax8_pipeline.billing.ledger.backup import restore
from pax8_pipeline.clock import utc_now
from pax8_pipeline.commands.common import json_option, notify, print_json, user_name
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse


@click.group()
def writer() -> None:
    """Show who writes usage into this Halo, or confirm that it is this data folder."""


@writer.command(epilog="\b\nExamples:\n  pax8-pipeline writer show")
@json_option
def show(as_json: bool) -> None:
    """Show this folder's identity, and the usage invoices of other folders, as the last run saw them."""
    with _warehouse(data_target(load_settings(), notify)).connect() as connection:
        mine, others = writers.own(connection), writers.foreign(connection)
        retired = sorted(writers.retired(connection))
    if as_json:
        print_json({"writer": mine, "others": others, "retired": retired})
        return
    click.echo(f"this data folder: {mine or 'no identity yet; its first apply makes one'}")
    for row in others:
        click.echo(
            f"another data folder: {row['writer']}, {plural(row['documents'], 'usage document')}, {row['usage_key']}"
        )
    for name in retired:
        click.echo(f"retired: {name}")


@writer.command(
    epilog="\b\nExamples:\n  pax8-pipeline writer claim --why 'moved to the new server' --by Ada\n\n"
    "Stop the other installation first. A document that it writes later stops this folder again."
)
@click.option("--why", required=True, help="The reason, for the record.")
@click.option("--by", "who", default="", help="Who confirms; the user of this machine unless given.")
@json_option
def claim(why: str, who: str, as_json: bool) -> None:
    """Confirm that this data folder is now the one that writes usage. Nothing is written to Halo."""
    warehouse = _warehouse(data_target(load_settings(), notify))
    done = writers.claim(warehouse, utc_now(), who=who or user_name(), why=why)
    if as_json:
        print_json({"writer": done.writer, "retired": list(done.retired)})
        return
    others = f"; retired: {', '.join(done.retired)}" if done.retired else "; no other writer was known"
    click.echo(f"this data folder ({done.writer}) writes usage now{others}. Run again: pax8-pipeline run")


def _warehouse(settings: Settings) -> Warehouse:
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.ensure_schema()
    restored = restore(warehouse, settings.backups_path)
    if restored:
        notify(restored.sentence)
    return warehouse
