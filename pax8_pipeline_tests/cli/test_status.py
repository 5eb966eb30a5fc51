"""`status` shows the last run, what waits, and the money that is open; `--check` is for monitoring."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pax8_pipeline.orchestration import heartbeat
from pax8_pipeline.settings import Settings
from pax8_pipeline_tests.support.assets import PipelineHarness
from pax8_pipeline_tests.support.cli import quick
from pax8_pipeline_tests.support.operator import Ran
from pax8_pipeline_tests.support.vendor_data import subscription
from pax8_pipeline_tests.support.vendors import Pax8InMemory

UNBILLED = "aaaaaaaa-0000-4000-8000-000000000002"


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> PipelineHarness:
    """One licence grew and waits for an approval; another subscription is billed to nobody."""
    folder = tmp_path_factory.mktemp("status")
    (folder / "policy.yaml").write_text("trust: {default: approve}\n", encoding="utf-8")
    pax8 = Pax8InMemory(subscription_rows=[subscription(quantity=25), subscription(id=UNBILLED)])
    made = PipelineHarness(folder, pax8, seats_only=True)
    made.sync()
    return made


def status(folder: Path, *options: str, **extra: str) -> Ran:
    return quick(folder, "status", *options, PAX8_PIPELINE_DATA=str(folder), **extra)


def ended(settings: Settings, *, hours_ago: float, success: bool = True, job: str = "daily_sync") -> None:
    ended_at = datetime.now(UTC) - timedelta(hours=hours_ago)
    heartbeat.record(settings, heartbeat.RunEnd("run-1", job, success=success, ended_at=ended_at), daily=True)


def test_it_shows_run_plan_and_open_money(harness: PipelineHarness) -> None:
    shown = status(harness.folder)
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert "UTC (under 1 hour ago): daily_sync ended well" in lines[0]
    assert any(line.startswith("Write mode    dry run") for line in lines)
    assert any("1 waits for approval" in line for line in lines)
    assert any("not billed, a month (1 finding since 2026-08-20)" in line for line in lines)
    assert any(line.startswith("Next step     pax8-pipeline plan show") for line in lines)


def test_it_fits_a_narrow_terminal_and_what_nobody_is_billed_for_comes_first(harness: PipelineHarness) -> None:
    lines = status(harness.folder, COLUMNS="60").out.splitlines()
    assert max(len(line) for line in lines if not line.startswith("Report")) <= 60
    assert (
        next(line for line in lines if line.startswith("Open")).split("(")[0].rstrip().endswith("not billed, a month")
    )


def test_it_is_data_for_a_program(harness: PipelineHarness) -> None:
    found = json.loads(status(harness.folder, "--json").out)
    assert (found["schema"], found["waiting"], found["late"]) == ("pax8-pipeline/status/1", 1, False)
    [money] = found["open_money"]
    assert (money["kind"], money["number"], money["since"]) == ("not billed, a month", 1, "2026-08-20")
    assert isinstance(money["amount"], str)  # decimal text, never a double


def test_before_the_first_run_it_says_what_to_do(tmp_path: Path) -> None:
    shown = status(tmp_path)
    assert "none yet: pax8-pipeline run" in shown.out
    assert status(tmp_path, "--check").code == 3


@pytest.mark.parametrize(("hours", "code"), [(1, 0), (25.9, 0), (26.1, 3)])
def test_check_ends_with_3_after_26_hours_without_success(tmp_path: Path, hours: float, code: int) -> None:
    settings = PipelineHarness(tmp_path).settings
    ended(settings, hours_ago=hours)
    ended(settings, hours_ago=0, success=False)
    shown = status(tmp_path, "--check")
    assert shown.code == code
    assert "daily_sync FAILED" in shown.out


def test_an_unreadable_file_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "last_success.json").write_text("{", encoding="utf-8")
    assert status(tmp_path, "--check").code == 3


def test_the_next_run_follows_policy_and_switch(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        "timezone: Europe/London\nschedule: {hour: 5, minute: 30}\n", encoding="utf-8"
    )
    shown = status(tmp_path, PAX8_SCHEDULE="on").out
    [line] = [line for line in shown.splitlines() if line.startswith("Next run")]
    assert "05:30 Europe/London" in line
    assert "if the schedule is on" not in line
    assert date.fromisoformat(line.split()[2]) - datetime.now(UTC).date() <= timedelta(days=2)
