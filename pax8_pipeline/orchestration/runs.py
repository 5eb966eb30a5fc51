"""Starts a job (the daily sync, a backfill, the apply of one plan) in this process, with the history that the UI shows.

It runs the job and collects the result. Sentences for people are in commands, exit codes in `billing.exit_status`.
Nothing is printed: expected failures are returned as sentences.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict, Unpack

import dagster as dg
from dagster import DagsterInstance

from pax8_pipeline.errors import ConfigError, PipelineError
from pax8_pipeline.extract.usage_lines import LINES
from pax8_pipeline.orchestration import alerts
from pax8_pipeline.orchestration.assets.specs import asset_key
from pax8_pipeline.orchestration.assets.step import progress_log
from pax8_pipeline.orchestration.code_location import build_defs
from pax8_pipeline.orchestration.failed_check import FailedCheck
from pax8_pipeline.orchestration.instance import open_instance, process_lock
from pax8_pipeline.orchestration.jobs import APPLY, BACKFILL, DAILY, LINES_BACKFILL
from pax8_pipeline.orchestration.partitions import partition_key
from pax8_pipeline.orchestration.resources import FixedSettings
from pax8_pipeline.orchestration.run_events import failed_checks, figures, step_failures
from pax8_pipeline.orchestration.run_origin import named_origin
from pax8_pipeline.orchestration.tenancy import step_name
from pax8_pipeline.orchestration.write_permission import RANGE_TAG, SINK, Permission
from pax8_pipeline.settings import Settings
from pax8_pipeline.warehouse.connection import Warehouse

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
# Says in the UI who started a run; it permits nothing (write_permission.py).
STARTED_BY = "pax8/started_by"
_RANGE_END = "dagster/asset_partition_range_end"
_NOT_ASKED = "dry run: started by hand without permission to write"
_PLAN, _LINES = step_name("billing.plan"), step_name("pax8.usage_lines")


@dataclass(frozen=True)
class RunResult:
    """The result of a run.

    `plan_id`: the plan that it made or had to write; None when there is none. `failed_checks`: the most severe first.
    `errors`: one sentence for each failed step (without failed blocking checks). `applied`: the number of writes in
    each state. `outcome`: the sink's own sentence, empty when it was not reached. `refused`: why the sink did not
    start, empty when it did. `held_back`: the same, for a reason as severe as a failed blocking check.
    """

    run_id: str
    success: bool
    plan_id: str | None
    failed_checks: list[FailedCheck] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    applied: Mapping[str, int] = field(default_factory=dict)
    outcome: str = ""
    refused: str = ""
    held_back: str = ""


class RunOptions(TypedDict, total=False):
    """What every run takes. `instance`: another history than that of the settings' data folder.

    `resources` replace those of the same name. `progress` gets one line at a time.
    """

    instance: DagsterInstance | None
    resources: dict[str, Any] | None
    progress: Callable[[str], None] | None


def run_daily_sync(settings: Settings, *, apply: bool, **options: Unpack[RunOptions]) -> RunResult:
    """Run the daily sync now, in this process, for the month of `settings.today`.

    `apply` is the permission to write; the write mode must be `apply` too. Raises ConfigError when the history cannot
    be opened, and WarehouseBusy when another process uses the warehouse; every other failure is in the result.
    """
    how = _RunRequest(DAILY, {}, partition=partition_key(settings.today), may_write=apply)
    return _execute(settings, how, **options)


def run_bill(settings: Settings, first: str, last: str, **options: Unpack[RunOptions]) -> RunResult:
    """Run the daily sync without permission to write. Its plan has only the charges of the usage months `first` to
    `last` (yyyy-mm), and all of them wait for a person. The rest is as in `run_daily_sync`.
    """
    ops: dict[str, dict[str, Any]] = {_PLAN: {"bill_from": first, "bill_to": last}}
    how = _RunRequest(DAILY, ops, partition=partition_key(settings.today))
    return _execute(settings, how, **options)


def run_backfill(
    settings: Settings, months: Sequence[str], *, lines: str = "none", **options: Unpack[RunOptions]
) -> RunResult:
    """Load the history of usage months (yyyy-mm, without a gap) now, in one run. It cannot write to Halo.

    `lines`: none, or which usage lines to read of months that are over (`extract.usage_lines.MEANING`). The rest is as in
    `run_daily_sync`; the result has no plan. Also raises ConfigError for another value of `lines`.
    """
    if lines not in LINES:
        raise ConfigError(f"lines must be one of {', '.join(LINES)}, not {lines!r}")
    keys = [f"{month}-01" for month in months]
    how = _RunRequest(
        BACKFILL if lines == "none" else LINES_BACKFILL,
        {} if lines == "none" else {_LINES: {"lines": lines}},
        partition=keys[0] if len(keys) == 1 else None,
        tags={} if len(keys) == 1 else {RANGE_TAG: keys[0], _RANGE_END: keys[-1]},
    )
    return _execute(settings, how, **options)


def run_apply_plan(settings: Settings, plan_id: str, **options: Unpack[RunOptions]) -> RunResult:
    """Write one stored plan now: its safe changes, and those that people approved.

    This is the permission to write; the write mode must be `apply` too. The rest is as in `run_daily_sync`.
    """
    how = _RunRequest(APPLY, {SINK: {"apply": True, "plan_id": plan_id}}, may_write=True)
    result = _execute(settings, how, **options)
    return replace(result, plan_id=plan_id)


@dataclass(frozen=True)
class _RunRequest:
    """A job with the configuration of its steps, and its partition or tags.

    `may_write` never becomes configuration: the run gets it as an object of this process.
    """

    job: str
    ops: Mapping[str, Mapping[str, Any]]
    partition: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    may_write: bool = False


@contextmanager
def _alert_when_not_started(settings: Settings, job: str) -> Iterator[None]:
    """Send an alert for a PipelineError, and let it go on: what fails in a run comes back in the run's result."""
    try:
        yield
    except PipelineError as error:
        alerts.not_started(settings, job, error)
        raise


