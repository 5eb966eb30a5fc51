"""A guardrail that holds a client, and usage without a company: seen in the UI with rows, money and next step; put right;
green after the next run.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from pax8_pipeline_tests.support.chromium import IN_BROWSER
from pax8_pipeline_tests.support.dagster_ui import DagsterUi, launch_daily_sync
from pax8_pipeline_tests.support.pictures import take_picture

pytestmark = [*IN_BROWSER, pytest.mark.proof, pytest.mark.timeout(900)]

GUARDRAILS = "assets/billing/plan?view=checks&checkDetail=guardrails"
NAVIGATION = 240  # width of the UI's menu at the left
UNASSIGNED = "assets/reconciled/usage?view=checks&checkDetail=usage_unassigned"


def test_what_holds_a_client_and_what_has_no_company_is_put_right_and_turns_green(page: Any, ui: DagsterUi) -> None:
    page.goto(f"{ui.address}/{GUARDRAILS}")
    row = page.get_by_role("row").filter(has_text="Alder Dental Group").last
    expect(row).to_contain_text("3 lines ended, limit lines_ended is 2")
    expect(row).to_contain_text("-589.23")
    expect(page.get_by_text("--acknowledge").first).to_be_visible()
    take_picture(page, "guardrail", height=720)

    page.set_viewport_size({"width": 1760, "height": 900})
    page.goto(f"{ui.address}/{UNASSIGNED}")
    row = page.get_by_role("row").filter(has_text="Tenant 01").last
    expect(row).to_contain_text("7.97")
    expect(row).to_contain_text("Assign company")
    table = page.locator("table").filter(has_text="subscription_id").last.bounding_box()
    assert table["x"] + table["width"] <= 1760  # all of it can be seen without scrolling
    take_picture(page, "unassigned", height=880, left=NAVIGATION)
    page.set_viewport_size({"width": 1500, "height": 900})

    known = ui.run_ids()
    group = next(row for row in ui.world.pax8.groups.values() if not row.get("companyId"))
    ui.world.assign_group(group["id"], next(iter(ui.world.pax8.companies)))
    ui.write_policy(lines_ended=5)
    launch_daily_sync(page, ui)
    assert ui.ended_run(known)["status"] == "SUCCESS"
    for check, sentence in ((GUARDRAILS, "is within all limits"), (UNASSIGNED, "all usage belongs to")):
        page.goto(f"{ui.address}/{check}")
        page.get_by_text("Passed", exact=True).first.wait_for()
        page.get_by_text(sentence).first.wait_for()
    assert ui.operator.posts() == []  # a run by hand only plans
