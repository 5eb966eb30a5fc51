"""Months of usage backfilled from the dialog of the UI: one month fails, only its invoice is asked for again, all are
loaded.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from pax8_pipeline_tests.support.chromium import IN_BROWSER
from pax8_pipeline_tests.support.dagster_ui import DagsterUi
from pax8_pipeline_tests.support.pictures import take_picture

pytestmark = [*IN_BROWSER, pytest.mark.proof, pytest.mark.timeout(900)]

FIRST, FAILS, LAST = "2026-03-01", "2026-04-01", "2026-05-01"
# Pax8 charges the usage of a month on the invoice of the next one.
INVOICE_DAY = "2026-05-01"
LOADED_BEFORE = 1  # the month of the daily sync


def launch(page: Any, ui: DagsterUi) -> None:
    """Launch the range of months from the dialog of the job's page, which warns of nothing."""
    page.goto(f"{ui.address}/locations/pax8_pipeline/jobs/usage_backfill")
    page.get_by_role("button", name="Materialize all").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Show all partitions").click()
    months = dialog.locator("input[type=text]").first
    months.fill(f"[{FIRST}...{LAST}]")
    months.press("Tab")
    dialog.get_by_text("3 partitions").first.wait_for()
    dialog.get_by_role("button", name="Launch backfill").click()
    dialog.wait_for(state="hidden")


def items_asked(ui: DagsterUi) -> list[str]:
    """Return the paths of all requests for the items of an invoice."""
    paths = ui.operator.sandbox.requests.paths("pax8", "GET")
    return [path for path in paths if re.search("/invoices/.*/items", path)]


def expect_months(page: Any, ui: DagsterUi, *, failed: int, loaded: int) -> None:
    """Expect so many months of invoice items to be failed and loaded."""
    page.goto(f"{ui.address}/assets/pax8/invoice_items?view=partitions")
    expect(page.get_by_text(f"Failed ({failed})")).to_be_visible()
    expect(page.get_by_text(f"Materialized ({loaded})")).to_be_visible()


def test_a_month_that_failed_is_repeated_alone_and_then_all_are_loaded(page: Any, ui: DagsterUi) -> None:
    sandbox = ui.operator.sandbox
    invoice = next(row["id"] for row in sandbox.pax8.invoices.values() if row["invoiceDate"] == INVOICE_DAY)
    refused = sandbox.faults.add("403", vendor="pax8", path=f"/invoices/{invoice}/items", times=None)
    known = ui.run_ids()
    launch(page, ui)
    stopped = ui.ended_run(known)
    assert stopped["status"] == "FAILURE"
    page.goto(f"{ui.address}/runs/{stopped['runId']}")
    reason = (
        f"the invoices with the usage of {FAILS[:7]} could not be read, all others are stored; run these months again"
    )
    page.get_by_text(reason).first.wait_for()
    expect_months(page, ui, failed=1, loaded=LOADED_BEFORE + 2)
    page.wait_for_load_state("networkidle")
    take_picture(page, "backfill", height=640)

    sandbox.faults.remove(refused.id)
    sandbox.requests.clear()
    launch(page, ui)
    assert ui.ended_run({*known, stopped["runId"]})["status"] == "SUCCESS"
    expect_months(page, ui, failed=0, loaded=LOADED_BEFORE + 3)
    assert items_asked(ui) == [f"/pax8/v1/invoices/{invoice}/items"]
    assert ui.operator.posts() == []
