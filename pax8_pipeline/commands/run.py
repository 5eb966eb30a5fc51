"""`pax8-pipeline run`: runs the daily sync now, with its progress in the terminal."""

from __future__ import annotations

from collections.abc import Callable

import click

from pax8_pipeline.billing import acknowledgements
from pax8_pipeline.commands import run_report
from pax8_pipeline.commands.common import console, details_option, notify, progress
from pax8_pipeline.commands.target import open_target
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.reports import formatting
from pax8_pipeline.settings import Settings, load_settings

_IN_RESULT = ("plan ", "report: ", "writes: nothing")

EPILOG = """\b
Examples:
  pax8-pipeline run                          dry run unless the write mode is apply
  HALO_WRITE_MODE=apply pax8-pipeline run    write what policy and guardrails allow
  pax8-pipeline run --dry-run --json         plan only, as data

Exit codes: 0 done, 1 error, 2 something waits (a plan, or a loss or overcharge that only a person can resolve and that
nobody acknowledged), 3 held back by a blocking check or a guardrail."""


@click.command(epilog=EPILOG)
@click.option("--dry-run", is_flag=True, help="Plan only, whatever the write mode says.")
@details_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def run(dry_run: bool, details: bool, as_json: bool) -> None:
    """Read Pax8 and Halo, reconcile, plan, and write what may be written.

    Writes to Halo only with write mode `apply` (HALO_WRITE_MODE or policy.yaml).
    """
    with open_target(load_settings(), notify) as settings:
        report = sync(settings, apply=not dry_run)
    if as_json:
        click.echo(formatting.to_json(run_report.as_data(report)))
    else:
        run_report.show(console(), report, details=details)
    raise SystemExit(report.verdict.code)


def sync(settings: Settings, *, apply: bool) -> run_report.RunReport:
    """Run the daily job in this process and return its report."""
    from pax8_pipeline.orchestration.runs import run_daily_sync  # imports Dagster, which takes a second

    acknowledgements.load(settings.acknowledged_path)
    load_mappings(settings.mappings_path)  # a part of a mapping is worse than none: report it before a vendor is asked
    with progress() as step:
        result = run_daily_sync(settings, apply=apply, progress=lambda text: _shown_step(text, step))
    held_back = [result.held_back] if result.held_back else []
    return run_report.build_run_report(
        settings, result.run_id, result.plan_id, result.failed_checks, result.errors, held_back
    )


def _shown_step(text: str, step: Callable[[str], None]) -> None:
    """Pass on a step of a run, but for those that the printed result repeats."""
    if not text.startswith(_IN_RESULT):
        step(text)
