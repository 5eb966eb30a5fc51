"""The schedule switched on in the UI: a tick of the running daemon starts a run, and that run writes without anybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from pax8_pipeline_tests.support.chromium import IN_BROWSER
from pax8_pipeline_tests.support.dagster_ui import OTHER_CLIENTS, DagsterUi, add_seats, billed_seats, run_row
from pax8_pipeline_tests.support.pictures import take_picture

pytestmark = [*IN_BROWSER, pytest.mark.proof, pytest.mark.timeout(900)]

SCHEDULE = "locations/pax8_pipeline/schedules/daily_sync_schedule"


def switch_on(page: Any, ui: DagsterUi) -> None:
    """Set the hour in the policy, let Dagster read it as a person does, and switch the schedule on before its minute.

    Dagster takes only a tick before which the schedule was on. A machine that is too busy to be in time gets more time.
    """
    lead = timedelta(seconds=95)
    while True:
        tick = (datetime.now(UTC) + lead).replace(second=0, microsecond=0)
        ui.write_policy(lines_ended=5, hour=tick.hour, minute=tick.minute)
        page.goto(f"{ui.address}/locations")
        page.get_by_role("button", name="Reload all").click()
        page.goto(f"{ui.address}/{SCHEDULE}")
        page.get_by_text(f"({tick.minute} {tick.hour} * * *)").wait_for()
        switch = page.get_by_role("row").filter(has_text="Running").locator("label")
        expect(switch.locator("input")).not_to_be_checked()
        switch.click()
        expect(switch.locator("input")).to_be_checked()
        if datetime.now(UTC) < tick:
            return
        switch.click()
        expect(switch.locator("input")).not_to_be_checked()
        lead *= 2


def test_a_tick_of_the_schedule_writes_without_anybody(page: Any, ui: DagsterUi) -> None:
    bought = billed_seats(ui.world, OTHER_CLIENTS[0])[-1]
    add_seats(ui.world, bought, 1)
    known = ui.run_ids()
    switch_on(page, ui)
    run = ui.ended_run(known)
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert (run["status"], tags["dagster/schedule_name"]) == ("SUCCESS", "daily_sync_schedule")
    assert ui.world.expected_verdicts()[bought] == "in_step"

    page.goto(f"{ui.address}/{SCHEDULE}")
    row = page.get_by_role("row").filter(has_text=run["runId"][:8])
    expect(row).to_contain_text("1 run requested")
    take_picture(page, "schedule", height=620)
    page.goto(f"{ui.address}/locations/pax8_pipeline/jobs/daily_sync/runs")
    expect(run_row(page, run["runId"])).to_contain_text("daily_sync_schedule")
    expect(run_row(page, run["runId"])).to_contain_text("Success")
    page.goto(f"{ui.address}/overview/activity/timeline")
    page.get_by_role("link", name="daily_sync").first.wait_for()
