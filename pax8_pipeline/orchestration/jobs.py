"""The jobs: the daily sync, the backfills of past usage (invoices, and usage lines), the apply of one plan, and the end
of a month.

A job says which assets it has and how long it may run. When it runs is in `schedule`. Every job runs in one process:
DuckDB allows only one, and a killed run ends at once with all its steps.
"""

from __future__ import annotations

import dagster as dg

from pax8_pipeline.extract.subscription_histories import TABLE as HISTORY
from pax8_pipeline.orchestration.assets import report
from pax8_pipeline.orchestration.assets.overview import OVERVIEW
from pax8_pipeline.orchestration.assets.specs import asset_key
from pax8_pipeline.orchestration.tenancy import RUN_TAGS, step_name

DAILY, BACKFILL, LINES_BACKFILL, APPLY = "daily_sync", "usage_backfill", "usage_lines_backfill", "apply_plan"
MONTH = "month_end"
# In seconds. A complete run of a large tenant takes minutes; a run of hours hangs.
_MAX_RUNTIME = 10800
# Daily lines of three years for 500 summaries are half a million calls.
_MAX_BACKFILL = 86400
_INVOICES = ("pax8.invoices", "pax8.invoice_items", "staging.invoices", "staging.invoice_items")
_USAGE = ("reconciled.usage_months", "reconciled.usage", "reconciled.usage_by_month")
_LINES = ("pax8.usage_lines", "staging.usage_lines")
_APPLY = ("billing.writes", "billing.ledger", "billing.report")


def jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """Return all jobs. Jobs with usage run for the partition of a month."""
    month = dg.AssetSelection.groups("monthly") | _selection((HISTORY,))
    return [
        _job(
            DAILY, dg.AssetSelection.all() - month, "Read both sides, reconcile, plan, and write what may be written."
        ),
        _job(
            BACKFILL,
            _selection(_INVOICES + _USAGE),
            "Read the invoices of past usage months, from which these months are billed. Continues where it was stopped. "
            "Never writes to Halo.",
            _MAX_BACKFILL,
        ),
        # A job of its own: in Dagster, a run makes every asset that it selects look loaded for its months.
        _job(
            LINES_BACKFILL,
            _selection(_INVOICES + _LINES + _USAGE),
            "The same with the usage lines of these months, as evidence for the amounts. The configuration of "
            f"{step_name('pax8.usage_lines')} says which: `lines: last` (the last day of each month) or `lines: daily` (many calls). "
            "Never writes to Halo.",
            _MAX_BACKFILL,
        ),
        _job(
            APPLY,
            _selection(_APPLY) | dg.AssetSelection.assets(OVERVIEW) | dg.AssetSelection.checks(report.AGREES),
            "Write one stored plan: set plan_id, checksum (the page of billing/plan shows both) and apply in the "
            f"configuration of {step_name('billing.writes')}.",
        ),
        _job(MONTH, month, "Compare Pax8's list, its invoice and Halo's bill of a month, as the last run read them."),
    ]


def _selection(tables: tuple[str, ...]) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(asset_key(table) for table in tables))


def _job(
    name: str, selection: dg.AssetSelection, about: str, max_runtime: int = _MAX_RUNTIME
) -> dg.UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        name,
        selection=selection,
        description=about,
        executor_def=dg.in_process_executor,
        tags={"dagster/max_runtime": str(max_runtime), **RUN_TAGS},
    )
