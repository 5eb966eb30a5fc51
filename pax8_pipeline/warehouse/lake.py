"""Writes what is published also as Parquet, partitioned by tenant and date, and deletes old dates.

    LAKE/staging/subscriptions/tenant=acme/date=2026-08-20/snapshot.parquet

One file for each table and day: a later run of the day replaces it. It is written beside its place and moved there whole,
so that a reader sees the old file or the new one. The rows of `meta/published` are written last: they name the run and
the number of rows of each table, so a reader can tell a day whose tables are all of one run.

Reading is any engine's own business; docs/tenants.md#lake shows it. When and where to write is in policy `lake`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pax8_pipeline.text.private_files import make_folder
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import Model, all_models

SCHEMAS = ("staging", "reconciled", "monthly", "billing")
PUBLISHED = "meta/published"
FILE = "snapshot.parquet"
NO_TENANT = "default"  # what `tenant=` says of an installation without tenants
# Of these a day has its own plan only: each holds every plan that was ever made.
_OF_ONE_PLAN = ("billing.plan", "billing.plan_lines")


@dataclass(frozen=True)
class Partition:
    """The part of the lake that one run writes."""

    folder: Path
    tenant: str
    day: date

    def file(self, table: str) -> Path:
        """Return the place of a table's file; `table` with slashes, such as staging/subscriptions."""
        return self.folder / table / f"tenant={self.tenant}" / f"date={self.day.isoformat()}" / FILE


def write(warehouse: Warehouse, partition: Partition, *, run_id: str, plan_id: str) -> int:
    """Write every published table of this moment; return the number of files. Raises OSError or DuckDB's error."""
    with warehouse.connect() as connection:
        counts = [_write_table(connection, model, partition, plan_id) for model in _tables()]
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE lake_published (run_id VARCHAR, plan_id VARCHAR, table_name VARCHAR, row_count BIGINT)"
        )
        connection.executemany(
            "INSERT INTO lake_published VALUES (?, ?, ?, ?)",
            [(run_id, plan_id, model.table, count) for model, count in zip(_tables(), counts, strict=True)],
        )
        _copy(connection, "FROM lake_published", partition.file(PUBLISHED))
        connection.execute("DROP TABLE lake_published")
    return len(counts) + 1


def prune(folder: Path, tenant: str, today: date, retention_days: int, *, dry_run: bool = False) -> int:
    """Delete a tenant's files of dates older than the retention; return how many. With `dry_run` only count them."""
    oldest = (today - timedelta(days=retention_days)).isoformat()
    old = [path for path in _dates(folder, tenant) if path.name.removeprefix("date=") < oldest]
    count = 0
    for path in old:
        files = list(path.iterdir())
        count += len(files)
        if not dry_run:
            for file in files:
                file.unlink(missing_ok=True)
            with suppress(OSError):  # somebody put another file there meanwhile
                path.rmdir()
    return count


def _dates(folder: Path, tenant: str) -> Iterator[Path]:
    for table in [*(model.table.replace(".", "/") for model in _tables()), PUBLISHED]:
        yield from (folder / table / f"tenant={tenant}").glob("date=*")


def _tables() -> list[Model]:
    return [model for model in all_models().values() if model.schema in SCHEMAS]


def _write_table(connection: Connection, model: Model, partition: Partition, plan_id: str) -> int:
    of_plan = f" WHERE plan_id = '{plan_id.replace(chr(39), chr(39) * 2)}'" if model.table in _OF_ONE_PLAN else ""
    return _copy(connection, f"FROM {model.table}{of_plan}", partition.file(model.table.replace(".", "/")))


def _copy(connection: Connection, query: str, target: Path) -> int:
    """Write the rows of a query to a file and return their number."""
    make_folder(target.parent)
    draft = target.with_suffix(".tmp")
    place = str(draft).replace("'", "''")
    rows = connection.execute(f"COPY ({query}) TO '{place}' (FORMAT parquet, COMPRESSION zstd)").fetchall()
    os.replace(draft, target)
    return int(rows[0][0])
