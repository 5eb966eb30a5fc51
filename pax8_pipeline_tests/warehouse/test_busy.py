"""A warehouse that another program holds: said at once, with the program; waited for once; then one sentence."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pax8_pipeline.errors import WarehouseBusy
from pax8_pipeline.orchestration.resources import WarehouseResource
from pax8_pipeline.orchestration.runs import run_daily_sync
from pax8_pipeline.warehouse.connection import Waited, Warehouse
from pax8_pipeline_tests.support.assets import PipelineHarness, out_of_step
from pax8_pipeline_tests.support.warehouse_files import release

HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


class Time:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now, self.waits = 0.0, 0

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.waits += 1


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A warehouse file that another process has open, and that process."""
    release()
    path = tmp_path / "warehouse.duckdb"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    yield path, other.pid
    other.communicate("")


def test_the_wait_is_told_at_once_with_the_process_and_spent_once(
    held: tuple[Path, int], caplog: pytest.LogCaptureFixture
) -> None:
    path, pid = held
    time, waited = Time(), Waited()
    warehouse = Warehouse(path, 60, waited, time.clock, time.wait)
    with (
        caplog.at_level(logging.WARNING, "pax8_pipeline.progress"),
        pytest.raises(WarehouseBusy, match=rf"held by process {pid} \(.*python.*\); close it"),
        warehouse.connect(),
    ):
        pass
    message = [record.getMessage() for record in caplog.records]
    assert f"is held by process {pid} (" in message[0]
    assert "waiting up to 60 s" in message[0]
    assert 2 <= len(message) <= 6
    assert 60 <= time.now <= 61
    for again in (warehouse, Warehouse(path, 60, waited, time.clock, time.wait)):
        waits = time.waits
        with pytest.raises(WarehouseBusy), again.connect():
            pass
        assert time.waits == waits, "a run waits once, not in every step"


def test_the_command_of_the_holder_is_shown_without_its_arguments(held: tuple[Path, int]) -> None:
    path, _ = held
    with pytest.raises(WarehouseBusy) as found, Warehouse(path, 0).connect():
        pass
    assert "sys.stdin" not in str(found.value)
    assert str(found.value).count(str(path)) == 1


def test_a_run_asks_no_vendor_while_the_warehouse_is_held(
    held: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, pid = held
    harness = out_of_step(path.parent)
    monkeypatch.setattr("pax8_pipeline.orchestration.runs.Warehouse", lambda path: Warehouse(path, 0))
    with pytest.raises(WarehouseBusy, match=f"process {pid}"):
        run_daily_sync(harness.settings, apply=True, instance=harness.instance, resources=harness.resources)
    assert (harness.pax8.calls, harness.halo.calls) == ([], [])


def test_a_run_whose_steps_all_meet_the_holder_says_it_once(held: tuple[Path, int]) -> None:
    path, pid = held
    harness: PipelineHarness = out_of_step(path.parent)
    resources = {**harness.resources, "warehouse": WarehouseResource(patience_s=0)}
    from pax8_pipeline.definitions import build_defs
    from pax8_pipeline.orchestration.run_events import step_failures
    from pax8_pipeline_tests.support.assets import MONTH, QUIET

    job = build_defs(resources=resources, settings=harness.settings).resolve_job_def("daily_sync")
    ran = job.execute_in_process(instance=harness.instance, run_config=QUIET, raise_on_error=False, partition_key=MONTH)
    (sentence,) = step_failures(harness.instance, ran.run_id)
    assert f"process {pid}" in sentence
    assert "more steps" in sentence
    assert (harness.pax8.calls, harness.halo.calls) == ([], [])
