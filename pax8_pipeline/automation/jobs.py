"""The jobs: the daily sync, the backfill of usage history, the apply of one plan.

Here belongs: which assets a job holds and how long it may run. Not here: when it runs (`schedule`). Every job runs in
one process: DuckDB lets one in, and a killed run ends at once with all its steps.
"""

from __future__ import annotations

import dagster as dg

from pax8_pipeline.assets import report
from pax8_pipeline.assets.describe import asset_key

DAILY, BACKFILL, APPLY = "daily_sync", "usage_backfill", "apply_plan"
# Seconds. A whole run of a large tenant takes minutes; what takes hours hangs.
_MAX_RUNTIME = {"dagster/max_runtime": "10800"}
_USAGE = ("pax8.usage_summaries", "pax8.usage_lines", "staging.usage_summaries", "staging.usage_lines")
_APPLY = ("billing.writes", "billing.ledger", "billing.report")


def jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """Return all jobs; those with usage in them run under the partition of a month."""
    return [
        _job(DAILY, dg.AssetSelection.all(), "Read both sides, reconcile, plan, and write what may be written."),
        _job(
            BACKFILL,
            _selection(_USAGE),
            "Read metered usage of past months. Never writes to Halo.",
        ),
        _job(
            APPLY,
            _selection(_APPLY) | dg.AssetSelection.checks(report.AGREES),
            "Write one stored plan: set plan_id and apply in the configuration of billing__writes.",
        ),
    ]


def _selection(tables: tuple[str, ...]) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(asset_key(table) for table in tables))


def _job(name: str, selection: dg.AssetSelection, about: str) -> dg.UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        name,
        selection=selection,
        description=about,
        executor_def=dg.in_process_executor,
        tags=_MAX_RUNTIME,
    )
