"""A run started from a program: on the history the UI shows, quiet on the terminal, told as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from pax8_pipeline.definitions import build_defs
from pax8_pipeline.errors import Unreachable
from pax8_pipeline.orchestration.instance import open_instance, project_file
from pax8_pipeline.orchestration.runs import RunResult, run_apply_plan, run_daily_sync
from pax8_pipeline.orchestration.tenancy import LOCATION, MODULE, REPOSITORY
from pax8_pipeline.warehouse import engine
from pax8_pipeline_tests.support.assets import MONTH, PipelineHarness, out_of_step
from pax8_pipeline_tests.support.history import copy_history


@pytest.fixture
def harness(tmp_path: Path) -> PipelineHarness:
    copy_history(tmp_path)
    return out_of_step(tmp_path, seats_only=True)


def test_the_run_stands_in_the_history_of_the_data_folder_and_opens_its_file_about_once_a_step(
    harness: PipelineHarness, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    attach = engine._attach

    def counted(*given: Any) -> Any:
        opened.append(given[1])
        return attach(*given)

    monkeypatch.setattr(engine, "_attach", counted)
    result = run_daily_sync(harness.settings, apply=True, resources=harness.resources, progress=None)
    with open_instance(harness.settings) as history:
        started = history.get_records_for_run(result.run_id, of_type=dg.DagsterEventType.STEP_START).records
    # Some steps ask a vendor in between, or write. Each opening costs 9 ms of the processor.
    assert len(opened) <= len(started) + 25
    printed = capfd.readouterr()
    assert (printed.out, "Traceback" in printed.err, "dagster" in printed.err) == ("", False, False)
    with open_instance(harness.settings) as history:
        run = history.get_run_by_id(result.run_id)
        assert run is not None
        assert (run.job_name, run.status, run.tags["dagster/partition"]) == (
            "daily_sync",
            dg.DagsterRunStatus.SUCCESS,
            MONTH,
        )
        plan = dg.AssetKey(["billing", "plan"])
        latest = history.get_latest_materialization_event(plan)
        assert latest is not None
        assert latest.run_id == result.run_id


def test_a_run_of_a_program_belongs_to_its_job(harness: PipelineHarness) -> None:
    """The UI's job page and timeline ask for runs by this label, and show only runs that name their origin."""
    with harness.held_open():
        result = run_daily_sync(harness.settings, apply=False, resources=harness.resources)
    with open_instance(harness.settings) as history:
        of_the_job = dg.RunsFilter(job_name="daily_sync", tags={".dagster/repository": "__repository__@pax8_pipeline"})
        assert [run.run_id for run in history.get_runs(of_the_job)] == [result.run_id]
        run = history.get_run_by_id(result.run_id)
        assert run is not None
        assert run.remote_job_origin is not None
        assert run.remote_job_origin.job_name == "daily_sync"
        assert run.tags["pax8/started_by"] == "command line"


def test_the_origin_is_the_code_location_that_the_ui_loads() -> None:
    location = yaml.safe_load(project_file("workspace.yaml").read_text(encoding="utf-8"))["load_from"][0][
        "python_module"
    ]
    assert (location["location_name"], location["module_name"]) == (LOCATION, MODULE)
    assert build_defs().get_repository_def().name == REPOSITORY


def test_progress_comes_one_line_at_a_time_and_ends_with_the_run(harness: PipelineHarness) -> None:
    messages: list[str] = []
    harness.sync(messages=messages)
    heard = len(messages)
    assert [text for text in messages if text.startswith("writes: 1 verified")]
    harness.pax8.faults["companies"] = Unreachable("Pax8 cannot be reached", vendor="Pax8")
    harness.sync()
    assert len(messages) == heard


def test_a_failure_comes_back_as_a_sentence_and_nothing_is_printed(
    harness: PipelineHarness, capfd: pytest.CaptureFixture[str]
) -> None:
    harness.pax8.faults["companies"] = Unreachable("Pax8 cannot be reached: name not found", vendor="Pax8")
    result = harness.sync()
    assert (result.success, result.plan_id) == (False, None)
    assert result.errors == ["pax8__companies: Pax8 cannot be reached: name not found"]
    printed = capfd.readouterr()
    assert "Traceback" not in printed.out + printed.err


def test_a_malformed_mapping_file_is_told_with_its_place(harness: PipelineHarness) -> None:
    (harness.folder / "mappings" / "items.csv").write_text(
        "pax8_product_id,halo_item_id\n5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11,x\n", encoding="utf-8"
    )
    result = harness.sync()
    assert not result.success
    assert any("items.csv, row 2, column halo_item_id" in error for error in result.errors)


def test_a_fault_of_our_own_is_told_by_its_name(harness: PipelineHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.pax8, "companies", lambda: 1 / 0)
    assert harness.sync().errors == ["pax8__companies: ZeroDivisionError: division by zero"]


def test_one_stored_plan_is_written_once_a_person_agreed_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("trust: {default: approve}\n", encoding="utf-8")
    harness = out_of_step(tmp_path, seats_only=True)
    plan_id = harness.sync().plan_id
    assert plan_id is not None

    def applied(**env: str) -> RunResult:
        harness.env = env
        with harness.held_open():
            return run_apply_plan(harness.settings, plan_id, instance=harness.instance, resources=harness.resources)

    assert (applied().outcome, applied().applied) == ("nothing to write", {})
    harness.approve_all(plan_id)
    dry = applied(HALO_WRITE_MODE="dry_run")
    assert (dry.refused, dry.applied) == ("dry run: HALO_WRITE_MODE is not `apply`", {})
    done = applied()
    assert (done.plan_id, done.applied, done.refused) == (plan_id, {"verified": 1}, "")
    assert (applied().outcome, applied().applied) == ("nothing to write", {})
