"""The Dagster UI as a person first sees it, after a dry run of the command line: lineage, the plan, runs, automation."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from pax8_pipeline_tests.support.chromium import IN_BROWSER
from pax8_pipeline_tests.support.dagster_ui import DagsterUi, run_row
from pax8_pipeline_tests.support.operator import until
from pax8_pipeline_tests.support.pictures import take_picture

pytestmark = IN_BROWSER

_TIME = re.compile(r"^\w{3} \d+, \d+:\d{2} [AP]M$")
GROUPS = ("sources", "pax8", "halo", "staging", "reconciled", "billing")


def test_the_lineage_graph_shows_the_way_from_the_vendors_to_billing(page: Any, ui: DagsterUi) -> None:
    page.set_viewport_size({"width": 1600, "height": 560})
    page.goto(f"{ui.address}/asset-groups")
    graph = page.locator("svg foreignObject")
    for group in GROUPS:
        graph.get_by_text(group, exact=True).first.wait_for()
    expect(page.get_by_text("Join the Dagster community")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    take_picture(page, "lineage")


def test_the_plan_preview_shows_clients_before_after_and_money(page: Any, ui: DagsterUi) -> None:
    page.goto(f"{ui.address}/assets/billing/plan?view=overview")
    page.get_by_role("row").filter(has_text="preview").get_by_text("[Show Markdown]").click()
    row = page.get_by_role("dialog").get_by_role("row").filter(has_text="Delmont Logistics")
    expect(row.first.get_by_role("cell").nth(5)).to_contain_text("USD")
    cells = row.first.get_by_role("cell").all_inner_texts()
    before, after, money = cells[3:6]
    assert int(after) > int(before)
    assert money.startswith("+")
    assert money.endswith("USD a month")


def test_a_run_of_the_command_line_belongs_to_its_job(page: Any, ui: DagsterUi) -> None:
    """It is on the page of its job, on the timeline, and in the history of the assets that it made."""
    by_command = {"key": "pax8/started_by", "value": "command line"}
    runs = (run for run in ui.runs() if run["jobName"] == "daily_sync" and run["status"] == "SUCCESS")
    run_id = next(run["runId"] for run in runs if by_command in run["tags"])
    page.goto(f"{ui.address}/locations/pax8_pipeline/jobs/daily_sync/runs")
    row = run_row(page, run_id)
    expect(row).to_contain_text("Success")
    expect(row).to_contain_text("command line")
    page.goto(f"{ui.address}/assets/billing/plan?view=events")
    events, link = page.get_by_text(_TIME), page.locator(f"a[href*='{run_id}']")
    events.first.wait_for()

    def one_event_names_the_run() -> bool:
        """The page shows the run of the event that is selected; other tests' runs are in the history too."""
        for place in range(events.count()):
            events.nth(place).click()
            if link.count():
                return True
        return False

    until(one_event_names_the_run, 60)
    page.goto(f"{ui.address}/overview/activity/timeline")
    page.get_by_role("link", name="daily_sync").first.wait_for()
    page.get_by_text("1hr", exact=True).click()  # wide enough to tell the bar from the line of the present moment
    bars = page.locator("[class*=runChunk_]")
    bars.first.wait_for()

    def one_bar_names_the_run() -> bool:
        """A bar of the timeline names its runs when the mouse is over it; runs close together share one."""
        for place in range(bars.count()):
            bars.nth(place).hover()
            page.locator("[class*=popover] a[href*='/runs/']").first.wait_for()
            if page.locator(f"[class*=popover] a[href*='/runs/{run_id}']").count():
                return True
            page.mouse.move(0, 0)
        return False

    until(one_bar_names_the_run, 60)


def test_alerts_watch_from_the_start_and_the_schedule_waits_to_be_switched_on(page: Any, ui: DagsterUi) -> None:
    page.goto(f"{ui.address}/automation")
    page.get_by_text("daily_sync_schedule").first.wait_for()
    switches = page.locator("label[class*=formatSwitch] input")
    for alert in (0, 1, 2):
        expect(switches.nth(alert)).to_be_checked()
    expect(switches.nth(3)).not_to_be_checked()
