"""Opens the DuckDB file: one short connection at a time, explicit transactions, a bounded wait for the lock.

It also makes the schema of the tables that stay, and the published copy; it has no query about billing. A connection is
never open while a vendor is being asked: fetch first, then open and write.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import duckdb

from pax8_pipeline.errors import PipelineError, WarehouseBusy, duckdb_error_sentence
from pax8_pipeline.text.plaintext import one_line
from pax8_pipeline.text.private_files import make_folder
from pax8_pipeline.warehouse import engine
from pax8_pipeline.warehouse.models import RAW_TABLES, Model, all_models, all_views, load_sql, view_ddl

Connection = duckdb.DuckDBPyConnection

# Rebuilt from raw on every run; all other schemas hold history and are only ever added to.
DERIVED_SCHEMAS = ("staging", "reconciled")
# Raw is the bulk of the file and of no use to people; copying years of it every night would take longer than the run.
PUBLISHED_SCHEMAS = ("staging", "reconciled", "billing", "meta")
# The others read functions, which the copy does not have.
PUBLISHED_VIEWS = ("ledger_state", "findings_state")


# The file, not the question, is at fault: DuckDB says so while it is read, long after it was opened.
_BROKEN = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
_log = logging.getLogger("pax8_pipeline.progress")
_FIRST_PAUSE = 0.05  # a run of our own lets go within that time; nobody needs to hear of it
_SAY_EVERY = 15.0
_LONGEST = 120


def _wait(seconds: float) -> None:
    Event().wait(seconds)


@dataclass
class Waited:
    """How many seconds have been spent waiting for the file. Whoever opens it often shares one: a run waits once."""

    seconds: float = 0.0


@dataclass(frozen=True)
class Warehouse:
    """The warehouse file at `path`. `patience` is how many seconds to wait in all for another process to let go of it."""

    path: Path
    patience: float = 60.0
    waited: Waited = field(default_factory=Waited, compare=False)
    clock: Callable[[], float] = field(default=time.monotonic, compare=False)
    wait: Callable[[float], None] = field(default=_wait, compare=False)

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[Connection]:
        """Give a connection and close it whatever happens.

        Raises WarehouseBusy, naming the process that holds the file, when it does not come free in time.
        """
        opened = self._open(read_only)
        try:
            yield opened.connection
        except _BROKEN as error:
            raise PipelineError(duckdb_error_sentence(error, self.path)) from error
        finally:
            opened.done()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection inside a transaction: all of it is committed, or none of it is."""
        with self.connect() as connection:
            connection.begin()
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def ensure_schema(self) -> None:
        """Create what is missing, add new columns to kept tables. Safe to call at the start of every run."""
        make_folder(self.path.parent)
        with self.transaction() as connection:
            for schema in dict.fromkeys(model.schema for model in all_models().values()):
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            present = _columns(connection)
            for model in all_models().values():
                ensure = _ensure_derived if model.schema in DERIVED_SCHEMAS else _ensure_kept
                ensure(connection, model, present.get(model.table, ()))
            connection.execute("CREATE SCHEMA IF NOT EXISTS newest")
            for schema, names in RAW_TABLES.items():
                for name in names:
                    view = load_sql("warehouse/sql/views/newest.sql")
                    connection.execute(view.format(table=f"{schema}.{name}", name=f"{schema}_{name}"))
            connection.execute(load_sql("warehouse/sql/functions.sql"))
            connection.execute(load_sql("warehouse/sql/views/newest_usage.sql"))
            for view_model in all_views():
                connection.execute(view_ddl(view_model.name))

    def publish(self, target: Path) -> None:
        """Write a copy for people, without raw: what was typed, reconciled, planned and written.

        A reader of the old copy keeps it, the next open sees the new one.
        """
        fresh = target.with_suffix(".tmp")
        fresh.unlink(missing_ok=True)
        with self.connect() as connection:
            live = connection.execute("SELECT current_database()").fetchall()[0][0]
            connection.execute(f"ATTACH '{quoted(fresh)}' AS published")
            try:
                for model in all_models().values():
                    if model.schema in PUBLISHED_SCHEMAS:
                        connection.execute(f"CREATE SCHEMA IF NOT EXISTS published.{model.schema}")
                        connection.execute(f"CREATE TABLE published.{model.table} AS FROM {model.table}")
                connection.execute("USE published")
                for name in PUBLISHED_VIEWS:
                    connection.execute(view_ddl(name))
            finally:
                connection.execute(f'USE "{live}"')
                connection.execute("DETACH published")
        os.replace(fresh, target)

    def _open(self, read_only: bool) -> engine.Use:
        if read_only and not self.path.exists():
            raise PipelineError(f"{self.path} does not exist yet: run `pax8-pipeline run` first")
        pause, say_at = _FIRST_PAUSE, 0.0
        while True:
            try:
                return engine.use(self.path, read_only=read_only)
            except duckdb.Error as error:
                if not _is_lock(error):
                    raise PipelineError(duckdb_error_sentence(error, self.path)) from error
                left = self.patience - self.waited.seconds
                if left <= 0:
                    raise WarehouseBusy(_busy_text(self.path, str(error))) from error
                if pause > _FIRST_PAUSE and self.waited.seconds >= say_at:
                    _log.warning("%s", _waiting_text(self.path, str(error), self.waited.seconds, self.patience))
                    say_at = self.waited.seconds + _SAY_EVERY
                begun = self.clock()
                self.wait(min(pause, left))
                self.waited.seconds += max(self.clock() - begun, 0.001)
                pause = min(pause * 2, 2.0)


