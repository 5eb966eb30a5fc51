"""Puts together everything Dagster is to know: assets, checks, jobs, schedule, sensors, resources."""

from __future__ import annotations

import warnings
from typing import Any

import dagster as dg

# Backfill policies are marked beta; they were tried for this project and are pinned with Dagster.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

# Imported after the filters above, because these modules use what is marked beta while they are loaded.
from pax8_pipeline.orchestration import alerts, jobs, partitions, schedule  # noqa: E402
from pax8_pipeline.orchestration.assets import (  # noqa: E402
    billing,
    halo,
    monthly,
    pax8,
    reconciled,
    report,
    sources,
    staging,
    usage,
)
from pax8_pipeline.orchestration.checks import registry  # noqa: E402
from pax8_pipeline.orchestration.resources import default_resources  # noqa: E402
from pax8_pipeline.settings import Settings  # noqa: E402


def build_defs(*, resources: dict[str, Any] | None = None, settings: Settings | None = None) -> dg.Definitions:
    """Return everything Dagster is to know.

    `resources` replace those of the same name (settings, warehouse, pax8, halo); anything with the same methods
    will do. `settings` stand in for the environment where months and schedule are made.
    """
    location = partitions.code_location_settings(settings)
    months = partitions.months(location)
    return dg.Definitions(
        assets=[
            *sources.sources(),
            *pax8.assets(months),
            *usage.assets(months),
            *halo.assets(),
            *staging.assets(),
            *reconciled.assets(months),
            *monthly.assets(months),
            *billing.assets(),
            *report.assets(),
        ],
        asset_checks=registry.checks(),
        jobs=jobs.jobs(),
        schedules=[schedule.schedule(location)],
        sensors=alerts.sensors(),
        resources={**default_resources(), **(resources or {})},
        executor=dg.in_process_executor,
    )
