"""`pax8-pipeline explain`: the whole history of one id."""

from __future__ import annotations

import click

from pax8_pipeline.commands.common import json_option, notify
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.explain import history as stories
from pax8_pipeline.reports.explain import text
from pax8_pipeline.settings import load_settings
from pax8_pipeline.text.plaintext import show_hidden
from pax8_pipeline.warehouse.connection import Warehouse


@click.command(
    # The id of a recurring invoice starts with a minus sign. It must not be read as an option.
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nExamples:\n"
    "  pax8-pipeline explain c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a02     a Pax8 subscription\n"
    "  pax8-pipeline explain 4127 --kind licence                       a Halo licence, where a line has that id too\n"
    "  pax8-pipeline explain -94                                       a recurring invoice\n"
    "  pax8-pipeline explain 'PAX8-USAGE 2026-10 5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11'   a company's usage of a month\n"
    "  pax8-pipeline explain 7001 --kind halo_invoice                  an invoice that was made of it\n"
    "  pax8-pipeline explain 20260820-060000-1a2b3c4d-9f8e             a plan; PLAN/ROW for one row of it\n\n"
    "An id that names several things (a licence, a line and a ledger entry may share a number) shows the history of each.",
)
@click.argument("id_", metavar="ID")
@click.option("--kind", type=click.Choice(stories.KINDS), help="Only what the id means as this.")
@json_option
def explain(id_: str, kind: str | None, as_json: bool) -> None:
    """Show everything about ID in time order: Pax8, Halo, rule, plan, approval, what was sent and read back.

    ID is a Pax8 subscription, a Halo licence or line, a recurring invoice (negative), a plan, a row of it, or the
    number of a ledger entry. For usage: a usage key, the Halo invoice made for it, a usage summary, or a Pax8 invoice
    item.
    """
    settings = data_target(load_settings(), notify)
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        histories = stories.explain(connection, id_, kind)
    if as_json:
        click.echo(formatting.to_json(stories.as_data(id_, histories)))
        return
    click.echo("\n\n".join(show_hidden("\n".join(text.history_lines(history))) for history in histories))
