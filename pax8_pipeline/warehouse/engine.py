"""One DuckDB engine per process, to which a file is attached for as long as somebody uses it.

`connection` waits for a file that another process holds. Starting an engine takes some 25 ms of CPU, attaching a file 2 ms,
and a run opens its file about a hundred times. Detaching writes the journal into the file and releases it, as closing
does, so that other processes can use it in between.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import duckdb


@dataclass
class _File:
    """An attached file: its name in the engine, and how many connections use it."""

    name: str
    read_only: bool
    users: int = 0


@dataclass
class _Engine:
    main: duckdb.DuckDBPyConnection
    process: int
    files: dict[str, _File] = field(default_factory=dict)
    attached: int = 0


# An engine that outlives its files would keep what they took (128 MB and more by default). It gives memory back from this
# amount on; at 1 MB the same pages would be given back and taken again in every query, a fifth of the CPU of a small build.
_FRUGAL = {"allocator_flush_threshold": "16MB", "allocator_bulk_deallocation_flush_threshold": "16MB"}
_LOCK = Lock()
_ENGINES: list[_Engine] = []  # the last one is in use; one of a parent process is kept, as it cannot be ended here


@dataclass(frozen=True)
class Use:
    """One connection to one file. Close it with `done`."""

    connection: duckdb.DuckDBPyConnection
    engine: _Engine
    file: str

    def done(self) -> None:
        """Close the connection; the last one to go detaches the file."""
        try:
            self.connection.close()
        finally:
            with _LOCK:
                found = self.engine.files[self.file]
                found.users -= 1
                if not found.users:
                    del self.engine.files[self.file]
                    _detach(self.engine, found)


def use(path: Path, *, read_only: bool = False) -> Use:
    """Give a connection whose current database is the file at `path`, made if it is missing and not `read_only`.

    Raises duckdb.Error as DuckDB does, among others when another process holds the file.
    """
    file = os.path.realpath(path)
    with _LOCK:
        engine = _engine(file)
        found = engine.files.get(file)
        if found is None:
            found = _attach(engine, file, read_only)
        elif found.read_only and not read_only:
            raise duckdb.ConnectionException(f"{file} is being read here: it is open with a different configuration")
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


def _detach(engine: _Engine, found: _File) -> None:
    """An engine that cannot let go of a file (a full disk, an error DuckDB calls fatal) is given up for a new one.

    Nothing is lost by it: what was committed is in the journal, which the next to open the file reads.
    """
    try:
        engine.main.execute(f"DETACH {found.name}")
    except duckdb.Error:
        engine.main.close()
        if engine in _ENGINES:
            _ENGINES.remove(engine)
