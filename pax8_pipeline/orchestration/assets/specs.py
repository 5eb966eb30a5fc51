"""Describes the asset of a warehouse table from the table's own contract: keys, groups, owners, columns, lineage,
dependencies. What an asset does is elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from pax8_pipeline.orchestration.tenancy import prefixed
from pax8_pipeline.warehouse.models import Model, ModelColumn, model

OWNERS = ("team:billing",)
PAX8_API = prefixed("pax8_api")
HALO_API = prefixed("halo_api")
MAPPING_FILES = prefixed("data", "mappings")
MAPPINGS = prefixed("staging", "mappings")
MAPPING_TABLES = ("staging.mapping_clients", "staging.mapping_subscriptions", "staging.mapping_items")

_NEWEST = re.compile(r"^newest\.(pax8|halo)_")
_SCHEMAS = ("pax8", "halo", "staging", "reconciled", "monthly")
# Tables without an asset of their own, and the asset that shows them. None: no asset shows it.
_SHOWN_AS: Mapping[str, dg.AssetKey | None] = {
    **dict.fromkeys(MAPPING_TABLES, MAPPINGS),
    "halo.client_details": prefixed("halo", "clients"),
    "staging.rejects": None,
}


def asset_key(table: str) -> dg.AssetKey:
    """Return the asset of a table: its schema is the prefix and its name the key. A tenant's name stands in front."""
    return prefixed(*table.split("."))


def shown_as(table: str) -> dg.AssetKey | None:
    """Return the asset under which a table is shown, None when there is none."""
    return _SHOWN_AS[table] if table in _SHOWN_AS else asset_key(table)


def asset_arguments(table: str, *, kinds: set[str], description: str = "") -> dict[str, Any]:
    """Return the arguments that `@dg.asset` and `dg.AssetSpec` share, for the asset of a table."""
    contract = model(table)
    return {
        "key": asset_key(table),
        "description": f"{description} {contract.description}".strip(),
        "group_name": contract.schema,
        "kinds": kinds,
        "owners": list(OWNERS),
        "metadata": {"dagster/table_name": table, "dagster/column_schema": column_schema(contract)},
    }


def column_schema(contract: Model, prefix: str = "") -> dg.TableSchema:
    """Return the columns of a table with types, descriptions and constraints."""
    return dg.TableSchema(columns=[_table_column(contract, column, prefix) for column in contract.columns])


def _table_column(contract: Model, column: ModelColumn, prefix: str) -> dg.TableColumn:
    constraints = dg.TableColumnConstraints(nullable=not column.not_null, unique=contract.key == (column.name,))
    return dg.TableColumn(f"{prefix}{column.name}", column.type, _with_sources(column), constraints)


def _with_sources(column: ModelColumn) -> str:
    """Return what the column means, and under it its sources as links to their assets, in Markdown.

    The open-source UI stores column lineage and never shows it, so people find it here.
    """
    links = [_link(source) for source in column.sources]
    return f"{column.about}\n\nFrom {', '.join(links)}" if links else column.about


def _link(source: str) -> str:
    key = shown_as(source.rpartition(".")[0])
    return source if key is None else f"[{source}](/assets/{'/'.join(key.path)})"


def mappings_schema() -> dg.TableSchema:
    """Return the columns of the three mapping tables, each with its table in front."""
    columns = [_table_column(model(t), c, f"{t.split('.')[1]}.") for t in MAPPING_TABLES for c in model(t).columns]
    return dg.TableSchema(columns=columns)


def column_lineage(contract: Model) -> dg.TableColumnLineage:
    """Return the sources of each column, from the fourth cell of the contract."""
    by_column = {c.name: [d for s in c.sources if (d := _column_dep(s)) is not None] for c in contract.columns}
    return dg.TableColumnLineage({name: deps for name, deps in by_column.items() if deps})


def _column_dep(source: str) -> dg.TableColumnDep | None:
    table, _, column = source.rpartition(".")
    key = shown_as(table)
    if key is None:
        return None
    return dg.TableColumnDep(key, f"{table.split('.')[1]}.{column}" if key == MAPPINGS else column)


def tables_read(contract: Model) -> Sequence[str]:
    """Return the tables with assets that a model reads, according to its contract (a test compares it with the
    query).
    """
    names = dict.fromkeys(_NEWEST.sub(r"\1.", name) for name in contract.tables_read)
    return [name for name in names if name.partition(".")[0] in _SCHEMAS]


def dependencies(contract: Model) -> list[dg.AssetKey]:
    """Return the assets a model's query reads."""
    keys = [key for table in tables_read(contract) if (key := shown_as(table)) is not None]
    return list(dict.fromkeys(keys))
