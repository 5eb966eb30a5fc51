"""Deletes what is older than the retention of the policy: at the end of each run that writes a report, and for `pax8-pipeline prune`.

Each room deletes its own: reads and records of runs (`warehouse.old_reads`), Parquet files (`warehouse.lake`), plans
(`billing.old_plans`), reports (`reports.old_reports`), Dagster's runs (`orchestration.instance`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date

from dagster import DagsterInstance

from pax8_pipeline.billing import old_plans
from pax8_pipeline.clock import utc_now
from pax8_pipeline.orchestration import alert_claims
from pax8_pipeline.orchestration.instance import delete_old_runs
from pax8_pipeline.reports import old_reports
from pax8_pipeline.settings import Settings
from pax8_pipeline.text.error_sentences import to_sentence
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse import lake, old_reads
from pax8_pipeline.warehouse.connection import Warehouse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pruned:
    """The number of things that were deleted, or would be."""

    dry_run: bool
    older_than_days: int
    runs: int = 0
    leftover_files: int = 0
    raw_rows: int = 0
    parquet_files: int = 0
    plan_rows: int = 0
    records: int = 0
    report_files: int = 0

    @property
    def anything(self) -> bool:
        """True when something was deleted."""
        return any(count for name, count in asdict(self).items() if name not in ("dry_run", "older_than_days"))

    @property
    def sentence(self) -> str:
        """Say what was deleted. Kinds of which there was nothing are left out, but for the first three."""
        parts = [
            f"{plural(self.runs, 'run')} with their events and logs",
            plural(self.leftover_files, "leftover event file"),
            f"{plural(self.raw_rows, 'row')} of raw snapshots",
            *([f"{plural(self.plan_rows, 'row')} of plans"] if self.plan_rows else []),
            *([plural(self.records, "record")] if self.records else []),
            *([plural(self.report_files, "report file")] if self.report_files else []),
            *([plural(self.parquet_files, "Parquet file")] if self.parquet_files else []),
        ]
        verb = "would be deleted" if self.dry_run else "deleted"
        return f"Older than {plural(self.older_than_days, 'day')}, {verb}: {', '.join(parts)}."


def prune_all(
    settings: Settings,
    instance: DagsterInstance,
    days: int,
    *,
    today: date | None = None,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Pruned:
    """Delete (or with `dry_run` count) everything older than `days` before `today` (else the settings' day).

    `progress` gets how many runs of how many are deleted. Raises WarehouseBusy when another process uses the warehouse.
    """
    day = today or settings.today
    before = old_reads.oldest_day(day, days).replace(tzinfo=UTC)
    raw, plans, records = _rows(settings, day, days, dry_run=dry_run)
    runs = delete_old_runs(instance, before, dry_run=dry_run, progress=progress)
    if not dry_run:
        alert_claims.forget(instance, before)
    return Pruned(
        dry_run, days, runs.runs, runs.orphans, raw, _parquet_files(settings, day, days, dry_run=dry_run), plans, records,
        old_reports.prune(settings.reports_path, day, days, dry_run=dry_run),
    )  # fmt: skip


def after_run(settings: Settings, instance: DagsterInstance) -> Pruned | None:
    """Do it at the end of a run; return what was deleted, None when that is nothing.

    A run whose day lies in the future (a replay) deletes by this machine's clock. A failure is logged and does not fail
    the run, whose work is done.
    """
    today = min(settings.today, utc_now().date())
    days = settings.policy.retention_days
    try:
        files = old_reports.prune(settings.reports_path, today, days)
        if not old_plans.any_before(Warehouse(settings.warehouse_path), old_reads.oldest_day(today, days)):
            pruned = Pruned(False, days)
        else:
            pruned = prune_all(settings, instance, days, today=today)
        pruned = replace(pruned, report_files=files + pruned.report_files)
        return pruned if pruned.anything else None
    except Exception as error:  # whatever a storage raises: the run's own result stands
        log.warning(
            "what is older than the retention was not deleted (%s); run `pax8-pipeline prune`", to_sentence(error)
        )
        return None


def _rows(settings: Settings, day: date, days: int, *, dry_run: bool) -> tuple[int, int, int]:
    """Delete rows of the warehouse; return how many of raw reads, of plans, and of the records of runs."""
    if not settings.warehouse_path.exists():
        return 0, 0, 0
    warehouse = Warehouse(settings.warehouse_path)
    with warehouse.connect():
        raw = old_reads.prune(warehouse, day, days, dry_run=dry_run)
        plans = old_plans.prune(warehouse, old_plans.oldest_plan(day, days, settings.policy), dry_run=dry_run)
        return raw, plans, old_reads.prune_records(warehouse, day, days, dry_run=dry_run)


def _parquet_files(settings: Settings, day: date, days: int, *, dry_run: bool) -> int:
    folder = settings.lake_path
    if folder is None:
        return 0
    return lake.prune(folder, settings.tenant or lake.NO_TENANT, day, days, dry_run=dry_run)
