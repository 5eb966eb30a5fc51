"""A backfill of three years started from the job's page in a browser, stopped half way there and started again.

Takes two minutes, most of it waiting for Dagster's daemon, which looks for new backfills every half minute.
Screenshots go to the folder that PAX8_UI_SCREENSHOTS names. Skipped where there is no browser to drive.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.e2e.test_backfill import FIRST, LAST, MONTHS, SWITCHES, contents, items_asked
from pax8_pipeline_tests.support.chromium import IN_BROWSER
from pax8_pipeline_tests.support.operator import TODAY, Operator, desk, until

pytestmark = IN_BROWSER

JOB = "locations/pax8_pipeline/jobs/usage_backfill"


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The same world and months as in the test of the command line."""
    world = World(5, TODAY, companies=6, subscriptions=24, usage=4, invoice_months=MONTHS, pax8_switches=SWITCHES)
    folder = tmp_path_factory.mktemp("ui-backfill")
    (folder / "policy.yaml").write_text(f"usage: {{history_from: {FIRST}, first_month: {FIRST}}}\n")
    with desk(folder, world) as made:
        yield made


@pytest.fixture(scope="module")
def address(at: Operator) -> Iterator[str]:
    """The UI of `pax8-pipeline dev` on that world."""
    with at.dagster_ui() as port:
        yield f"http://127.0.0.1:{port}"


def launch(page: Any, address: str) -> None:
    """Choose the range of months on the job's page and launch it."""
    page.goto(f"{address}/{JOB}")
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_role("button", name="Confirm").click()  # true here: what comes from the daily sync is not there yet
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Show all partitions").click()
    months = dialog.locator("input[type=text]").first
    months.fill(f"[{FIRST}-01...{LAST}-01]")
    months.press("Tab")
    dialog.get_by_text(f"{MONTHS} partitions").first.wait_for()
    dialog.get_by_role("button", name="Launch backfill").click()
    dialog.wait_for(state="hidden")


def runs(address: str) -> list[dict[str, str]]:
    """All runs, the newest first."""
    query = {"query": "{ runsOrError { ... on Runs { results { runId status } } } }"}
    asked = urllib.request.Request(
        f"{address}/graphql", json.dumps(query).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=30) as reply:
        found: list[dict[str, str]] = json.load(reply)["data"]["runsOrError"]["results"]
    return found


@pytest.mark.proof
@pytest.mark.timeout(420)
def test_a_backfill_stopped_in_the_browser_and_started_again_leaves_the_rows_of_an_undisturbed_one(
    page: Any,
    address: str,
    at: Operator,
    tmp_path: Path,
) -> None:
    stuck = at.sandbox.faults.add("hang", vendor="pax8", path="/invoices/*/items", after=25)
    launch(page, address)
    until(lambda: stuck.fired > 0)
    first = runs(address)[0]["runId"]
    page.goto(f"{address}/runs/{first}")
    page.get_by_role("button", name="Terminate").click()
    page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
    until(lambda: runs(address)[0]["status"] != "STARTED")
    at.sandbox.faults.remove()  # a thread that waits for an answer would keep the process for a minute
    until(lambda: runs(address)[0]["status"] in ("CANCELED", "FAILURE"))
    stored = sum(items_asked(at).values())
    launch(page, address)
    until(lambda: [r["status"] for r in runs(address) if r["runId"] != first] == ["SUCCESS"])
    asked = items_asked(at)
    assert sum(asked.values()) < len(asked) + stored  # what the first one kept was not asked for again

    page.goto(f"{address}/assets/pax8/invoice_items?view=partitions")
    page.get_by_text("36").first.wait_for()

    (tmp_path / "policy.yaml").write_text((at.folder / "policy.yaml").read_text())
    undisturbed = at.command("backfill", FIRST, LAST, "--json", PAX8_PIPELINE_DATA=str(tmp_path))
    assert undisturbed.code == 0, undisturbed.err
    assert contents(at.folder) == contents(tmp_path)
    assert at.posts() == []
