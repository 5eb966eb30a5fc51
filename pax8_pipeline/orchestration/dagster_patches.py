"""Everything that this product replaces inside Dagster, in one place, each with its reason.

Contains: the engines of the history's files, the web server's process and its way to uvicorn.
Does not contain: what is put there (`instance`, `ui_server`). Dagster offers no setting for any of these. A test of this
module (`test_dagster_patches`) fails when a new Dagster no longer has the place that is replaced.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import sqlalchemy
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage

STORAGES: tuple[ModuleType, ...] = (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage)


@contextmanager
def shared_engines() -> Iterator[None]:
    """Let each history file have one engine and connection while the block lasts.

    Dagster makes both anew for each of some 3,000 statements of a run. Measured with Dagster 1.13 on a run of the small
    test world (550 events, two cores), the whole command: 12 to 13.5 s of the processor with Dagster's own way, 7.7 to
    8.2 s with this. Not to wait for the disk at each event (`PRAGMA synchronous`) gave nothing on top, so it is left alone.
    Under another Dagster that makes its engines otherwise, this changes nothing.
    """
    engines: dict[str, sqlalchemy.Engine] = {}
    lock = threading.Lock()

    def shared_engine(url: str, **options: Any) -> sqlalchemy.Engine:
        with lock:
            if url not in engines:
                options.pop("poolclass", None)
                engines[url] = sqlalchemy.create_engine(url, **options)
                # Dagster disposes of it after each statement, which closes the connection: not on this one engine.
                engines[url].dispose = lambda close=True: None  # type: ignore[method-assign]
            return engines[url]

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
