"""`pax8-pipeline explain`: the whole history of one id, or of the client or company that a name means."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pax8_pipeline.commands.common import json_option, notify
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.explain import history, text
from pax8_pipeline.reports.explain.names import Named
from pax8_pipeline.settings import load_settings
from pax8_pipeline.text.plaintext import one_line, show_hidden
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

_LISTED = 20


@click.command(
    # The id of a recurring invoice starts with a minus sign. It must not be read as an option.
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nExamples:\n"
    "  pax8-pipeline explain 'Quarry Lane'                             a client of Halo or a company of Pax8\n"
    "  pax8-pipeline explain c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a02     a Pax8 subscription\n"
    "  pax8-pipeline explain 4127 --kind licence                       a Halo licence, where a line has that id too\n"
    "  pax8-pipeline explain -94                                       a recurring invoice\n"
    "  pax8-pipeline explain 'PAX8-USAGE 2026-10 5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11'   a company's usage of a month\n"
    "  pax8-pipeline explain 7001 --kind halo_invoice                  an invoice that was made of it\n"
    "  pax8-pipeline explain 20260820-060000-1a2b3c4d-9f8e             a plan; PLAN/ROW for one row of it\n\n"
    "An id that names several things (a licence, a line and a ledger entry may share a number) shows the history of each. "
    "A name that fits several clients or companies lists them with the command for each.",
)
@click.argument("id_or_name", metavar="ID_OR_NAME")
@click.option("--kind", type=click.Choice(history.KINDS), help="Only what the id or the name means as this.")
@json_option
def explain(id_or_name: str, kind: str | None, as_json: bool) -> None:
    """Show everything about ID_OR_NAME in time order: Pax8, Halo, rule, plan, approval, what was sent and read back.

    It is a Pax8 subscription, a Halo licence or line, a recurring invoice (negative), a plan, a row of it, or the
    number of a ledger entry. For usage: a usage key, the Halo invoice made for it, a usage summary, or a Pax8 invoice
    item. For a client of Halo or a company of Pax8: its id, its name, or a part of its name.
    """
    settings = data_target(load_settings(), notify)
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        try:
            histories = history.explain(connection, id_or_name, kind)
        except history.SeveralNames as error:
            _show_choices(id_or_name, error.matches, as_json)
            raise
    if as_json:
        click.echo(formatting.to_json(history.as_data(id_or_name, histories)))
        return
    click.echo("\n\n".join(show_hidden("\n".join(text.history_lines(one))) for one in histories))


def _show_choices(wanted: str, matches: Sequence[Named], as_json: bool) -> None:
    """Show the clients and companies that a name fits, the largest first, with the command that chooses each."""
    largest_first = sorted(matches, key=lambda match: -match.subscriptions)
    if as_json:
        choices = [{"kind": m.kind, "id": m.id, "name": m.name} for m in largest_first]
        click.echo(formatting.to_json({**history.as_data(wanted, []), "choices": choices}))
        return
    for match in largest_first[:_LISTED]:
        owns = plural(match.subscriptions, "subscription")
        click.echo(f"{one_line(match.name)} ({text.KIND_NAMES[match.kind]}, {owns})")
        click.echo(f"  pax8-pipeline explain {match.id} --kind {match.kind}")
    if len(largest_first) > _LISTED:
        click.echo(f"and {len(largest_first) - _LISTED} more; type more of the name")
