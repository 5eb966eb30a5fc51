"""The asset to look at first: the money, two curves for each currency, what waits, and where to read more.

Contains: what the page of the asset shows. Does not contain: the figures (`reports.overview`), the step that makes it
(`report`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg

from pax8_pipeline.orchestration.assets.metadata import table_value
from pax8_pipeline.orchestration.assets.specs import OWNERS, asset_key
from pax8_pipeline.orchestration.tenancy import prefixed
from pax8_pipeline.reports import usage_chart, usage_report
from pax8_pipeline.reports.overview.key_figures import load_key_figures
from pax8_pipeline.warehouse.connection import Connection

# Digits come first where the UI sorts assets and groups by name.
NAME = "1_overview"
OVERVIEW = prefixed(NAME)

SPEC = dg.AssetSpec(
    OVERVIEW,
    deps=[asset_key("billing.report")],
    description="Start here. The newest run in figures: `money` is the table; `not_billed_…` and `margin_…` are plotted over "
    "time, for each currency; `waits` is what a person has to decide. Then read: the Checks tab of billing/plan (each check "
    "has its rows with the next step), billing/plan (what changes, and why), billing/writes (what was written), and the "
    "report, whose path is in `report`.",
    group_name=NAME,
    kinds={"duckdb"},
    owners=list(OWNERS),
)


def overview_metadata(connection: Connection, page: Path) -> dict[str, Any]:
    """Return the metadata of the asset in the order in which the UI shows it. `page`: the report.

    Amounts to plot are floats, because Dagster plots nothing else; the exact ones are in the table.
    """
    figures = load_key_figures(connection)
    margins = {currency: amount for currency, amount in figures.margin.items() if amount is not None}
    shown: dict[str, Any] = {
        "money": table_value(figures.table),
        **{f"not_billed_{currency}": float(amount) for currency, amount in sorted(figures.not_billed.items())},
        **{f"margin_{currency}": float(amount) for currency, amount in sorted(margins.items())},
        "waits": figures.waits,
        "report": dg.MetadataValue.path(str(page)),
    }
    svg = usage_chart.usage_svg(connection)
    return {**shown, "usage": dg.MetadataValue.md(usage_report.picture(svg))} if svg else shown
