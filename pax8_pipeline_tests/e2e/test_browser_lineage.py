"""Lineage as the UI shows it: from Pax8's list of subscriptions to the write, and from a written quantity back to Pax8."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from pax8_pipeline_tests.support.chromium import IN_BROWSER
from pax8_pipeline_tests.support.dagster_ui import DagsterUi
from pax8_pipeline_tests.support.pictures import take_picture

pytestmark = IN_BROWSER

# Each column of the way, and the source that its description names.
BACK_TO_PAX8 = (
    ("billing/ledger", "after", "billing.plan.after"),
    ("billing/plan", "after", "reconciled.subscriptions.quantity"),
    ("reconciled/subscriptions", "quantity", "staging.subscriptions.quantity"),
    ("staging/subscriptions", "quantity", "pax8.subscriptions.payload"),
)


def test_what_follows_from_pax8s_subscriptions_ends_with_the_write_to_halo(page: Any, ui: DagsterUi) -> None:
    page.goto(f"{ui.address}/assets/pax8/subscriptions?view=lineage&lineageScope=downstream&lineageDepth=5")
    graph = page.locator("svg foreignObject")
    for asset in ("plan", "writes", "ledger", "report"):
        graph.get_by_text(asset, exact=True).first.wait_for()


def test_a_quantity_in_the_ledger_leads_back_to_what_pax8_sent_link_by_link(page: Any, ui: DagsterUi) -> None:
    page.goto(f"{ui.address}/assets/billing/ledger")
    for asset, column, source in BACK_TO_PAX8:
        expect(page).to_have_url(re.compile(f"/assets/{asset}"))
        page.get_by_placeholder("Filter columns").fill(column)
        row = page.get_by_role("row").filter(has=page.get_by_text(column, exact=True)).first
        link = row.get_by_role("link", name=source)
        if asset == "reconciled/subscriptions":
            link.wait_for()
            take_picture(page, "columns")
        link.click()
    expect(page).to_have_url(re.compile("/assets/pax8/subscriptions"))
    page.get_by_text("All subscriptions, of any status: what Pax8 bills, by seats.").first.wait_for()
