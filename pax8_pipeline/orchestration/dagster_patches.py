"""Everything that this product replaces inside Dagster, in one place, each with its reason.

Contains: the history's engines and their wait for the disk, the web server's process and its way to uvicorn.
Does not contain: what is put there (`instance`, `ui_server`). Dagster offers no setting for any of these. A test of this
module (`test_dagster_patches`) fails when a new Dagster no longer has the place that is replaced.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import sqlalchemy
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage

# Each run has a file of its own. Whoever deletes a year of runs would have too many files open.
_MOST_ENGINES = 16
STORAGES: tuple[ModuleType, ...] = (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage)


@contextmanager
def quick_history() -> Iterator[None]:
    """Write Dagster's history at less cost while the block lasts: one engine for each file, no wait for the disk."""
    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _relax)
    try:
        with _shared_engines():
            yield
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "connect", _relax)


def _relax(connection: Any, record: object) -> None:
    """Do not wait for the disk at each event.

    In write-ahead mode that cannot damage the history, and a killed process loses nothing; a power cut may lose the
    last events. What must never be lost, the ledger of writes, is in DuckDB and flushed before each write.
    Measured: 1,100 commits, as a run makes, wait 0.2 s for a fast disk that nobody else uses, and 0.03 s with this. The
    processor's time hardly changes. A slow or busy disk is what it is for.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def _shared_engines() -> Iterator[None]:
    """Let each history file have one engine and connection while the block lasts.

    Dagster makes both again for each of some 3,000 statements of a run. Measured with Dagster 1.13 on a run of the small
    test world (550 events, two cores), the whole command: 12 to 13.5 s of the processor with Dagster's own way, 7.7 to
    8.8 s with this. Under another Dagster that makes its engines otherwise, this changes nothing.
    """
    engines: dict[str, sqlalchemy.Engine] = {}
    lock = threading.Lock()

    def shared_engine(url: str, **options: Any) -> sqlalchemy.Engine:
        with lock:
            engine = engines.pop(url, None)
            if engine is None:
                options.pop("poolclass", None)
                engine = sqlalchemy.create_engine(url, **options)
                # Dagster disposes of it after each statement, which closes the connection: not on this one engine.
                engine.dispose = lambda close=True: None  # type: ignore[method-assign]
            engines[url] = engine  # the last used is the last one
            if len(engines) > _MOST_ENGINES:
                # What is in use stays open until it is given back.
                sqlalchemy.Engine.dispose(engines.pop(next(iter(engines))))
            return engine

    originals = [(module, getattr(module, "create_engine", None)) for module in STORAGES]
    for module in STORAGES:
        setattr(module, "create_engine", shared_engine)  # noqa: B010 - the modules do not say that they have it
    try:
        yield
    finally:
        for module, function in originals:
            setattr(module, "create_engine", function)  # noqa: B010 - as above
        for engine in engines.values():
            sqlalchemy.Engine.dispose(engine)


def change_started_commands(change: Callable[[Sequence[str]], list[str]]) -> None:
    """Have `dagster dev` start each of its processes with the command that `change` makes of Dagster's own.

    `dagster dev` cannot be told which web server to start, and Dagster's answers mutations by GET from any page.
    """
    from dagster._cli import dev

    start = getattr(dev, "open_ipc_subprocess")  # noqa: B009 - the module does not say that it has it

    def start_changed(command: Sequence[str], **options: Any) -> Any:
        return start(change(command), **options)

    setattr(dev, "open_ipc_subprocess", start_changed)  # noqa: B010 - replaced on purpose


def change_served_app(change: Callable[[Any], Any]) -> None:
    """Have Dagster's web server hand to uvicorn what `change` makes of its app.

    That is all of uvicorn that it sees: another way to start a server fails instead of going round `change`.
    """
    import uvicorn
    from dagster_webserver import cli

    def run(app: Any, **options: Any) -> None:
        uvicorn.run(change(app), **options)

    setattr(cli, "uvicorn", SimpleNamespace(run=run))  # noqa: B010 - replaced on purpose
