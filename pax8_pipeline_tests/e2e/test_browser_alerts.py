"""A run that fails because Pax8 refuses the credentials: the UI says why, one alert goes out, and the next run is green."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from pax8_pipeline_tests.support.chromium import IN_BROWSER
from pax8_pipeline_tests.support.dagster_ui import RUN_S, DagsterUi, launch_daily_sync, run_row
from pax8_pipeline_tests.support.operator import until
from pax8_pipeline_tests.support.pictures import take_picture

pytestmark = [*IN_BROWSER, pytest.mark.proof, pytest.mark.timeout(900)]

REASON = '401 ("Unauthorized"). A fresh token was refused; check PAX8_CLIENT_ID, PAX8_CLIENT_SECRET and PAX8_API_URL'


def failures(ui: DagsterUi) -> list[str]:
    """Return the texts of the alerts about a failed daily sync."""
    return [alert["message"] for alert in ui.alerts if alert["title"] == "Pax8 sync: daily_sync failed (sandbox)"]


def test_a_failed_run_says_why_sends_one_alert_and_the_next_run_is_green(page: Any, ui: DagsterUi) -> None:
    known = ui.run_ids()
    refused = ui.operator.sandbox.faults.add("expire_token", vendor="pax8", times=None)
    launch_daily_sync(page, ui)
    failed = ui.ended_run(known)
    ui.operator.sandbox.faults.remove(refused.id)
    page.goto(f"{ui.address}/runs/{failed['runId']}")
    page.get_by_text("Failure", exact=True).first.wait_for()
    page.get_by_text(REASON).first.wait_for()

    page.get_by_role("button", name="Re-execute all").click()
    repeated = ui.ended_run({*known, failed["runId"]})
    page.goto(f"{ui.address}/runs")
    for run, result in ((repeated, "Success"), (failed, "Failure")):
        expect(run_row(page, run["runId"])).to_contain_text(result)
    page.wait_for_load_state("networkidle")
    take_picture(page, "recovered-run", height=460)

    until(lambda: bool(failures(ui)), RUN_S, pause_s=0.5)
    page.goto(f"{ui.address}/runs/{failed['runId']}")  # the daemon notes there that its sensor acted
    page.get_by_text('Sensor "alert_run_failure" acted on run status FAILURE').first.wait_for()
    (message,) = failures(ui)
    assert f"pax8__subscriptions: Pax8 GET /subscriptions: {REASON}" in message
    assert message.endswith(f"Run {failed['runId']}")
