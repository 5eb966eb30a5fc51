"""A run that somebody or something disturbs: cancelled in a write, files changed under it, odd days, a broken
warehouse.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from pax8_pipeline.errors import PipelineError
from pax8_pipeline.orchestration.assets import billing as billing_assets
from pax8_pipeline.orchestration.assets import staging as staging_assets
from pax8_pipeline.orchestration.partitions import code_location_settings
from pax8_pipeline.orchestration.resources import SettingsResource
from pax8_pipeline.orchestration.schedule import schedule
from pax8_pipeline.settings import environment as settings_module
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.assets import PipelineHarness, out_of_step, written
from pax8_pipeline_tests.support.vendor_data import subscription
from pax8_pipeline_tests.support.vendors import HaloInMemory, Pax8InMemory
from pax8_pipeline_tests.support.warehouse_files import release

FAR_CLIENTS = "pax8_company_id,halo_client_id,note\n5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9aff,231,\n"


def ledger(harness: PipelineHarness) -> list[tuple[str, str]]:
    with Warehouse(harness.settings.warehouse_path).connect() as connection:
        return connection.execute("SELECT row_id, state FROM billing.ledger_state").fetchall()


@pytest.mark.parametrize("taken", [True, False], ids=["Halo took it", "Halo never got it"])
def test_a_run_that_is_cancelled_during_a_write_leaves_it_open_and_the_next_run_settles_it(
    taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = out_of_step(tmp_path, seats_only=True)

    def cancelled(self: HaloInMemory, kind: str, body: dict[str, Any]) -> None:
        if taken:
            self.licence_rows[0]["count"] = body["count"]
        raise dg.DagsterExecutionInterruptedError()

    with monkeypatch.context() as patched:
        patched.setattr(HaloInMemory, "_write", cancelled)
        first = harness.sync()
    assert (first.success, [state for _, state in ledger(harness)]) == (False, ["claimed"])
    second = harness.sync()
    assert second.success
    states = {state for _, state in ledger(harness)}
    assert states <= {"verified", "failed"}
    assert len(harness.halo.written) == (0 if taken else 1)
    assert harness.halo.licence_rows[0]["count"] == 25


def test_the_files_of_the_mappings_change_between_matching_and_planning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = out_of_step(tmp_path, seats_only=True)
    then_changed(monkeypatch, staging_assets, "load_mappings", tmp_path / "mappings" / "clients.csv", FAR_CLIENTS)
    result = harness.sync()
    assert "changed during this run" in " ".join(result.errors)
    assert (result.plan_id, harness.halo.written) == (None, [])


@pytest.mark.parametrize(
    ("name", "text"),
    [("policy.yaml", "trust: {default: observe}\n"), ("mappings/clients.csv", FAR_CLIENTS)],
    ids=["policy", "mappings"],
)
def test_files_of_the_data_folder_change_between_planning_and_writing(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = out_of_step(tmp_path, seats_only=True)
    then_changed(monkeypatch, billing_assets, "make_plan", tmp_path / name, text)
    result = harness.sync()
    assert harness.halo.written == []
    assert "changed since it was made" in result.refused


def then_changed(monkeypatch: pytest.MonkeyPatch, module: Any, function: str, path: Path, text: str) -> None:
    """Have a file changed right after a function of the run."""
    real: Callable[..., Any] = getattr(module, function)

    def changing(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        path.write_text(text, encoding="utf-8")
        return found

    monkeypatch.setattr(module, function, changing)


# Days
# -------------------------------------------------------------------------------------------------------------------


def test_a_run_over_midnight_has_one_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = iter([date(2026, 8, 31), date(2026, 9, 1)])
    monkeypatch.setattr(settings_module, "_today", lambda text, zone, now: next(days))
    monkeypatch.setenv("PAX8_PIPELINE_DATA", str(tmp_path))
    resource = SettingsResource()
    assert [resource.load().today for _ in range(3)] == [date(2026, 8, 31)] * 3
    resource.setup_for_execution(dg.build_init_resource_context())
    assert resource.load().today == date(2026, 9, 1)


def test_a_run_on_the_last_day_of_the_year_writes_what_any_day_does(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path, seats_only=True, PAX8_PIPELINE_TODAY="2026-12-31")
    result = harness.sync()
    assert (result.success, result.errors, result.applied) == (True, [], {"verified": 1})


def test_a_subscription_that_ends_on_a_leap_day_is_ended_the_day_after(tmp_path: Path) -> None:
    ending = subscription(status="Cancelled", endDate="2028-02-29")
    leap_day = {"PAX8_PIPELINE_TODAY": "2028-02-29"}
    harness = PipelineHarness(tmp_path, Pax8InMemory(subscription_rows=[ending]), env=leap_day, seats_only=True)
    assert (harness.sync().applied, harness.halo.written) == ({}, [])
    harness.env["PAX8_PIPELINE_TODAY"] = "2028-03-01"
    assert harness.sync().applied == {"verified": 1}
    assert [what for what, _ in harness.halo.written] == ["line", "licence"]


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("at", [(0, 0), (1, 30), (2, 30), (3, 0)])
def test_on_the_nights_when_clocks_change_the_schedule_ticks_once_a_day(
    zone: str, at: tuple[int, int], tmp_path: Path
) -> None:
    hour, minute = at
    (tmp_path / "policy.yaml").write_text(f"timezone: {zone}\nschedule: {{hour: {hour}, minute: {minute}}}\n")
    made = schedule(code_location_settings(load_settings({"PAX8_PIPELINE_DATA": str(tmp_path)})))
    assert isinstance(made.cron_schedule, str)
    start = datetime(2026, 1, 1, 12, tzinfo=ZoneInfo(zone))
    ticks = schedule_execution_time_iterator(start.timestamp(), made.cron_schedule, zone, ascending=True)
    days = [next(ticks).astimezone(ZoneInfo(zone)).date() for _ in range(365)]
    assert days == [date(2026, 1, 2) + timedelta(days=n) for n in range(365)]


# The warehouse
# -------------------------------------------------------------------------------------------------------------------


def test_a_damaged_warehouse_is_told_with_the_way_back_and_the_next_run_takes_it(tmp_path: Path) -> None:
    harness, _ = written(tmp_path)
    harness.seats_only = True
    release()
    path = harness.settings.warehouse_path
    path.write_bytes(path.read_bytes()[: 4096 * 3] + b"\0" * 10_000)
    with pytest.raises(PipelineError, match=r"damaged.*move it away: the next run makes it again.*backups"):
        harness.sync()
    path.rename(path.with_suffix(".damaged"))
    harness.pax8.subscription_rows[0]["quantity"] = 25
    again = harness.sync()
    assert (again.success, again.applied, len(harness.halo.written)) == (True, {}, 1)
    assert [state for _, state in ledger(harness)] == ["verified"]


def test_a_file_of_another_program_is_no_warehouse(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("hello " * 1000)
    with pytest.raises(PipelineError, match=r"is not a DuckDB file"), Warehouse(path).connect():
        pass


def test_a_folder_that_cannot_be_made_is_told_with_the_variable() -> None:
    with pytest.raises(PipelineError, match=r"/proc/nobody.*does not exist; make it, or name another"):
        Warehouse(Path("/proc/nobody/data/warehouse.duckdb")).ensure_schema()
