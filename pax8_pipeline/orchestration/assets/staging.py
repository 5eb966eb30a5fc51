"""Staging: one asset per SQL file, typed and cleaned, with rejects kept and counted.

Here belongs: the loop that makes the assets. Not here: any column or rule (warehouse/sql/staging).
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

import dagster as dg

from pax8_pipeline.extract.usable_rows import CORE, count_usable
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.orchestration.assets.metadata import markdown
from pax8_pipeline.orchestration.assets.specs import (
    MAPPING_FILES,
    MAPPING_TABLES,
    MAPPINGS,
    OWNERS,
    POOL,
    asset_arguments,
    dependencies,
    mappings_schema,
)
from pax8_pipeline.orchestration.assets.step import stage
from pax8_pipeline.orchestration.resources import SettingsResource, WarehouseResource
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.models import model

_SAMPLE = 5


def assets() -> list[dg.AssetsDefinition]:
    """Return all staging assets."""
    return [mappings, *(_table_asset(table) for table in build.STAGING)]


def _table_asset(table: str) -> dg.AssetsDefinition:
    contract = model(table)

    @dg.asset(**asset_arguments(table, kinds={"duckdb", "sql"}), deps=dependencies(contract), pool=POOL)
    def build_table(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        with stage(context, settings, warehouse) as now, now.in_warehouse():
            variables = build.variables(now.settings.today, now.settings.policy)
            built = build.build(now.warehouse, table, variables)
            now.say(f"{table}: {built.rows} rows, {built.rejects} rejected")
            if table in CORE:
                unbelieved = count_usable(now.warehouse, table, now.run_id, now.settings)
                if unbelieved:
                    now.say(f"{table}: NOT BELIEVED: {unbelieved}")
            return dg.MaterializeResult(
                metadata={
                    "dagster/row_count": built.rows,
                    "rejects": built.rejects,
                    "reasons": dict(built.reasons),
                    "sample": dg.MetadataValue.md(sample(now.warehouse, table)),
                }
            )

    made: dg.AssetsDefinition = build_table
    return made


def sample(warehouse: Warehouse, table: str, rows: int = _SAMPLE) -> str:
    """Return the first rows of a table as Markdown."""
    with warehouse.connect() as connection:
        return markdown(snapshots.dicts(connection.execute(f"SELECT * FROM {table} LIMIT {rows:d}")))


@dg.asset(
    key=MAPPINGS,
    deps=[MAPPING_FILES],
    description="The operator's mapping files as this run read them: clients, subscriptions, items. A malformed file "
    "stops the run with its file, row and column.",
    group_name="staging",
    kinds={"duckdb", "csv"},
    owners=list(OWNERS),
    pool=POOL,
    metadata={"dagster/column_schema": mappings_schema(), "tables": list(MAPPING_TABLES)},
)
def mappings(
    context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Read the three files into their tables."""
    with stage(context, settings, warehouse) as now:
        found = load_mappings(now.settings.mappings_path)
        build.load_mapping_tables(now.warehouse, found)
        rows = {"clients": len(found.clients), "subscriptions": len(found.subscriptions), "items": len(found.items)}
        return dg.MaterializeResult(
            metadata={"dagster/row_count": sum(rows.values()), **rows, "fingerprint": found.fingerprint}
        )
