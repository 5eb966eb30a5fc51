"""Dagster's instance: where its history is, what a dead process leaves behind, what retention deletes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.orchestration.instance import (
    delete_old_runs,
    end_dead_runs,
    instance_home,
    open_instance,
    process_lock,
)
from pax8_pipeline.settings import load_settings
from pax8_pipeline_tests.support.cli import clean_environment
from pax8_pipeline_tests.support.history import copy_history

LATER = datetime.now(UTC) + timedelta(days=1)


@dg.op(pool="duckdb")
def touch() -> int:
    return 1


@dg.job(name="daily_sync")
def daily_sync() -> None:
    touch()


@dg.op
def fail() -> None:
    raise RuntimeError("on purpose")


@dg.job(name="failing")
def failing() -> None:
    fail()


@dg.asset
def checked() -> None: ...


@dg.asset_check(asset=checked)
def check_of_it() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    copy_history(tmp_path)
    with open_instance(load_settings({"PAX8_PIPELINE_DATA": str(tmp_path)})) as instance:
        yield instance


def test_the_history_lies_beside_the_data_with_the_settings_of_the_checkout(tmp_path: Path) -> None:
    home = instance_home(load_settings({"PAX8_PIPELINE_DATA": str(tmp_path)}))
    assert home == tmp_path / "dagster_home"
    written = yaml.safe_load((home / "dagster.yaml").read_text())
    source = yaml.safe_load((Path(__file__).parents[2] / "dagster.yaml").read_text())
    for key in ("concurrency", "run_monitoring", "run_retries", "retention", "telemetry", "nux"):
        assert written[key] == source[key]
    assert written["storage"]["sqlite"]["base_dir"] == str(home)


def test_settings_are_those_that_protect_the_warehouse(instance: dg.DagsterInstance) -> None:
    concurrency = instance.get_concurrency_config()
    assert concurrency.pool_config.default_pool_limit == 1
    assert concurrency.run_queue_config is not None
    assert concurrency.run_queue_config.max_concurrent_runs == 1
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_settings["free_slots_after_run_end_seconds"] > 0
    assert instance.run_monitoring_max_runtime_seconds > 0
    assert instance.run_retries_enabled
    assert instance.get_settings("run_retries")["retry_on_asset_or_op_failure"] is False
    assert instance.telemetry_enabled is False
    assert instance.nux_enabled is False


def test_history_is_there_for_the_next_process(tmp_path: Path) -> None:
    copy_history(tmp_path)
    settings = load_settings({"PAX8_PIPELINE_DATA": str(tmp_path)})
    with open_instance(settings) as instance:
        run_id = daily_sync.execute_in_process(instance=instance).run_id
    with open_instance(settings) as instance:
        assert [run.run_id for run in instance.get_runs()] == [run_id]


@pytest.mark.parametrize("home", ["relative/home", "/no/such/folder"])
def test_a_dagster_home_that_dagster_would_stumble_over_is_refused_in_words(tmp_path: Path, home: str) -> None:
    with pytest.raises(ConfigError, match="DAGSTER_HOME"):
        instance_home(load_settings({"PAX8_PIPELINE_DATA": str(tmp_path), "DAGSTER_HOME": home}))


def test_a_dagster_home_that_is_set_is_taken_as_it_is(tmp_path: Path) -> None:
    settings = load_settings({"PAX8_PIPELINE_DATA": "/nowhere", "DAGSTER_HOME": str(tmp_path)})
    assert instance_home(settings) == tmp_path
    assert list(tmp_path.iterdir()) == []


# Dead and alive
# -------------------------------------------------------------------------------------------------------------------

DIES = """
import os, sys
from pathlib import Path
import dagster as dg
from pax8_pipeline.orchestration.instance import process_lock, open_instance
from pax8_pipeline.settings import load_settings

@dg.op(pool="duckdb")
def die():
    os._exit(9)

@dg.job(name="daily_sync")
def daily_sync():
    die()

with open_instance(load_settings({"PAX8_PIPELINE_DATA": sys.argv[1]})) as instance:
    with process_lock(instance, sys.argv[2]):
        daily_sync.execute_in_process(instance=instance, run_id=sys.argv[2])
