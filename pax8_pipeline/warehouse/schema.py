"""Makes the tables of a warehouse file, and brings an older file to the shape that this version of the product needs.

Contains: the version of the tables, the copy of the file before an upgrade, and the DDL. Does not contain: opening the file
(`connection`), the queries of derived tables (`build`).

Tables that are derived from others are dropped when their shape changes, and built again by the next run. All others hold
history: a table whose columns changed is made again with all its rows. One transaction does all of it, so a process that
is killed leaves the file as it was.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import duckdb

from pax8_pipeline.errors import PipelineError, WarehouseTooNew, os_error_sentence
from pax8_pipeline.text.private_files import make_folder
from pax8_pipeline.text.textfiles import flush
from pax8_pipeline.warehouse.models import RAW_TABLES, Model, all_models, all_views, load_sql, view_ddl

# Raise it when a table that holds history changes, and record the shape: python -m pax8_pipeline_tests.record_schema
SCHEMA_VERSION = 2
_BEFORE_VERSIONS = 1  # a file that stores no version

# Rebuilt from raw on every run; their tables without a query are filled again as well.
DERIVED_SCHEMAS = ("staging", "reconciled")

Connection = duckdb.DuckDBPyConnection
Columns = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Found:
    """The tables of a file by name with their columns, and the version of their shape; 0 for a file without tables."""

    columns: Columns
    version: int

    @property
    def changed(self) -> list[Model]:
        """The tables with history whose columns are not those of the contract."""
        found = ((model, self.columns.get(model.table)) for model in all_models().values() if not is_derived(model))
        return [model for model, columns in found if columns is not None and columns != model.column_names]

    @property
    def needs_upgrade(self) -> bool:
        """True for a file with tables that this version has to change."""
        return bool(self.version) and (self.version < SCHEMA_VERSION or bool(self.changed))


def is_derived(model: Model) -> bool:
    """True for a table that the next run builds again: its rows are not history."""
    return model.schema in DERIVED_SCHEMAS or bool(model.query)


def check_version(connection: Connection, path: Path) -> int:
    """Return the version of the tables; 0 when none is stored. Raises WarehouseTooNew when it is above ours."""
    try:
        rows = connection.execute(
            "SELECT version, made_by FROM meta.schema_versions ORDER BY version DESC LIMIT 1"
        ).fetchall()
    except duckdb.CatalogException:  # a new file, or one from before versions were stored
        return 0
    version, made_by = rows[0] if rows else (0, "")
    if version > SCHEMA_VERSION:
        raise WarehouseTooNew(
            f"{path} was changed by pax8-pipeline {made_by} (tables of version {version}; this program knows version "
            f"{SCHEMA_VERSION}): install that version again, or put back the copy from before its first run, which is "
            f"in {backup_folder(path)}"
        )
    return int(version)


def examine(connection: Connection, path: Path) -> Found:
    """Return what is in the file. Raises WarehouseTooNew as `check_version` does."""
    columns = _columns(connection)
    return Found(columns, check_version(connection, path) or (_BEFORE_VERSIONS if columns else 0))


def bring_up_to_date(connection: Connection, found: Found) -> None:
    """Create and change what is missing or different, in the caller's transaction. Safe at the start of every run."""
    for schema in dict.fromkeys(model.schema for model in all_models().values()):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for model in all_models().values():
        ensure = _ensure_derived if is_derived(model) else _ensure_history
        ensure(connection, model, found.columns.get(model.table, ()))
    _make_views(connection)
    if found.version < SCHEMA_VERSION:
        now = datetime.now(UTC).replace(tzinfo=None)
        row = [SCHEMA_VERSION, now, _product_version()]
        connection.execute("INSERT INTO meta.schema_versions (version, since, made_by) VALUES (?, ?, ?)", row)


def _product_version() -> str:
    try:
        return metadata.version("pax8-pipeline")
    except metadata.PackageNotFoundError:  # it runs from a checkout that was never installed
        return "of a checkout"


def _make_views(connection: Connection) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS newest")
    for schema, names in RAW_TABLES.items():
        for name in names:
            view = load_sql("warehouse/sql/views/newest.sql")
            connection.execute(view.format(table=f"{schema}.{name}", name=f"{schema}_{name}"))
    connection.execute(load_sql("warehouse/sql/functions.sql"))
    connection.execute(load_sql("warehouse/sql/views/newest_usage.sql"))
    for view_model in all_views():
        connection.execute(view_ddl(view_model.name))


def _ensure_derived(connection: Connection, model: Model, present: tuple[str, ...]) -> None:
    if present and present != model.column_names:
        connection.execute(f"DROP TABLE {model.table}")
    if present != model.column_names:
        connection.execute(model.ddl(replace=False))


def _ensure_history(connection: Connection, model: Model, present: tuple[str, ...]) -> None:
    """Make a table, or make it again with its rows: rows are appended by position, so the order of columns counts too."""
    if present == model.column_names:
        return
    if not present:
        connection.execute(model.ddl(replace=False))
        return
    shared = ", ".join(f'"{name}"' for name in model.column_names if name in present)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE old_rows AS FROM {model.table}")
    connection.execute(model.ddl(replace=True))
    connection.execute(f"INSERT INTO {model.table} ({shared}) SELECT {shared} FROM old_rows")
    connection.execute("DROP TABLE old_rows")


def _columns(connection: Connection) -> Columns:
    """Return the columns of every table that is there. One question: the catalog is slow to ask."""
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
        "WHERE database_name = current_database() AND NOT internal GROUP BY 1"
    ).fetchall()
    return {str(table): tuple(columns) for table, columns in rows}


# The copy of the file before its tables change
# -------------------------------------------------------------------------------------------------------------------


def backup_folder(path: Path) -> Path:
    """Return the folder for copies of the file at `path`."""
    return path.parent / "backups"


def copy_before_upgrade(connection: Connection, path: Path, version: int) -> Path:
    """Copy the file into the folder of backups, named for its version, and delete older such copies. Return the copy.

    The caller's `connection` keeps other processes away meanwhile. The copy appears whole or not at all. Raises
    PipelineError when it cannot be written; then nothing was changed.
    """
    folder = backup_folder(path)
    copy, part = folder / f"warehouse-version-{version}.duckdb", folder / ".warehouse-version.new"
    connection.execute("CHECKPOINT")  # the journal's rows are in the file then
    make_folder(folder)
    # Another process copies: when this one closes the file, the system takes away DuckDB's lock on it.
    # S603, S607: a fixed command of the system, and paths are never read as options after the `--`.
    done = subprocess.run(["cp", "--", str(path), str(part)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    try:
        if done.returncode:
            raise PipelineError(
                f"{copy} could not be written ({' '.join(done.stderr.split())}), so the tables of {path} were not "
                "changed; make room and run again"
            )
        flush(part)
        part.replace(copy)
    except OSError as error:
        raise PipelineError(os_error_sentence(error, copy)) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    for old in folder.glob("warehouse-version-*.duckdb"):
        if old != copy:
            old.unlink()
    return copy
