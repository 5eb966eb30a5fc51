"""`pax8-pipeline backfill`: load the history of metered usage, with a message before, during and after."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from pax8_pipeline import values
from pax8_pipeline.billing import exit_status
from pax8_pipeline.clients import pax8_config
from pax8_pipeline.commands import run_report
from pax8_pipeline.commands.common import console, json_option, notify, progress, styled
from pax8_pipeline.commands.target import open_target
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.extract import pax8_lists as lists
from pax8_pipeline.extract.backfill_estimate import Forecast, forecast
from pax8_pipeline.extract.usage_lines import LINES, Lines
from pax8_pipeline.extract.usage_summaries import month_of
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.orchestration.failed_check import FailedCheck
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.pax8.config import CALLS_A_MINUTE as PAX8_CALLS_A_MINUTE
from pax8_pipeline.reports import formatting
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.models import load_sql

_MONTHS = load_sql("commands/backfill_months.sql")


@dataclass
class Loaded:
    """The result of a backfill: its runs, their calls, the time it took in seconds, and the state of each month."""

    runs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    checks: list[FailedCheck] = field(default_factory=list)
    calls: int = 0
    seconds: float = 0.0
    months: Sequence[dict[str, Any]] = ()

    @property
    def stopped(self) -> list[str]:
        """Why it did not finish; empty when it did."""
        held = [f"{c.name} ({c.description})" for c in self.checks if c.severity == "ERROR"]
        return [*self.errors, *held]

    @property
    def code(self) -> int:
        """The exit code without a plan."""
        return exit_status.ERROR if self.errors else exit_status.HELD if self.stopped else exit_status.DONE

    @property
    def calls_per_minute(self) -> float:
        """Calls in a minute; anything shorter than a minute counts as one."""
        return self.calls / max(self.seconds / 60, 1)


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline backfill 2024-01 2026-10                  the invoices of these usage months\n"
    "  pax8-pipeline backfill 2026-08 2026-10 --lines daily    and every day's usage lines: many calls\n"
    "  pax8-pipeline backfill 2026-09 2026-10 --bill           and a plan that bills them, for a person to approve\n\n"
    "Exit codes: 0 done, 1 error, 2 a plan waits (--bill), 3 held back by a blocking check."
)
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="TO")
@click.option(
    "--lines",
    type=click.Choice(LINES),
    default="none",
    show_default=True,
    help="Usage lines of months that are over: their last day, or each day. One call for each summary and day.",
)
@click.option("--per-month", is_flag=True, help="A run for each month, not one for all.")
@click.option("--bill", is_flag=True, help="Then plan the charges of these months; all of it waits for approval.")
@click.option("--yes", is_flag=True, help="Do not ask before it starts.")
@json_option
def backfill(first: str, last: str, lines: Lines, per_month: bool, bill: bool, yes: bool, as_json: bool) -> None:
    """Load the history of metered usage, from month FROM to month TO (yyyy-mm).

    Reads the invoices that charge these months, which Pax8 dates in the month after. Stored data is not asked for
    again, so a backfill that was stopped continues where it was. Nothing is written to Halo.
    """
    with open_target(load_settings(), notify) as settings:
        months = checked_months(settings, first, last)
        estimate = estimate_calls(settings, months, lines)
        notify(estimate_text(estimate, months))
        if (
            estimate.calls
            and not yes
            and not as_json
            and sys.stdin.isatty()
            and not click.confirm("Continue?", err=True)
        ):
            notify("Nothing was asked for.")
            raise SystemExit(exit_status.ERROR)
        loaded = load(settings, months, lines, per_month=per_month)
        report = plan_bills(settings, months) if bill and not loaded.stopped else None
    code = loaded.code if report is None else report.verdict.code
    if as_json:
        click.echo(formatting.to_json(as_data(estimate, loaded, report, code)))
    else:
        show(console(), estimate, loaded, report)
    raise SystemExit(code)


def checked_months(settings: Settings, first: str, last: str) -> list[str]:
    """Return the months from `first` to `last`. Raises ConfigError with what is wrong with them."""
    for name, month in (("FROM", first), ("TO", last)):
        try:
            values.month(month)
        except ValueError as error:
            raise ConfigError(f"{name}: {error}") from error
    earliest, newest = settings.policy.usage.history_from, month_of(settings.today)
    if first > last:
        raise ConfigError(f"FROM {first} is after TO {last}")
    if last > newest:
        raise ConfigError(f"TO {last} has not started yet: the current month is {newest}")
    if first < earliest:
        raise ConfigError(f"FROM {first} is before usage.history_from in policy.yaml, which is {earliest}")
    from pax8_pipeline.orchestration.partitions import months_between  # imports Dagster, which takes a second

    return months_between(first, last)


def estimate_calls(settings: Settings, months: Sequence[str], lines: Lines) -> Forecast:
    """Read the list of invoices (a few calls), and estimate the calls for what is not stored yet."""
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.ensure_schema()
    with closing(Pax8Client(pax8_config(settings))) as client:
        read = lists.read_list(client, "invoices")
    snapshots.store(warehouse, [read], f"backfill-{uuid.uuid4()}")
    with warehouse.connect() as connection:
        return forecast(connection, settings.today, months, lines)


def estimate_text(estimate: Forecast, months: Sequence[str]) -> str:
    """Return a sentence: what will be asked, and how long that takes."""
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
    count = plural(len(months), "month")
    if not estimate.calls:
        return f"Usage of {span} ({count}): all of it is stored, nothing has to be read."
    parts = [f"{plural(estimate.invoices, 'invoice')} of about {_calls(estimate.pages_per_invoice)} each"]
    if estimate.line_calls:
        parts.append(f"usage lines: at most {_calls(estimate.line_calls)}")
    minutes = estimate.minutes(_limit())
    duration = (
        "less than a minute"
        if minutes <= 1
        else f"{minutes // 60} h {minutes % 60} min"
        if minutes >= 60
        else f"{minutes} minutes"
    )
    return (
        f"Usage of {span} ({count}): not stored yet: {' and '.join(parts)}. About {_calls(estimate.calls)} in "
        f"all: {duration} at the rate limit of {_limit():,} calls a minute. You can stop it; the same command continues."
    )


def _calls(number: int) -> str:
    return plural(number, "call")


def _limit() -> int:
    """The calls a minute that Pax8 allows."""
    return PAX8_CALLS_A_MINUTE


def load(settings: Settings, months: Sequence[str], lines: Lines, *, per_month: bool) -> Loaded:
    """Run the job for all months together, or month by month until one fails."""
    from pax8_pipeline.orchestration.runs import run_backfill  # imports Dagster, which takes a second

    loaded = Loaded()
    started_at = time.monotonic()
    parts = [[month] for month in months] if per_month else [list(months)]
    with progress() as step:
        for number, run_months in enumerate(parts, start=1):
            if per_month:
                step(f"months: {number} of {len(parts)}, {run_months[0]}")
            result = run_backfill(settings, run_months, lines=lines, progress=step)
            loaded.runs.append(result.run_id)
            loaded.errors += result.errors
            loaded.checks += result.failed_checks
            if not result.success and not loaded.stopped:
                loaded.errors.append("the run was stopped")
            if loaded.stopped:
                break
    loaded.seconds = time.monotonic() - started_at
    with Warehouse(settings.warehouse_path).connect() as connection:
        rows = connection.execute(
            "SELECT coalesce(sum(requests), 0) FROM meta.snapshots WHERE list_contains(?, run_id)", [loaded.runs]
        ).fetchall()
        loaded.calls = int(rows[0][0])
        loaded.months = snapshots.dicts(connection.execute(_MONTHS, [list(months)]))
    return loaded


def plan_bills(settings: Settings, months: Sequence[str]) -> run_report.RunReport:
    """Plan only the charges of these months. This run has no permission to write."""
    from pax8_pipeline.orchestration.runs import run_bill

    load_mappings(settings.mappings_path)
    with progress() as step:
        result = run_bill(settings, months[0], months[-1], progress=step)
    return run_report.build_run_report(settings, result.run_id, result.plan_id, result.failed_checks, result.errors)


def as_data(estimate: Forecast, loaded: Loaded, report: run_report.RunReport | None, code: int) -> dict[str, Any]:
    """Return the backfill as data for --json. `report`: the report of the plan, None without one."""
    return {
        "schema": "pax8-pipeline/backfill/1",
        "exit_code": code,
        "sentence": _sentence(loaded),
        "forecast": {**asdict(estimate), "calls": estimate.calls, "minutes": estimate.minutes(_limit())},
        "runs": loaded.runs,
        "calls": loaded.calls,
        "seconds": round(loaded.seconds, 1),
        "calls_per_minute": round(loaded.calls_per_minute, 1),
        "rate_limit_share_pct": round(100 * loaded.calls_per_minute / _limit(), 1),
        "months": list(loaded.months),
        "errors": loaded.errors,
        "failed_checks": [{k: v for k, v in asdict(c).items() if k != "subjects"} for c in loaded.checks],
        "bill": None if report is None else run_report.as_data(report),
    }


def show(out: Console, estimate: Forecast, loaded: Loaded, report: run_report.RunReport | None) -> None:
    """Print each month, the calls, and the plan if there is one."""
    table = Table(title="Usage by month", title_justify="left", title_style="bold", header_style="bold")
    names = ("month", "state", "invoices", "items", "usage items", "usage lines", "why")
    for name in names:
        table.add_column(name, justify="right" if name not in ("month", "state", "why") else "left")
    for row in loaded.months:
        table.add_row(*(str(row[key] or "" if key == "why" else row[key]) for key in
                        ("month", "state", "invoices", "items", "usage_items", "lines", "why")))  # fmt: skip
    out.print(table)
    share = 100 * loaded.calls_per_minute / _limit()
    out.print(
        f"{_calls(loaded.calls)} in {loaded.seconds:.0f} s (about {_calls(estimate.calls)} were estimated, without those for "
        f"the list of invoices): {share:.0f} % of the rate limit of {_limit():,} calls a minute.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    if loaded.stopped:
        out.print(styled((_sentence(loaded), "bold red")), soft_wrap=True)
    if report is not None:
        run_report.show(out, report)


def _sentence(loaded: Loaded) -> str:
    if loaded.stopped:
        return f"not finished: {'; '.join(loaded.stopped)}. The same command continues where this one was stopped"
    return "done: all that Pax8 has of these months is stored"
