"""`pax8-pipeline plan apply`: write one stored plan now. The work is done by the job `apply_plan`; this is the command
around it.
"""

from __future__ import annotations

import click

from pax8_pipeline.billing import approvals, exit_status
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.clock import utc_now
from pax8_pipeline.commands import run_report
from pax8_pipeline.commands.common import console, json_option, notify, progress
from pax8_pipeline.commands.target import data_target, open_target
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.reports import formatting
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.warehouse.connection import Warehouse


@click.command(
    epilog="\b\nExamples:\n"
    "  HALO_WRITE_MODE=apply pax8-pipeline plan apply 20260820-060000-1a2b3c4d-9f8e\n\n"
    "Exit codes: 0 done, 1 error (also an expired or stale plan), 2 a plan waits (also in a dry run), 3 held back by a "
    "guardrail."
)
@click.argument("plan_id", metavar="ID")
@json_option
def apply(plan_id: str, as_json: bool) -> None:
    """Write plan ID to Halo: its safe changes, and those that people approved.

    Each target is read again before its write, and skipped if it changed. Needs write mode `apply`.
    """
    settings = load_settings()
    target = data_target(settings, lambda text: None)
    with Warehouse(target.warehouse_path).connect(read_only=True) as connection:
        head = plans.load_plan(connection, plan_id)
        if target.write_mode == "apply":
            mappings = load_mappings(target.mappings_path).fingerprint
            approvals.ensure_fresh(connection, head, utc_now(), target.policy, mappings)
    if target.write_mode != "apply":
        _dry(target, plan_id, as_json)
    with open_target(settings, notify) as target_settings:
        report = _apply(target_settings, plan_id)
    if as_json:
        click.echo(formatting.to_json(run_report.as_data(report)))
    else:
        run_report.show(console(), report)
    raise SystemExit(report.verdict.code)


def _dry(settings: Settings, plan_id: str, as_json: bool) -> None:
    """Report that nothing is written in this write mode, and exit."""
    sentence = (
        f"nothing written, plan {plan_id} waits: the write mode is {settings.write_mode}; "
        f"HALO_WRITE_MODE=apply pax8-pipeline plan apply {plan_id} writes it"
    )
    if as_json:
        report = run_report.build_run_report(settings, "", plan_id, [], [])
        click.echo(
            formatting.to_json({**run_report.as_data(report), "exit_code": exit_status.WAITS, "sentence": sentence})
        )
    else:
        click.echo(sentence)
    raise SystemExit(exit_status.WAITS)


def _apply(settings: Settings, plan_id: str) -> run_report.RunReport:
    from pax8_pipeline.orchestration.runs import run_apply_plan  # imports Dagster, which takes a second

    with progress() as step:
        result = run_apply_plan(settings, plan_id, progress=step)
    refused = [result.refused] if result.refused else []
    return run_report.build_run_report(settings, result.run_id, plan_id, result.failed_checks, result.errors, refused)
