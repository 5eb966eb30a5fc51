"""Months, schedule and jobs: what runs when, and what a tick asks for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from pax8_pipeline.definitions import build_defs
from pax8_pipeline.orchestration.partitions import CodeLocationSettings, code_location_settings, months, partition_key
from pax8_pipeline.orchestration.schedule import schedule
from pax8_pipeline.settings import Policy, SchedulePolicy, UsagePolicy, load_settings


def view(today: date | None = None, *, on: bool = False, **policy: object) -> CodeLocationSettings:
    return CodeLocationSettings(Policy.model_validate(policy), today or datetime.now(UTC).date(), on)


def test_the_running_month_is_one_of_the_months() -> None:
    today = datetime.now(ZoneInfo("UTC")).date()
    assert months(view(today)).get_last_partition_key() == partition_key(today)


@pytest.mark.parametrize("today", [date(2031, 2, 14), date(2019, 3, 1)])
def test_a_today_that_is_not_the_clocks_is_one_of_the_months_too(today: date) -> None:
    assert partition_key(today) in months(view(today)).get_partition_keys()


def test_the_months_begin_where_the_policy_says() -> None:
    policy = UsagePolicy(history_from="2025-05").model_dump()
    assert months(view(usage=policy)).get_first_partition_key() == "2025-05-01"


@pytest.mark.parametrize(
    ("text", "on"), [("on", True), ("ON", True), ("1", True), ("", False), ("off", False), ("maybe", False)]
)
def test_the_schedule_is_off_unless_it_is_switched_on(text: str, on: bool, tmp_path: Path) -> None:
    found = code_location_settings(load_settings({"PAX8_PIPELINE_DATA": str(tmp_path), "PAX8_SCHEDULE": text}))
    status = schedule(found).default_status
    assert (status is dg.DefaultScheduleStatus.RUNNING) is on


def test_a_policy_that_cannot_be_read_counts_as_its_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "policy.yaml").write_text("schedule: {hour: 99}", encoding="utf-8")
    monkeypatch.setenv("PAX8_PIPELINE_DATA", str(tmp_path))
    assert code_location_settings().policy == Policy()


def test_the_daily_run_starts_at_the_policys_hour_in_its_time_zone() -> None:
    made = schedule(view(timezone="Europe/London", schedule=SchedulePolicy(hour=7, minute=30).model_dump()))
    assert (made.cron_schedule, made.execution_timezone) == ("30 7 * * *", "Europe/London")


def requested(tick: datetime, folder: Path, **env: str) -> dg.RunRequest:
    """The one run that a tick of the real schedule asks for."""
    (folder / "policy.yaml").write_text(f"timezone: {tick.tzinfo}\n", encoding="utf-8")
    settings = load_settings({"PAX8_PIPELINE_DATA": str(folder), **env})
    defs = build_defs(settings=settings)
    context = dg.build_schedule_context(scheduled_execution_time=tick, repository_def=defs.get_repository_def())
    (request,) = defs.resolve_schedule_def("daily_sync_schedule").evaluate_tick(context).run_requests or ()
    return request


def test_a_pinned_today_asks_for_its_own_month_under_the_ticks_key(tmp_path: Path) -> None:
    tick = datetime(2026, 11, 22, 6, 0, tzinfo=ZoneInfo("UTC"))
    request = requested(tick, tmp_path, PAX8_PIPELINE_TODAY="2026-08-20")
    assert (request.run_key, request.partition_key) == ("2026-11-22", "2026-08-01")


@pytest.mark.parametrize(
    ("tick", "day", "month"),
    [
        (datetime(2026, 8, 1, 6, 0, tzinfo=ZoneInfo("UTC")), "2026-08-01", "2026-08-01"),
        # Six in the morning in Auckland is still yesterday in UTC, and on the first of a month another month.
        (datetime(2026, 9, 1, 6, 0, tzinfo=ZoneInfo("Pacific/Auckland")), "2026-09-01", "2026-09-01"),
    ],
)
def test_a_tick_asks_for_one_run_of_its_own_day_and_month(tick: datetime, day: str, month: str, tmp_path: Path) -> None:
    request = requested(tick, tmp_path)
    assert (request.run_key, request.partition_key) == (day, month)
    assert request.tags["dagster/max_retries"] == "1"
    assert request.tags["dagster/retry_on_asset_or_op_failure"] == "false", "a failed write is an answer, not a hiccup"


def test_every_job_has_an_end() -> None:
    defs = build_defs()
    for name in ("daily_sync", "usage_backfill", "usage_lines_backfill", "apply_plan"):
        assert int(defs.resolve_job_def(name).tags["dagster/max_runtime"]) > 0
