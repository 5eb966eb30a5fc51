"""A month compared: Pax8's list, its invoice and Halo's bill, as assets with a partition for each month of the Pax8
invoice date. What is compared is in warehouse/sql/monthly.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from pax8_pipeline.billing import acknowledgements
from pax8_pipeline.orchestration.assets.metadata import markdown
from pax8_pipeline.orchestration.assets.specs import asset_arguments, asset_key, column_lineage, dependencies
from pax8_pipeline.orchestration.assets.step import AssetStep, asset_step
from pax8_pipeline.orchestration.partitions import month_of_partition
from pax8_pipeline.orchestration.resources import SettingsResource, WarehouseResource
from pax8_pipeline.orchestration.tenancy import POOL
from pax8_pipeline.reports.month.result import MonthResult, read_month
from pax8_pipeline.warehouse import build
from pax8_pipeline.warehouse.models import model

_SHOWN = ("client_name", "product_name", "kind", "class", "difference", "currency", "reached_bill", "reason")
_PREVIEW = 30


def assets(months: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return the assets of a compared month. They are made together, from what the last run read."""

    @dg.multi_asset(
        name="monthly",
        specs=[_spec(table, months) for table in build.MONTHLY],
        pool=POOL,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def compare_months(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult]:
        with asset_step(context, settings, warehouse) as step, step.in_warehouse():
            acknowledgements.store(step.warehouse, acknowledgements.load(step.settings.acknowledged_path))
            for key in context.partition_keys:
                for table, metadata in _compare(step, month_of_partition(key)).items():
                    context.add_asset_metadata(metadata, asset_key=asset_key(table), partition_key=key)
        for table in build.MONTHLY:
            yield dg.MaterializeResult(asset_key=asset_key(table))

    return [compare_months]


def _spec(table: str, months: dg.PartitionsDefinition) -> dg.AssetSpec:
    return dg.AssetSpec(
        **asset_arguments(table, kinds={"duckdb", "sql"}), deps=dependencies(model(table)), partitions_def=months
    )


def _compare(step: AssetStep, month: str) -> Mapping[str, dict[str, Any]]:
    """Compare one month, and return what the page of each table shows."""
    build.build_month(step.warehouse, month, build.variables(step.settings.today, step.settings.policy))
    with step.warehouse.connect() as connection:
        result = read_month(connection, month)
        counts = {
            table: connection.execute(f"SELECT count(*) FROM {table} WHERE month = ?", [month]).fetchall()[0][0]
            for table in build.MONTHLY
        }
    assert result is not None
    step.log(result.sentence)
    metadata: dict[str, dict[str, Any]] = {
        table: {"dagster/row_count": counts[table], "dagster/column_lineage": column_lineage(model(table))}
        for table in build.MONTHLY
    }
    metadata["monthly.rows"] |= _figures(result)
    metadata["monthly.sums"] |= {"ties": result.ties, "sums": dg.MetadataValue.md(markdown(list(result.sums)))}
    return metadata


def _figures(result: MonthResult) -> dict[str, Any]:
    shown = [{name: row[name] for name in _SHOWN} for row in result.open_rows[:_PREVIEW]]
    counts = {f"class/{name}": count for name, count in result.counts.items()}
    return {"result": result.sentence, **counts, "preview": dg.MetadataValue.md(markdown(shown))}
