"""The Dagster UI as a person sees it after the demo: lineage, a failed check with its rows, the plan's preview.

Screenshots go to the folder that PAX8_UI_SCREENSHOTS names, if it does. Skipped, with the reason, where there is no
browser to drive.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pax8_pipeline.commands.sandbox_server import free_port
from pax8_pipeline_tests.support.chromium import IN_BROWSER
from pax8_pipeline_tests.support.cli import clean_environment, cli

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = IN_BROWSER

GROUPS = ("sources", "pax8", "halo", "staging", "reconciled", "billing")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The UI of `pax8-pipeline dev`, in the folder in which the demo ran before."""
    folder = tmp_path_factory.mktemp("ui")
    shown = cli(folder, "demo", "--date", "2026-08-20")
    assert "changes written and read back" in shown.stdout, shown.stdout + shown.stderr
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "pax8_pipeline.cli", "dev", "--port", str(port)],
        cwd=folder,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        message = []
        for line in process.stderr:
            message.append(line)
            if "Dagster is up" in line:
                break
        else:
            pytest.fail("".join(message))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(90)
        process.stderr.close()


def test_the_lineage_graph_shows_the_way_from_the_vendors_to_billing(page: Any, address: str) -> None:
    page.goto(f"{address}/asset-groups")
    graph = page.locator("svg foreignObject")
    for group in GROUPS:
        graph.get_by_text(group, exact=True).first.wait_for()
    playwright.expect(page.get_by_text("Join the Dagster community")).to_have_count(0)


def test_a_failed_check_shows_its_rows_and_the_money(page: Any, address: str) -> None:
    page.goto(f"{address}/assets/reconciled/client_matches?view=checks")
    page.get_by_text("Failed").first.wait_for()
    row = page.get_by_role("row").filter(has_text="Meridian Garden Centre")
    playwright.expect(row.first).to_contain_text("USD")
    playwright.expect(page.get_by_text("map them in data/mappings/clients.csv")).to_have_count(1)


def test_the_plan_preview_shows_clients_before_after_and_money(page: Any, address: str) -> None:
    page.goto(f"{address}/assets/billing/plan?view=overview")
    page.get_by_role("row").filter(has_text="preview").get_by_text("[Show Markdown]").click()
    row = page.get_by_role("dialog").get_by_role("row").filter(has_text="Lakeside Legal")
    playwright.expect(row.first.get_by_role("cell").nth(5)).to_contain_text("USD")
    cells = row.first.get_by_role("cell").all_inner_texts()
    before, after, money = cells[3:6]
    assert int(after) > int(before)
    assert money.startswith("+")
    assert money.endswith("USD")


def test_the_demos_run_is_in_the_history_and_the_schedule_waits_to_be_switched_on(page: Any, address: str) -> None:
    page.goto(f"{address}/runs")
    page.get_by_text("daily_sync").first.wait_for()
    page.get_by_text("Success", exact=True).first.wait_for()
    page.goto(f"{address}/automation")
    page.get_by_text("daily_sync_schedule").first.wait_for()
    switches = page.locator("label[class*=formatSwitch] input")
    # The three alert sensors watch from the start (their state comes in late); the schedule is last, and off.
    for alert in (0, 1, 2):
        playwright.expect(switches.nth(alert)).to_be_checked()
    playwright.expect(switches.nth(3)).not_to_be_checked()


def test_the_demos_run_belongs_to_its_job(page: Any, address: str) -> None:
    """A run from the command line is on the page of its job, and on the timeline."""
    page.goto(f"{address}/locations/pax8_pipeline/jobs/daily_sync/runs")
    page.get_by_text("Success", exact=True).first.wait_for()
    page.get_by_text("command line").first.wait_for()
    page.goto(f"{address}/overview/activity/timeline")
    page.get_by_role("link", name="daily_sync").first.wait_for()