"""


def test_a_killed_run_is_failed_and_its_slot_given_back(tmp_path: Path) -> None:
    settings = load_settings({"PAX8_PIPELINE_DATA": str(tmp_path)})
    copy_history(tmp_path)
    run_id = "11111111-2222-4333-8444-555555555555"
    command = [sys.executable, "-c", DIES, str(tmp_path), run_id]
    assert subprocess.run(command, env=clean_environment(), capture_output=True, check=False).returncode == 9
    with dg.DagsterInstance.from_config(str(instance_home(settings))) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.STARTED
        assert instance.event_log_storage.get_concurrency_run_ids() == {run_id}
    with open_instance(settings) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.FAILURE
        assert instance.event_log_storage.get_concurrency_run_ids() == set()
        assert daily_sync.execute_in_process(instance=instance).success  # not kept waiting for the slot
        assert end_dead_runs(instance) == []


def test_a_run_whose_process_lives_is_left_alone(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(daily_sync)
    with process_lock(instance, run.run_id):
        instance.report_engine_event("begins", run)
        instance.handle_run_event(run.run_id, _start_event(run))
        assert end_dead_runs(instance) == []
    assert _status(instance, run.run_id) == dg.DagsterRunStatus.STARTED


def test_a_run_that_somebody_else_started_is_left_to_dagster(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(daily_sync)
    with process_lock(instance, "another-run"):  # so the folder of the locks is there
        pass
    instance.handle_run_event(run.run_id, _start_event(run))
    assert end_dead_runs(instance) == []
    assert _status(instance, run.run_id) == dg.DagsterRunStatus.STARTED


def _start_event(run: dg.DagsterRun) -> dg.DagsterEvent:
    return dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_START.value, job_name=run.job_name)


def _status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


# Retention
# -------------------------------------------------------------------------------------------------------------------


def _files(instance: dg.DagsterInstance, run_id: str) -> list[Path]:
    return [path for path in Path(instance.root_directory).rglob("*") if run_id in str(path)]


def test_old_runs_go_with_all_their_files_and_the_newest_good_one_of_each_job_stays(
    instance: dg.DagsterInstance,
) -> None:
    old = daily_sync.execute_in_process(instance=instance).run_id
    failed = failing.execute_in_process(instance=instance, raise_on_error=False).run_id
    newest = daily_sync.execute_in_process(instance=instance).run_id
    assert _files(instance, old)
    seen: list[tuple[int, int]] = []
    swept = delete_old_runs(instance, LATER, progress=lambda done, total: seen.append((done, total)))
    assert (swept.runs, swept.orphans, seen) == (2, 0, [(1, 2), (2, 2)])
    assert [run.run_id for run in instance.get_runs()] == [newest]
    assert _files(instance, old) == _files(instance, failed) == []
    assert _files(instance, newest)


def test_a_deleted_run_leaves_no_result_of_a_check(instance: dg.DagsterInstance) -> None:
    def results() -> int:
        storage = instance.event_log_storage
        assert isinstance(storage, SqlEventLogStorage)
        with storage.index_connection() as connection:
            return len(connection.execute(AssetCheckExecutionsTable.select()).fetchall())

    for _ in range(2):
        dg.materialize([checked, check_of_it], instance=instance)
    assert results() == 2
    assert delete_old_runs(instance, LATER).runs == 1
    assert results() == 1


def test_young_runs_and_runs_at_work_stay(instance: dg.DagsterInstance) -> None:
    daily_sync.execute_in_process(instance=instance)
    daily_sync.execute_in_process(instance=instance)
    instance.handle_run_event((run := instance.create_run_for_job(daily_sync)).run_id, _start_event(run))
    assert delete_old_runs(instance, datetime.now(UTC) - timedelta(days=1)).runs == 0
    assert delete_old_runs(instance, LATER).runs == 1
    assert len(instance.get_runs()) == 2


def test_a_dry_run_counts_the_same_and_deletes_nothing(instance: dg.DagsterInstance) -> None:
    runs = [daily_sync.execute_in_process(instance=instance).run_id for _ in range(3)]
    assert delete_old_runs(instance, LATER, dry_run=True).runs == 2
    assert len(instance.get_runs()) == 3
    assert all(_files(instance, run_id) for run_id in runs)


def test_event_files_of_runs_long_gone_are_swept(instance: dg.DagsterInstance) -> None:
    run_id = daily_sync.execute_in_process(instance=instance).run_id
    instance.delete_run(run_id)  # as the UI's delete does, which leaves the emptied file
    assert _files(instance, run_id)
    assert delete_old_runs(instance, LATER, dry_run=True).orphans == 1
    assert delete_old_runs(instance, LATER).orphans == 1
    assert not list(Path(instance.root_directory).glob(f"history/runs/{run_id}.db*"))
    assert delete_old_runs(instance, LATER).orphans == 0
