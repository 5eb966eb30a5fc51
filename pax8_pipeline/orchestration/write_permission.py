"""Decides who may write to Halo. A run needs permission from its own process or from Dagster's daemon; nothing else
counts.

Guardrails and trust are in billing. The configuration and tags of a run prove nothing: everybody who reaches the UI can
set both. docs/decisions/0002-who-may-write.md explains why each of the three ways is safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, BACKFILL_ID_TAG, SCHEDULE_NAME_TAG, TICK_ID_TAG

from pax8_pipeline.orchestration.tenancy import step_name

SCHEDULE = "daily_sync_schedule"
BACKFILL_TAG = BACKFILL_ID_TAG
RANGE_TAG = "dagster/asset_partition_range_start"
SINK = step_name("billing.writes")
_BY_HAND = (
    f"a run that was started by hand writes only one stored plan: start the job apply_plan with `apply: true`, `plan_id` "
    f"and `checksum` in the configuration of {SINK} (the page of the asset billing/plan shows both), or use "
    "`pax8-pipeline run` or `pax8-pipeline plan apply`"
)


@dataclass(frozen=True)
class Permission:
    """The permission to write that a process gives to the run that it executes.

    The command line puts `granted=True` into the resources of a run that it executes itself. A run of the UI or of the
    schedule loads the definitions again, and there it is False: no configuration reaches this object.
    """

    granted: bool = False
    otherwise: str = _BY_HAND  # the reason that a run without permission shows


def refusal(
    run: dg.DagsterRun,
    instance: dg.DagsterInstance,
    permission: Permission,
    *,
    names_plan: bool,
    write_mode: str,
) -> str | None:
    """Return why this run may not write, or None when it may.

    `names_plan`: the configuration says `apply` and names a plan with its checksum (they are checked later).
    `write_mode` comes from HALO_WRITE_MODE or the policy.
    """
    if BACKFILL_TAG in run.tags or RANGE_TAG in run.tags:
        return "a backfill never writes"
    if not (permission.granted or names_plan or of_schedule(run, instance)):
        return permission.otherwise
    if write_mode != "apply":
        return "dry run: HALO_WRITE_MODE is not `apply`"
    return None


def may_write(run: dg.DagsterRun, instance: dg.DagsterInstance, permission: Permission, write_mode: str) -> bool:
    """Return whether a run, as it was started, has permission to write."""
    config: Mapping[str, Any] = run.run_config
    sink: Mapping[str, Any] = ((config.get("ops") or {}).get(SINK) or {}).get("config") or {}
    names_plan = bool(sink.get("apply") and sink.get("plan_id") and sink.get("checksum"))
    return refusal(run, instance, permission, names_plan=names_plan, write_mode=write_mode) is None


def of_schedule(run: dg.DagsterRun, instance: dg.DagsterInstance) -> bool:
    """True for a run that a tick of the schedule started, or that the daemon repeated after such a run died.

    The proof is the history, where the daemon writes which runs a tick started and which run repeats which. The tags
    only say where to search. A run with another configuration or only some of the assets is not the schedule's.
    """
    if run.tags.get(SCHEDULE_NAME_TAG) != SCHEDULE or not _is_whole(run):
        return False
    if run.parent_run_id is not None:
        parent = instance.get_run_by_id(run.parent_run_id)
        retried = parent is not None and parent.tags.get(AUTO_RETRY_RUN_ID_TAG) == run.run_id
        return retried and parent is not None and of_schedule(parent, instance)
    return _in_tick(run, instance)


def _is_whole(run: dg.DagsterRun) -> bool:
    parts = (run.op_selection, run.resolved_op_selection, run.asset_selection, run.asset_check_selection)
    return not run.run_config and not any(parts)


def _in_tick(run: dg.DagsterRun, instance: dg.DagsterInstance) -> bool:
    tick_id, storage = run.tags.get(TICK_ID_TAG, ""), instance.schedule_storage
    if storage is None or not tick_id.isdecimal():
        return False
    record = instance.get_run_record_by_id(run.run_id)
    for tick in storage.get_ticks_by_ids([int(tick_id)]):
        # A run that existed before its tick was put there to be found by the tick.
        made_by_it = record is not None and record.create_timestamp.timestamp() >= tick.timestamp
        if tick.instigator_name == SCHEDULE and run.run_id in tick.run_ids and made_by_it:
            return True
    return False
