"""`pax8-pipeline prune`: deletes what is older than the retention of policy.yaml."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pax8_pipeline.commands.common import json_option, notify, print_json, progress
from pax8_pipeline.commands.target import is_sandbox, sandbox_environment, sandbox_folder
from pax8_pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pax8_pipeline.orchestration.retention import Pruned


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline prune --dry-run     what would be deleted\n"
    "  pax8-pipeline prune               by retention_days of policy.yaml (400 unless set)\n"
    "  pax8-pipeline prune --days 90\n\n"
    "The daily sync does the same by itself. What was written or approved always stays, with the ledger, the months and "
    "the newest complete read of each list."
)
@click.option("--days", type=click.IntRange(1), help="Keep this many days instead of policy.yaml's retention_days.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, delete nothing.")
@json_option
def prune(days: int | None, dry_run: bool, as_json: bool) -> None:
    """Delete old runs with their events and logs, raw snapshots, rows of plans, reports and Parquet files."""
    settings = load_settings()
    if is_sandbox(settings):
        notify(f"No credentials are set: this is the sandbox in {sandbox_folder(settings)}.")
        settings = load_settings(sandbox_environment(settings, {}))
    pruned = prune_all(settings, days or settings.policy.retention_days, dry_run=dry_run, quiet=as_json)
    if as_json:
        print_json(asdict(pruned))
        return
    click.echo(pruned.sentence)


def prune_all(settings: Settings, days: int, *, dry_run: bool, quiet: bool = True) -> Pruned:
    """Delete (or with `dry_run` count) everything older than `days` before today, and return the numbers.

    Raises WarehouseBusy when a run is active.
    """
    from pax8_pipeline.orchestration import retention  # imports Dagster, which takes a second
    from pax8_pipeline.orchestration.instance import open_instance

    with progress(quiet=quiet) as step, open_instance(settings) as instance:
        return retention.prune_all(
            settings, instance, days, dry_run=dry_run, progress=lambda done, total: step(f"runs: {done} of {total}")
        )
