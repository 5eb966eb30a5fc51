"""Staging: one asset for each SQL file, typed and cleaned; rejected rows are stored and counted. Columns and rules are
in warehouse/sql/staging.
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
    asset_arguments,
    dependencies,
    mappings_schema,
)
from pax8_pipeline.orchestration.assets.step import asset_step
from pax8_pipeline.orchestration.resources import SettingsResource, WarehouseResource
from pax8_pipeline.orchestration.tenancy import POOL
from pax8_pipeline.text.plurals import plural
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
        with asset_step(context, settings, warehouse) as step, step.in_warehouse():
            variables = build.variables(step.settings.today, step.settings.policy)
            built = build.build(step.warehouse, table, variables)
            step.log(f"{table}: {plural(built.rows, 'row')}, {built.rejects} rejected")
            if table in CORE:
                problem = count_usable(step.warehouse, table, step.run_id, step.settings)
                if problem:
                    step.log(f"{table}: NOT PLAUSIBLE: {problem}")
            return dg.MaterializeResult(
                metadata={
                    "dagster/row_count": built.rows,
                    "rejects": built.rejects,
                    "reasons": dict(built.reasons),
                    "sample": dg.MetadataValue.md(sample(step.warehouse, table)),
                }
            )

    asset: dg.AssetsDefinition = build_table
    return asset


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
    with asset_step(context, settings, warehouse) as step, step.in_warehouse():
        loaded = load_mappings(step.settings.mappings_path)
        build.load_mapping_tables(step.warehouse, loaded)
        rows = {"clients": len(loaded.clients), "subscriptions": len(loaded.subscriptions), "items": len(loaded.items)}
        return dg.MaterializeResult(
            metadata={"dagster/row_count": sum(rows.values()), **rows, "fingerprint": loaded.fingerprint}
        )
