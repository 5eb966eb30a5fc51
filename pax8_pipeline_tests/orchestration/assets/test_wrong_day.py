"""A run whose day is not the vendors' day writes nothing: by its check, and once more just before the first write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pax8_pipeline.errors import NotFound
from pax8_pipeline.orchestration.runs import RunResult, run_apply_plan
from pax8_pipeline_tests.support.assets import PipelineHarness, finished_run, out_of_step, planned
from pax8_pipeline_tests.support.vendor_data import TODAY

RIGHT = datetime(TODAY.year, TODAY.month, TODAY.day, 6, tzinfo=UTC)
WRONG = RIGHT + timedelta(days=1)


def clock_check(result: RunResult) -> list[tuple[str, str]]:
    return [(c.severity, c.description) for c in result.failed_checks if c.name == "clock"]


@pytest.mark.parametrize("vendor", ["pax8", "halo"])
def test_a_day_that_one_vendor_contradicts_is_a_blocking_check(vendor: str, tmp_path: Path) -> None:
    harness = out_of_step(tmp_path, seats_only=True)
    harness.pax8.date = harness.halo.date = RIGHT
    getattr(harness, vendor).date = WRONG
    result = harness.sync()
    assert (result.applied, harness.halo.written) == ({}, [])
    ((severity, text),) = clock_check(result)
    assert severity == "ERROR"
    assert "PAX8_PIPELINE_TODAY says 2026-08-20. Remove PAX8_PIPELINE_TODAY from .env" in text


def test_a_run_without_permission_plans_writes_nothing_and_only_warns(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path, seats_only=True)
    harness.pax8.date = harness.halo.date = WRONG
    result = harness.sync(apply=False)
    made = harness.made(result.run_id)
    assert [severity for severity, _ in clock_check(result)] == ["WARN"]
    assert (result.success, harness.halo.written, made["billing/writes"]["applied"]) == (True, [], False)
    assert (made["billing/plan"]["safe"], "by hand" in made["billing/writes"]["reason"]) == (1, True)


def test_vendors_without_a_date_header_are_named_and_nothing_is_held() -> None:
    run = finished_run("apply")
    assert (run.result.applied, clock_check(run.result)) == ({"verified": 1}, [])
    assert "Pax8 and Halo sent no Date header: the day was not compared with it" in run.messages


def test_the_sink_asks_again_just_before_the_first_write(tmp_path: Path) -> None:
    """The clock of this machine is set while the run is at work: only a fresh answer shows it."""
    harness = out_of_step(tmp_path, seats_only=True)
    harness.pax8.date = harness.halo.date = RIGHT
    check = harness.halo.instance_info

    def late() -> dict[str, object]:
        if harness.halo.asked("instance_info"):  # the second question of the run, the sink's
            harness.halo.date = WRONG
        return check()

    harness.halo.instance_info = late  # type: ignore[method-assign]
    result = harness.sync()
    assert (harness.halo.written, clock_check(result)) == ([], [])
    assert result.held_back.startswith("clock: Halo says 2026-08-21")


def test_applying_a_stored_plan_compares_too(tmp_path: Path) -> None:
    harness, plan_id = planned(tmp_path)
    harness.pax8.date, harness.halo.date = WRONG, RIGHT
    result = apply(harness, plan_id)
    assert (result.applied, harness.halo.written) == ({}, [])
    assert "Pax8 says 2026-08-21" in result.refused
    harness.pax8.date = RIGHT
    assert apply(harness, plan_id).applied == {"verified": 1}


def apply(harness: PipelineHarness, plan_id: str) -> RunResult:
    with harness.held_open():
        return run_apply_plan(harness.settings, plan_id, instance=harness.instance, resources=harness.resources)


def test_on_the_right_day_a_run_writes_with_a_new_version_of_halo_too_and_a_dry_run_only_warns(tmp_path: Path) -> None:
    harness, _ = planned(tmp_path)
    assert finished_run("dry_run").made("halo/integration")["halo"] == "Halo version 2.210.1"
    harness.pax8.date = harness.halo.date = RIGHT
    harness.halo.instance = {"app_version": "2.211.0"}
    result = harness.sync()
    assert (result.applied, clock_check(result)) == ({"verified": 1}, [])
    second = harness.made(result.run_id)
    assert second["halo/integration"]["halo"] == "Halo version 2.211.0, new since the last run (it was 2.210.1)"
    # A version that cannot be read stops nothing; neither does a wrong day where nothing can be written.
    harness.env["HALO_WRITE_MODE"], harness.seats_only = "", True
    harness.pax8.date = harness.halo.date = WRONG
    harness.halo.faults["instance_info"] = NotFound("no such resource", vendor="Halo", status=404)
    third = harness.sync()
    assert (third.success, [severity for severity, _ in clock_check(third)]) == (True, ["WARN"])
    assert "did not say its version" in harness.made(third.run_id)["halo/integration"]["halo"]
    assert "Halo version 2.211.0" in Path(second["billing/report"]["page"]).read_text(encoding="utf-8")
