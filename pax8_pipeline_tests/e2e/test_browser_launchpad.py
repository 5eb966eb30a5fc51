"""The launchpad of the job that writes one stored plan: wrong values are rejected in plain words, right ones are written."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from pax8_pipeline_tests.support.chromium import IN_BROWSER
from pax8_pipeline_tests.support.dagster_ui import OTHER_CLIENTS, DagsterUi
from pax8_pipeline_tests.support.pictures import take_picture

pytestmark = IN_BROWSER

LAUNCH = "Materialize"
CONFIG = "ops:\n  billing__writes:\n    config:\n"
WRONG = {
    "      apply: maybe\n": 'Value "maybe" of type',
    "      apply: true\n      plan: newest\n": 'Received unexpected config entry "plan"',
}


def launchpad(page: Any, ui: DagsterUi, config: str) -> Any:
    """Open the launchpad of the job, type a configuration, and return the dialog."""
    page.goto(f"{ui.address}/locations/pax8_pipeline/jobs/apply_plan")
    arrow = "xpath=following-sibling::*|../following-sibling::*"
    page.get_by_role("button", name="Materialize all").locator(arrow).first.click()
    page.get_by_text("Open launchpad").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("No errors").wait_for()
    dialog.locator(".CodeMirror").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(CONFIG + config)
    return dialog


def launch(page: Any, ui: DagsterUi, config: str, picture: str = "") -> dict[str, Any]:
    """Launch a run with a configuration, and return the run after its end."""
    known = ui.run_ids()
    dialog = launchpad(page, ui, config)
    dialog.get_by_text("All defaults expanded").wait_for(state="hidden")  # the new text was read
    expect(dialog.get_by_role("button", name=LAUNCH)).to_be_enabled()
    if picture:
        take_picture(page, picture)
    dialog.get_by_role("button", name=LAUNCH).click()
    return ui.ended_run(known)


def shown(page: Any, name: str) -> str:
    """Return a value from the page of the plan."""
    key = page.get_by_role("cell", name=name, exact=True)
    return str(page.get_by_role("row").filter(has=key).last.get_by_role("cell").nth(2).inner_text())


@pytest.mark.parametrize("config", WRONG)
def test_a_configuration_that_cannot_be_is_not_launched(page: Any, ui: DagsterUi, config: str) -> None:
    dialog = launchpad(page, ui, config)
    dialog.get_by_text(WRONG[config]).wait_for()
    expect(dialog.get_by_role("button", name=LAUNCH)).to_be_disabled()


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_plan_is_written_with_its_checksum_and_with_no_other(page: Any, ui: DagsterUi) -> None:
    page.goto(f"{ui.address}/assets/billing/plan?view=overview")
    page.get_by_role("cell", name="checksum", exact=True).wait_for()
    plan_id, checksum = shown(page, "plan_id"), shown(page, "checksum")
    named = f"      apply: true\n      plan_id: {plan_id}\n"

    refused = launch(page, ui, f"{named}      checksum: {'f' * 64}\n")
    assert refused["status"] == "FAILURE"
    page.goto(f"{ui.address}/runs/{refused['runId']}")
    page.get_by_text("the checksum in the configuration is not that of plan").first.wait_for()
    assert ui.operator.posts() == []

    written = launch(page, ui, f"{named}      checksum: {checksum}\n", picture="launchpad")
    assert written["status"] == "SUCCESS"
    page.goto(f"{ui.address}/assets/billing/writes?view=overview")
    page.get_by_text(re.compile(r"^\d+ verified$")).first.wait_for()
    verdicts = ui.world.expected_verdicts()
    for client_id in OTHER_CLIENTS:
        own = [s for s in ui.world.links.lines if ui.world.halo_ids(s)["client_id"] == client_id]
        assert "increase" not in {verdicts[s] for s in own}
