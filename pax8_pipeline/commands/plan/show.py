"""`pax8-pipeline plan show`: shows a stored plan, whole or the rows that are asked for."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.billing.verdicts import label_of
from pax8_pipeline.commands import run_report
from pax8_pipeline.commands.common import console, details_option, notify
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.reports import formatting, plan_report, plan_rows, row_lines, summary
from pax8_pipeline.reports.page.context import report_context
from pax8_pipeline.settings import load_settings
from pax8_pipeline.text import textfiles
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

_LISTED = 20


@dataclass(frozen=True)
class RowFilter:
    """Which rows of a plan to show: all that are asked for must hold. Names and ids are compared case-blind."""

    only_new: bool = False
    client: str | None = None
    verdict: str | None = None
    least: float | None = None

    @property
    def is_set(self) -> bool:
        """True when anything was asked for."""
        return self.only_new or self.client is not None or self.verdict is not None or self.least is not None

    def rows(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows that are asked for, in their order."""
        return [row for row in rows if self._wanted(row)]

    def command(self, plan_id: str | None) -> str:
        """Return the command that shows these rows in full."""
        options = {"--client": self.client, "--verdict": self.verdict, "--min": self.least}
        words = [*([plan_id] if plan_id else []), *(["--new"] if self.only_new else [])]
        words += [
            word
            for name, value in options.items()
            if value is not None
            for word in (name, f"{value:g}" if name == "--min" else str(value))
        ]
        return f"pax8-pipeline plan show {shlex.join(words)} --details"

    def _wanted(self, row: dict[str, Any]) -> bool:
        return (
            (not self.only_new or bool(row["is_new"]))
            and (self.client is None or self._of_client(row, self.client.strip().lower()))
            and (self.verdict is None or self.verdict.strip().lower() in _names_of(str(row["verdict"])))
            and (self.least is None or row_lines.at_stake(row) >= Decimal(str(self.least)))
        )

    @staticmethod
    def _of_client(row: dict[str, Any], wanted: str) -> bool:
        names = (row["client_name"], row["company_name"])
        ids = (row["client_id"], row["company_id"])
        return any(wanted in str(name or "").lower() for name in names) or wanted in (str(i or "").lower() for i in ids)


def _names_of(verdict: str) -> tuple[str, str]:
    """Return what a person may call a verdict: its name, and its label."""
    return verdict.lower(), label_of(verdict).lower()


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline plan show                                the newest plan\n"
    "  pax8-pipeline plan show --details                      every change and every row that is held\n"
    "  pax8-pipeline plan show --all                          with what needs nothing\n"
    "  pax8-pipeline plan show --new --min 50                 what is new, from 50 a month on\n"
    "  pax8-pipeline plan show --format csv --out plan.csv    for a spreadsheet\n\n"
    "Without ID it is the newest plan. Formats csv, html, json and md go to --out, or to the terminal."
)
@click.argument("plan_id", required=False, metavar="[ID]")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON (schema pax8-pipeline/plan/1).")
@click.option(
    "--format", "kind", type=click.Choice(["table", "md", "html", "csv", "json"]), default="table", show_default=True
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@details_option
@click.option("--new", "only_new", is_flag=True, help="Only held rows that no earlier plan had.")
@click.option("--client", help="Only rows of this client or company: a part of the name, or the id.")
@click.option("--verdict", help='Only rows with this verdict: its name or its label, such as "not billed".')
@click.option(
    "--min", "least", type=click.FloatRange(min=0), help="Only rows with at least this amount, whatever the currency."
)
@click.option("--all", "everything", is_flag=True, help="Also list subscriptions with nothing to do.")
def show(
    plan_id: str | None,
    as_json: bool,
    kind: str,
    out: Path | None,
    details: bool,
    only_new: bool,
    client: str | None,
    verdict: str | None,
    least: float | None,
    everything: bool,
) -> None:
    """Show a plan: what would change or did, what is held back and why, and the money."""
    settings = data_target(load_settings(), notify)
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        chosen = plans.chosen_plan_id(connection, plan_id)
        head = plans.load_plan(connection, chosen)
        stored = plans.stored_rows(connection, chosen)
        text = {
            "md": lambda: plan_report.plan_markdown(connection, chosen, limit=100_000),
            "html": lambda: plan_report.plan_html(connection, chosen, report_context(settings)),
            "csv": lambda: plan_report.plan_csv(plan_rows.plan_rows(connection, chosen)),
            "json": lambda: formatting.to_json(plan_report.plan_json(connection, chosen)),
        }.get("json" if as_json else kind)
        written = text() if text else ""
    if stored < head.rows_considered:
        notify(
            f"{stored} of the {plural(head.rows_considered, 'row')} of plan {chosen} are stored; the others wrote nothing "
            "and are older than retention_days."
        )
    if out and written:
        textfiles.write(out, written)
        notify(f"written to {out}")
    elif written:
        click.echo(written, nl=not written.endswith("\n"))
    else:
        report = run_report.build_run_report(settings, head.run_id, chosen, [], [])
        chooser = RowFilter(only_new, client, verdict, least)
        if chooser.is_set:
            rows = chooser.rows(report.rows)
            title = f"{len(rows)} of {plural(len(report.rows), 'row')} of plan {chosen}"
            _print_chosen(title, rows, details or everything, chooser.command(plan_id))
        else:
            all_rows = f"pax8-pipeline plan show {plan_id} --details" if plan_id else summary.ALL_ROWS
            run_report.show(console(), report, details=details, limit=100_000, everything=everything, all_rows=all_rows)


def _print_chosen(title: str, rows: Sequence[dict[str, Any]], details: bool, command: str) -> None:
    """Print the rows that were asked for, the most money first: a line each, or in a table. `command` shows all of them."""
    out = console()
    if details:
        run_report.print_rows(out, title, row_lines.by_money(rows), limit=100_000)
        return
    out.print(title, soft_wrap=True)
    width = min(out.width, run_report.WIDEST)
    for line in summary.chosen(
        rows, width, count=_LISTED if width >= row_lines.FULL_WIDTH else _LISTED // 2, all_rows=command
    ):
        out.print(line, soft_wrap=True)