def _is_lock(error: Exception) -> bool:
    text = str(error)
    return any(part in text for part in ("Could not set lock", "different configuration", "already attached"))


def _busy_text(path: Path, detail: str) -> str:
    return f"{path} is held by {_holder(detail)}; close it (people read published.duckdb beside it) or try again later"


def _waiting_text(path: Path, detail: str, waited: float, patience: float) -> str:
    so_far = f", {waited:.0f} s so far" if waited >= 1 else ""
    return f"{path} is held by {_holder(detail)}: waiting up to {patience:.0f} s for it{so_far}"


def _holder(detail: str) -> str:
    """Say which process holds the file, from DuckDB's words and the list of processes: its number and its program."""
    found = re.search(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)", detail) or re.search(
        r"PID (?P<pid>\d+)", detail
    )
    if found is None:
        return "another process"
    # The program and its first argument (a script); more could be somebody's password.
    command = _command(int(found["pid"])) or found.groupdict().get("program") or ""
    return f"process {found['pid']} ({one_line(command)[:_LONGEST]})" if command else f"process {found['pid']}"


def _command(pid: int) -> str:
    try:
        parts = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:  # no /proc on this system, or it has just ended
        return ""
    return " ".join(part for part in parts[:2] if part)


def quoted(path: Path) -> str:
    """Return a path as it stands between quotes in SQL."""
    return str(path).replace("'", "''")


def _ensure_derived(connection: Connection, model: Model, present: tuple[str, ...]) -> None:
    """A derived table of another shape is dropped: the next run rebuilds it, its rows are not history."""
    if present and present != model.column_names:
        connection.execute(f"DROP TABLE {model.table}")
    if present != model.column_names:
        connection.execute(model.ddl(replace=False))


def _ensure_kept(connection: Connection, model: Model, present: tuple[str, ...]) -> None:
    if not present:
        connection.execute(model.ddl(replace=False))
        return
    for column in model.columns:
        if column.name not in present:
            connection.execute(f'ALTER TABLE {model.table} ADD COLUMN "{column.name}" {column.type}')


def _columns(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Return the columns of every table that is there. One question: the catalog is slow to ask."""
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
        "WHERE database_name = current_database() AND NOT internal GROUP BY 1"
    ).fetchall()
    return {str(table): tuple(columns) for table, columns in rows}
