"""`pax8-pipeline mapping check`: what is unmapped, with its money, and which rows of the mapping files are wrong."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pax8_pipeline.billing import exit_status
from pax8_pipeline.commands.common import console, json_option, notify, print_table
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.mapping.suggestion import shown
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.mapping.problems import MappingState, Problem, Unmapped, examine, money, unmapped_data
from pax8_pipeline.reports.mapping.tables import KIND_NAMES
from pax8_pipeline.reports.table import Column, Table
from pax8_pipeline.settings import load_settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

SCHEMA = "pax8-pipeline/mapping-check/1"
_ROWS = 20
_ERROR = 1
_UNMAPPED = (
    Column("money", "Money a month"),
    Column("kind", "Kind", size="short"),
    Column("name", "Pax8"),
    Column("why", "Why"),
    Column("perhaps", "Perhaps"),
)
_PROBLEMS = (Column("file", "File"), Column("rows", "Rows"), Column("sentence", "What"))


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline mapping check           what is open, the most money first\n"
    "  pax8-pipeline mapping check --json    for CI\n\n"
    "Exit codes: 0 nothing is open, 1 a row is wrong (a dead link, one line for two subscriptions) or a file cannot be "
    "read, 2 something with money is unmapped. Companies that share a client are named, and change no code."
)
@click.option("--all", "every", is_flag=True, help=f"Print every row and not only {_ROWS}.")
@json_option
def check(every: bool, as_json: bool) -> int:
    """Compare the mapping files with what the last run read: unmapped by money, dead links, things named twice."""
    settings = data_target(load_settings(), notify)
    mappings = load_mappings(settings.mappings_path)
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        state = examine(connection, mappings, settings.policy.usage)
    code = _ERROR if state.wrong else exit_status.WAITS if state.open else 0
    if as_json:
        click.echo(formatting.to_json(_as_data(state, code)))
    else:
        _print(state, every)
    return code


def _as_data(state: MappingState, code: int) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "exit_code": code,
        "unmapped": [unmapped_data(one) for one in state.unmapped],
        "problems": [{"wrong": p.wrong, "kind": p.kind, "file": p.file, "rows": list(p.rows), "sentence": p.sentence}
                     for p in state.problems],
    }  # fmt: skip


def _print(state: MappingState, every: bool) -> None:
    out = console()
    for title, problems in (
        ("Wrong rows", state.wrong),
        ("Perhaps meant", [p for p in state.problems if not p.wrong]),
    ):
        if problems:
            print_table(out, Table(f"{title} ({len(problems)})", _PROBLEMS, [_problem_row(p) for p in problems]))
    if not state.unmapped:
        out.print("Nothing is unmapped.")
        return
    shown_rows = state.unmapped if every else state.unmapped[:_ROWS]
    print_table(out, Table(f"Unmapped ({len(state.unmapped)})", _UNMAPPED, [_row(one) for one in shown_rows]))
    if len(shown_rows) < len(state.unmapped):
        out.print(f"{len(state.unmapped) - len(shown_rows)} more: --all", soft_wrap=True)
    out.print(
        f"{plural(len(state.open), 'thing')} with money: {formatting.amounts(money(state.open))} a month.",
        soft_wrap=True,
    )
    out.print("Next: pax8-pipeline mapping review", soft_wrap=True)


def _row(one: Unmapped) -> dict[str, object]:
    best = one.suggestion.best if one.suggestion else None
    perhaps = f"{shown(best)}, score {best.score}" if best else ""
    amount = formatting.money(one.money, one.currency)
    return {"money": amount, "kind": KIND_NAMES[one.kind], "name": one.name, "why": one.why, "perhaps": perhaps}


def _problem_row(problem: Problem) -> dict[str, object]:
    return {"file": problem.file, "rows": _numbers(problem.rows), "sentence": problem.sentence}


def _numbers(rows: Sequence[int]) -> str:
    return ", ".join(map(str, rows))
