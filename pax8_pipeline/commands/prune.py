"""`pax8-pipeline prune`: deletes what is older than the retention of policy.yaml."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta

import click

from pax8_pipeline.commands.common import json_option, notify, print_json, progress
from pax8_pipeline.commands.target import is_sandbox, sandbox_environment, sandbox_folder
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse import lake, snapshots
from pax8_pipeline.warehouse.connection import Warehouse


@dataclass(frozen=True)
class Pruned:
    """What was deleted, or would be: Dagster runs, leftover event files, rows of raw snapshots, Parquet files."""

    dry_run: bool
    older_than_days: int
    runs: int
    leftover_files: int
    raw_rows: int
    parquet_files: int = 0


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline prune --dry-run     what would be deleted\n"
    "  pax8-pipeline prune               by retention_days of policy.yaml (400 unless set)\n"
    "  pax8-pipeline prune --days 90\n\n"
    "Plans, the ledger and reports always stay, and so does the newest complete read of each list. Worth a line in "
    "cron, once a week."
)
@click.option("--days", type=click.IntRange(1), help="Keep this many days instead of policy.yaml's retention_days.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, delete nothing.")
@json_option
def prune(days: int | None, dry_run: bool, as_json: bool) -> None:
    """Delete old Dagster runs with their events and logs, raw snapshots and Parquet files, to free disk space."""
    settings = load_settings()
    if is_sandbox(settings):
        notify(f"No credentials are set: this is the sandbox in {sandbox_folder(settings)}.")
        settings = load_settings(sandbox_environment(settings, {}))
    pruned = prune_all(settings, days or settings.policy.retention_days, dry_run=dry_run, quiet=as_json)
    if as_json:
        print_json(asdict(pruned))
        return
    verb = "would be deleted" if dry_run else "deleted"
    click.echo(
        f"Older than {plural(pruned.older_than_days, 'day')}, {verb}: {plural(pruned.runs, 'run')} with their events and logs, "
        f"{plural(pruned.leftover_files, 'leftover event file')}, {plural(pruned.raw_rows, 'row')} of raw snapshots{_parquet(pruned)}."
    )


def _parquet(pruned: Pruned) -> str:
    return f", {plural(pruned.parquet_files, 'Parquet file')}" if pruned.parquet_files else ""


def prune_all(settings: Settings, days: int, *, dry_run: bool, quiet: bool = True) -> Pruned:
    """Delete (or with `dry_run` count) everything older than `days` before today, and return the numbers.

    Raises WarehouseBusy when a run is active.
    """
    from pax8_pipeline.orchestration import alerts
    from pax8_pipeline.orchestration.instance import delete_old_runs, open_instance

    before = datetime.combine(settings.today - timedelta(days=days), time(), tzinfo=UTC)
    with progress(quiet=quiet) as step:
        rows = _raw_rows(settings, days, dry_run=dry_run)
        parquet = _parquet_files(settings, days, dry_run=dry_run)
        with open_instance(settings) as instance:
            deleted = delete_old_runs(
                instance, before, dry_run=dry_run, progress=lambda done, total: step(f"runs: {done} of {total}")
            )
            if not dry_run:
                alerts.forget(instance, before)
    return Pruned(dry_run, days, deleted.runs, deleted.orphans, rows, parquet)


def _raw_rows(settings: Settings, days: int, *, dry_run: bool) -> int:
    path = settings.warehouse_path
    if not path.exists():
        return 0
    return snapshots.prune(Warehouse(path), settings.today, days, dry_run=dry_run)


def _parquet_files(settings: Settings, days: int, *, dry_run: bool) -> int:
    folder = settings.lake_path
    if folder is None:
        return 0
    return lake.prune(folder, settings.tenant or lake.NO_TENANT, settings.today, days, dry_run=dry_run)
