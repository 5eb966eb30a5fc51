"""Who may write: this process, the schedule's tick, or a plan named with its checksum. Tags prove nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorType, TickData, TickStatus

from pax8_pipeline.orchestration.write_permission import SCHEDULE, Permission, refusal
from pax8_pipeline_tests.support.history import disk_instance

IMITATED = {"dagster/schedule_name": SCHEDULE, "dagster/tick": "1"}


def tick(instance: dg.DagsterInstance, *run_ids: str, name: str = SCHEDULE, at: float | None = None) -> str:
    """What Dagster's daemon writes when a schedule has started runs; returns the tick's id."""
    data = TickData(
        "origin",
        name,
        InstigatorType.SCHEDULE,
        TickStatus.SUCCESS,
        timestamp=datetime.now(UTC).timestamp() - 60 if at is None else at,
        run_ids=list(run_ids),
        selector_id="selector",
    )
    return str(instance.create_tick(data).tick_id)


def made(instance: dg.DagsterInstance, **how: Any) -> dg.DagsterRun:
    """A run in the history."""
    run = dg.DagsterRun("daily_sync", **how)
    return instance.add_run(run)


def may(run: dg.DagsterRun, instance: dg.DagsterInstance, mode: str = "apply", **more: Any) -> bool:
    permission = more.pop("permission", Permission())
    return refusal(run, instance, permission, names_plan=more.pop("names_plan", False), write_mode=mode) is None


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with disk_instance(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("tags", "granted", "names_plan", "mode", "expected"),
    [
        ({}, True, False, "apply", True),
        ({}, False, True, "apply", True),
        ({}, False, False, "apply", False),
        ({}, True, False, "dry_run", False),
        ({}, False, True, "dry_run", False),
        (IMITATED, False, False, "apply", False),
        ({"dagster/backfill": "x"}, True, True, "apply", False),
        ({"dagster/asset_partition_range_start": "2026-01-01"}, True, True, "apply", False),
        ({"dagster/partition": "2026-08-01"}, False, False, "apply", False),
        ({"pax8_pipeline/permission": "granted"}, False, False, "apply", False),
    ],
)
def test_a_run_writes_only_with_permission_and_in_write_mode(
    tags: dict[str, str], granted: bool, names_plan: bool, mode: str, expected: bool, instance: dg.DagsterInstance
) -> None:
    run = made(instance, tags=tags)
    assert may(run, instance, mode, permission=Permission(granted), names_plan=names_plan) is expected


def scheduled(instance: dg.DagsterInstance, **how: Any) -> dg.DagsterRun:
    """A run as the schedule makes it: the daemon knows the tick first and notes the run in it afterwards."""
    tick_id = tick(instance)
    run = made(instance, tags={"dagster/schedule_name": SCHEDULE, "dagster/tick": tick_id}, **how)
    (found,) = instance.schedule_storage.get_ticks_by_ids([int(tick_id)])  # type: ignore[union-attr]
    instance.update_tick(found.with_run_info(run.run_id, None))
    return run


def test_the_run_of_a_tick_of_the_schedule_may_write(instance: dg.DagsterInstance) -> None:
    run = scheduled(instance)
    assert may(run, instance)
    assert not may(run, instance, "dry_run")


def test_a_copy_of_the_schedules_tags_is_no_permission(instance: dg.DagsterInstance) -> None:
    run = scheduled(instance)
    assert not may(made(instance, tags=run.tags), instance)
    assert not may(made(instance, tags=run.tags, parent_run_id=run.run_id, root_run_id=run.run_id), instance)


@pytest.mark.parametrize(
    "other",
    [
        {"run_config": {"ops": {"billing__writes": {"config": {"apply": True}}}}},
        {"op_selection": ["billing__writes"]},
        {"asset_selection": frozenset([dg.AssetKey(["billing", "writes"])])},
    ],
    ids=["configuration", "ops", "assets"],
)
def test_a_run_with_another_configuration_or_a_part_of_the_assets_is_not_the_schedules(
    other: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    assert not may(scheduled(instance, **other), instance)


def test_a_run_that_waited_for_its_tick_to_find_it_is_not_the_schedules(instance: dg.DagsterInstance) -> None:
    run = dg.DagsterRun("daily_sync", tags=IMITATED)
    instance.add_run(run)
    assert tick(instance, run.run_id, at=datetime.now(UTC).timestamp() + 60) == "1"
    assert not may(run, instance)


def test_the_tick_of_another_schedule_is_no_permission(instance: dg.DagsterInstance) -> None:
    run = dg.DagsterRun("daily_sync", tags=IMITATED)
    assert tick(instance, run.run_id, name="another_schedule") == "1"
    assert not may(instance.add_run(run), instance)


def test_the_daemons_own_retry_of_the_schedules_run_may_write(instance: dg.DagsterInstance) -> None:
    first = scheduled(instance)
    retry = made(instance, tags=first.tags, parent_run_id=first.run_id, root_run_id=first.run_id)
    assert not may(retry, instance)
    instance.add_run_tags(first.run_id, {"dagster/auto_retry_run_id": retry.run_id})
    assert may(retry, instance)
