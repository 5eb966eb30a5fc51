"""Opens the DuckDB file: one short connection at a time, explicit transactions, a bounded wait for the lock.

It also makes the published copy; it has no query about billing, and the tables are made in `schema`. A connection is never
open while a vendor is being asked: fetch first, then open and write.
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
from pax8_pipeline.warehouse import engine, schema
from pax8_pipeline.warehouse.models import all_models, load_sql, view_ddl

Connection = duckdb.DuckDBPyConnection

# Raw is the bulk of the file and of no use to people; copying years of it every night would take longer than the run.
PUBLISHED_SCHEMAS = ("staging", "reconciled", "monthly", "billing", "meta")
# Of these not all rows; lines come after the rows that they belong to.
_PUBLISHED_PARTS = {
    "billing.plan": "warehouse/published_plan_rows.sql",
    "billing.plan_lines": "warehouse/published_plan_lines.sql",
}
# The others read functions, which the copy does not have.
PUBLISHED_VIEWS = ("ledger_state", "findings_state", "month_rows", "closed_month_changes")


# The file, not the question, is at fault: DuckDB says so while it is read, long after it was opened.
_BROKEN = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
_log = logging.getLogger("pax8_pipeline.progress")
_KNOWN_FILES: set[tuple[str, int]] = set()  # path and inode
_FIRST_PAUSE = 0.05  # seconds; a run of our own closes the file within that time, which nobody needs to know
_REPORT_EVERY_S = 15.0
_LONGEST_NAME = 120


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

        Raises WarehouseBusy, naming the process that holds the file, when it does not come free in time, and
        WarehouseTooNew when a newer version of this product changed it.
        """
        opened = self._open(read_only)
        failed = True
        try:
            self._check_version(opened.connection)
            yield opened.connection
            failed = False
        except _BROKEN as error:
            raise PipelineError(duckdb_error_sentence(error, self.path)) from error
        finally:
            opened.done(at_once=failed)  # what an error left half done in the file's memory is not for the next user

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection inside a transaction: all of it is committed, or none of it is."""
        with self.connect() as connection, _committed(connection):
            yield connection

    def ensure_schema(self) -> None:
        """Create what is missing, and bring an older file to the shape of this version after a copy of it was made.

        Safe to call at the start of every run. Raises WarehouseTooNew for a file of a newer version, and PipelineError
        when the copy cannot be written; both leave the file unchanged.
        """
        make_folder(self.path.parent)
        with self.connect() as connection:
            found = schema.examine(connection, self.path)
            copy = schema.copy_before_upgrade(connection, self.path, found.version) if found.needs_upgrade else None
            with self.transaction() as changing:
                schema.bring_up_to_date(changing, found)
        if copy:
            _log.warning("%s was upgraded to this version of pax8-pipeline; as it was before: %s", self.path, copy)

    def publish(self, target: Path) -> None:
        """Write a copy for people, without raw and old plans: what was typed, reconciled, planned and written.

        A reader of the old copy keeps it, the next open sees the new one.
        """
        fresh = target.with_suffix(".tmp")
        fresh.unlink(missing_ok=True)
        with self.connect() as connection:
            live = connection.execute("SELECT current_database()").fetchall()[0][0]
            connection.execute(f"ATTACH '{quoted(fresh)}' AS published")
            try:
                with _committed(connection):
                    _copy_for_people(connection)
            finally:
                connection.execute(f'USE "{live}"')
                connection.execute("DETACH published")
        os.replace(fresh, target)

    def _check_version(self, connection: Connection) -> None:
        """Refuse the file of a newer version. Each file is asked once in a process: a run opens it a hundred times."""
        file = (os.path.realpath(self.path), self.path.stat().st_ino)
        if file not in _KNOWN_FILES:
            schema.check_version(connection, self.path)
            _KNOWN_FILES.add(file)

    def _open(self, read_only: bool) -> engine.Use:
        if read_only and not self.path.exists():
            raise PipelineError(f"{self.path} does not exist yet: run `pax8-pipeline run` first")
        pause, report_at = _FIRST_PAUSE, 0.0
        while True:
            try:
                return engine.use(self.path, read_only=read_only)
            except duckdb.Error as error:
                if not _is_lock(error):
                    raise PipelineError(duckdb_error_sentence(error, self.path)) from error
                remaining = self.patience - self.waited.seconds
                if remaining <= 0:
                    raise WarehouseBusy(_busy_text(self.path, str(error))) from error
                if pause > _FIRST_PAUSE and self.waited.seconds >= report_at:
                    _log.warning("%s", _waiting_text(self.path, str(error), self.waited.seconds, self.patience))
                    report_at = self.waited.seconds + _REPORT_EVERY_S
                started = self.clock()
                self.wait(min(pause, remaining))
                self.waited.seconds += max(self.clock() - started, 0.001)
                pause = min(pause * 2, 2.0)


@contextmanager
def _committed(connection: Connection) -> Iterator[None]:
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _copy_for_people(connection: Connection) -> None:
    """Fill the attached database `published`. In one transaction the disk is waited for once, not for each table."""
    for name in PUBLISHED_SCHEMAS:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS published.{name}")
    for model in all_models().values():
        if model.schema in PUBLISHED_SCHEMAS:
            part = _PUBLISHED_PARTS.get(model.table)
            rows = f"({load_sql(part)})" if part else model.table
            connection.execute(f"CREATE TABLE published.{model.table} AS FROM {rows}")
    connection.execute("USE published")
    for name in PUBLISHED_VIEWS:
        connection.execute(view_ddl(name))


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
    return f"process {found['pid']} ({one_line(command)[:_LONGEST_NAME]})" if command else f"process {found['pid']}"


def _command(pid: int) -> str:
    try:
        parts = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:  # no /proc on this system, or it has just ended
        return ""
    return " ".join(part for part in parts[:2] if part)


def quoted(path: Path) -> str:
    """Return a path as it stands between quotes in SQL."""
    return str(path).replace("'", "''")
