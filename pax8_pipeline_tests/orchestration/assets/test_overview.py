"""The overview: the asset to look at first, with the money, two curves for each currency, and what waits.

Runs without a loss and runs that are held have it too: `test_daily_sync`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.billing import findings
from pax8_pipeline.reports.overview.key_figures import load_key_figures
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.assets import PipelineHarness
from pax8_pipeline_tests.support.vendor_data import subscription
from pax8_pipeline_tests.support.vendors import Pax8InMemory


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[PipelineHarness, dict[str, Any]]:
    """A run with one subscription in step and one that nobody is billed for (10 seats at 22); the overview's metadata."""
    lost = subscription(id="0f000000-6f34-4a6f-8a1b-3f7c9e5d1a02", quantity=10)
    harness = PipelineHarness(
        tmp_path_factory.mktemp("overview"), Pax8InMemory(subscription_rows=[subscription(), lost])
    )
    result = harness.sync()
    return harness, harness.made(result.run_id)["1_overview"]


def test_the_money_table_is_first_and_two_numbers_of_each_currency_follow(
    ran: tuple[PipelineHarness, dict[str, Any]],
) -> None:
    _, shown = ran
    assert list(shown)[:4] == ["money", "not_billed_USD", "margin_USD", "waits"]
    assert isinstance(shown["not_billed_USD"], float), "Dagster plots numbers only"
    assert (shown["not_billed_USD"], shown["margin_USD"]) == (220.0, -70.0)  # 10 x 22; 20 x (22 - 17) - 10 x 17


def test_the_table_has_the_same_amounts_to_the_cent(ran: tuple[PipelineHarness, dict[str, Any]]) -> None:
    harness, shown = ran
    table = {record.data["money"]: record.data["USD"] for record in shown["money"].records}
    assert table["not billed, a month"] == "220.00"
    assert table["margin, August 2026"] == "-70.00"
    assert table["billed to clients, August 2026"] == "440.00"
    assert table["paid to Pax8, August 2026"] == "not known"  # no invoice of this month yet
    with Warehouse(harness.settings.warehouse_path).connect() as connection:
        found = findings.add_up(findings.open_findings(connection))
        figures = load_key_figures(connection)
    assert figures.not_billed == dict(found.lost_a_month) == {"USD": Decimal(220)}
    assert shown["waits"] == figures.waits == "0 changes for an approval, 1 finding (1 new) for a decision"
