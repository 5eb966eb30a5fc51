"""A month compared: Pax8's list, its invoice and Halo's bill, as assets with a partition for each month of the Pax8
invoice date. What is compared is in warehouse/sql/monthly.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from pax8_pipeline.billing import acknowledgements
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.extract.subscription_histories import TABLE as HISTORY
from pax8_pipeline.extract.subscription_histories import HistoriesRead, compare_month, read_histories
from pax8_pipeline.orchestration.assets.metadata import markdown
from pax8_pipeline.orchestration.assets.raw_reads import KINDS
from pax8_pipeline.orchestration.assets.specs import (
    PAX8_API,
    asset_arguments,
    asset_key,
    column_lineage,
    dependencies,
)
from pax8_pipeline.orchestration.assets.step import AssetStep, asset_step
from pax8_pipeline.orchestration.partitions import month_of_partition
from pax8_pipeline.orchestration.resources import Pax8Resource, SettingsResource, WarehouseResource
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
        specs=[_history_spec(months), *(_spec(table, months) for table in build.MONTHLY)],
        pool=POOL,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def compare_months(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, pax8: Pax8Resource
    ) -> Iterator[dg.MaterializeResult]:
        with asset_step(context, settings, warehouse) as step:
            acknowledgements.store(step.warehouse, acknowledgements.load(step.settings.acknowledged_path))
            for key in context.partition_keys:
                for table, metadata in _compare(step, pax8, month_of_partition(key)).items():
                    context.add_asset_metadata(metadata, asset_key=asset_key(table), partition_key=key)
        for table in (HISTORY, *build.MONTHLY):
            yield dg.MaterializeResult(asset_key=asset_key(table))

    return [compare_months]


def _spec(table: str, months: dg.PartitionsDefinition) -> dg.AssetSpec:
    return dg.AssetSpec(
        **asset_arguments(table, kinds={"duckdb", "sql"}), deps=dependencies(model(table)), partitions_def=months
    )


def _history_spec(months: dg.PartitionsDefinition) -> dg.AssetSpec:
    about = "The history of the subscriptions whose row of a month it could explain. Read again only when one changed."
    arguments = asset_arguments(HISTORY, kinds=KINDS, description=about)
    return dg.AssetSpec(**arguments, deps=[PAX8_API], partitions_def=months)


def _compare(step: AssetStep, pax8: Pax8Resource, month: str) -> Mapping[str, dict[str, Any]]:
    """Compare one month, and return what the page of each table shows."""

    def read(needed: Sequence[str]) -> HistoriesRead:
        try:
            client = pax8.client(step.settings)
        except ConfigError as error:  # a month can be compared without credentials
            return HistoriesRead(len(needed), problem=str(error))
        return read_histories(step.warehouse, client, needed, step.settings.today, step.run_id)

    histories = compare_month(step.warehouse, step.settings, month, read)
    step.log(histories.sentence)
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
    metadata[HISTORY] = {"needed": histories.needed, "read": histories.read, "problem": histories.problem or "none"}
    metadata["monthly.rows"] |= _figures(result)
    metadata["monthly.sums"] |= {"ties": result.ties, "sums": dg.MetadataValue.md(markdown(list(result.sums)))}
    return metadata


def _figures(result: MonthResult) -> dict[str, Any]:
    shown = [{name: row[name] for name in _SHOWN} for row in result.open_rows[:_PREVIEW]]
    counts = {f"class/{name}": count for name, count in result.counts.items()}
    return {"result": result.sentence, **counts, "preview": dg.MetadataValue.md(markdown(shown))}