def _execute(
    settings: Settings,
    how: _RunRequest,
    instance: DagsterInstance | None = None,
    resources: dict[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
) -> RunResult:
    with _alert_when_not_started(settings, how.job):
        with _forward_progress(progress):
            _wait_for_warehouse(settings)
        ours = {"settings": FixedSettings(settings), "permission": Permission(how.may_write, _NOT_ASKED)}
        defs = build_defs(resources={**ours, **(resources or {})}, settings=settings)
        with nullcontext(instance) if instance is not None else open_instance(settings) as history:
            run_id = str(uuid.uuid4())
            with process_lock(history, run_id), named_origin(history, how.job), _forward_progress(progress):
                result = defs.resolve_job_def(how.job).execute_in_process(
                    instance=history,
                    run_id=run_id,
                    partition_key=how.partition,
                    tags={**how.tags, STARTED_BY: "command line"},
                    run_config={**_QUIET, "ops": {op: {"config": dict(config)} for op, config in how.ops.items()}},
                    raise_on_error=False,
                )
            alerts.after_run(history, run_id, settings, to_log=False)
            return collect_run_result(history, run_id, result.success)


def _wait_for_warehouse(settings: Settings) -> None:
    """Wait until no other process uses the warehouse, before any vendor is asked. Raises WarehouseBusy after the
    waiting time.
    """
    if settings.warehouse_path.exists():
        with Warehouse(settings.warehouse_path).connect():
            pass


def collect_run_result(instance: DagsterInstance, run_id: str, success: bool) -> RunResult:
    """Read the result of a run from its events."""
    writes = _writes(instance, run_id)
    states = writes["states"].value if "states" in writes else {}
    return RunResult(
        run_id=run_id,
        success=success,
        plan_id=figures(instance, run_id, "billing.plan").get("plan_id"),
        failed_checks=failed_checks(instance, run_id),
        errors=step_failures(instance, run_id),
        applied={str(s): int(str(n)) for s, n in states.items()} if isinstance(states, Mapping) else {},
        outcome=str(writes["outcome"].value) if "outcome" in writes else "",
        refused=str(writes["reason"].value) if "reason" in writes else "",
        held_back=str(writes["held_back"].value) if "held_back" in writes else "",
    )


def _writes(instance: DagsterInstance, run_id: str) -> Mapping[str, dg.MetadataValue]:
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    for record in records:
        event = record.event_log_entry.asset_materialization
        if event is not None and event.asset_key == asset_key("billing.writes"):
            return event.metadata
    return {}


class _ProgressHandler(logging.Handler):
    def __init__(self, progress: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        self._progress(record.getMessage())


@contextmanager
def _forward_progress(progress: Callable[[str], None] | None) -> Iterator[None]:
    """Pass the run's progress lines to the caller while it runs."""
    if progress is None:
        yield
        return
    handler, before = _ProgressHandler(progress), progress_log.level
    progress_log.addHandler(handler)
    progress_log.setLevel(logging.INFO)
    try:
        yield
    finally:
        progress_log.removeHandler(handler)
        progress_log.setLevel(before)
