"""One DuckDB engine per process, to which a file is attached for as long as somebody uses it.

`connection` waits for a file that another process holds. Starting an engine takes some 25 ms of CPU, attaching and
detaching a file 4 ms, 9 ms after a write. Detaching writes the journal into the file and releases it, as closing does, so
that other processes can use it in between. A run has some 90 short steps that use its file, most of them one directly
after the other: while a run lasts (`start_run`, `end_run`), a file is detached when nobody has used it for a moment.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Timer

import duckdb


@dataclass
class _File:
    """An attached file: its name in the engine, how many connections use it, and what will detach it when none does."""

    name: str
    read_only: bool
    users: int = 0
    timer: Timer | None = None


@dataclass
class _Engine:
    main: duckdb.DuckDBPyConnection
    process: int
    files: dict[str, _File] = field(default_factory=dict)
    attached: int = 0


@dataclass
class _Runs:
    """How many runs this process is executing."""

    number: int = 0


# An engine that outlives its files would keep what they took (128 MB and more by default). It gives memory back from this
# amount on; at 1 MB the same pages would be given back and taken again in every query, a fifth of the CPU of a small build.
_FRUGAL = {"allocator_flush_threshold": "16MB", "allocator_bulk_deallocation_flush_threshold": "16MB"}
# Another process that waits for the file looks for it more than once in that time.
_IDLE_S = 0.25
_LOCK = Lock()
_RUNS = _Runs()
_ENGINES: list[_Engine] = []  # the last one is in use; one of a parent process is kept, as it cannot be ended here


@dataclass(frozen=True)
class Use:
    """One connection to one file. Close it with `done`."""

    connection: duckdb.DuckDBPyConnection
    engine: _Engine
    file: str

    def done(self, *, at_once: bool = False) -> None:
        """Close the connection. The last one to go detaches the file; during a run, and unless `at_once`, a moment later
        if nobody has come.
        """
        try:
            self.connection.close()
        finally:
            with _LOCK:
                found = self.engine.files[self.file]
                found.users -= 1
                if not found.users and _RUNS.number and not at_once:
                    found.timer = Timer(_IDLE_S, _detach_idle, (self.engine, self.file))
                    found.timer.daemon = True
                    found.timer.start()
                elif not found.users:
                    _detach(self.engine, self.file)


def start_run() -> None:
    """From now on, leave files attached for a moment after their last use."""
    with _LOCK:
        _RUNS.number += 1


def end_run() -> None:
    """Detach all files that nobody uses, once for each `start_run`."""
    with _LOCK:
        _RUNS.number = max(_RUNS.number - 1, 0)
        for engine in [] if _RUNS.number else list(_ENGINES):
            for file in [name for name, found in engine.files.items() if not found.users]:
                _detach(engine, file)


def _detach_idle(engine: _Engine, file: str) -> None:
    with _LOCK:
        found = engine.files.get(file)
        if found is not None and not found.users:
            _detach(engine, file)


def use(path: Path, *, read_only: bool = False) -> Use:
    """Give a connection whose current database is the file at `path`, made if it is missing and not `read_only`.

    Raises duckdb.Error as DuckDB does, among others when another process holds the file.
    """
    file = os.path.realpath(path)
    with _LOCK:
        engine = _engine(file)
        found = engine.files.get(file)
        if found is not None and found.read_only and not read_only:
            if found.users:
                raise duckdb.ConnectionException(
                    f"{file} is being read here: it is open with a different configuration"
                )
            _detach(engine, file)
            found = None
        if found is None:
            found = _attach(engine, file, read_only)
        elif found.timer is not None:
            found.timer.cancel()
            found.timer = None
        found.users += 1
        try:
            connection = engine.main.cursor()
            connection.execute(f"USE {found.name}")
        except BaseException:
            found.users -= 1
            raise
        return Use(connection, engine, file)


def _engine(file: str) -> _Engine:
    """Return this process's engine. What does not fit into memory goes beside the file that it was started for."""
    if not _ENGINES or _ENGINES[-1].process != os.getpid():
        _ENGINES.append(_Engine(duckdb.connect(config={**_FRUGAL, "temp_directory": f"{file}.tmp"}), os.getpid()))
    return _ENGINES[-1]


def _attach(engine: _Engine, file: str, read_only: bool) -> _File:
    engine.attached += 1
    found = _File(f"warehouse_{engine.attached}", read_only)
    quoted = file.replace("'", "''")
    engine.main.execute(f"ATTACH '{quoted}' AS {found.name}{' (READ_ONLY)' if read_only else ''}")
    engine.files[file] = found
    return found


def _detach(engine: _Engine, file: str) -> None:
    """An engine that cannot let go of a file (a full disk, an error DuckDB calls fatal) is given up for a new one.

    Nothing is lost by it: what was committed is in the journal, which the next to open the file reads.
    """
    found = engine.files.pop(file)
    if found.timer is not None:
        found.timer.cancel()
    try:
        engine.main.execute(f"DETACH {found.name}")
    except duckdb.Error:
        engine.main.close()
        if engine in _ENGINES:
            _ENGINES.remove(engine)
