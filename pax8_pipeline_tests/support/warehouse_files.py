"""Warehouse files for tests: empty ones and prepared ones as copies, and one connection that stays open.

Making the schema takes longer than many tests, and a plan takes a quarter of a second of the processor; copying a file
takes some milliseconds.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from pax8_pipeline.warehouse import engine
from pax8_pipeline.warehouse.connection import Warehouse

_OPEN = ExitStack()
_HELD: list[Path] = []  # the one file that is held open, if any


def hold_open(warehouse: Warehouse) -> None:
    """Keep one connection open until another warehouse is held open, so that what follows need not open the file.

    One thread is the fastest for tables of a few rows.
    """
    if warehouse.path in _HELD:
        return
    let_go()
    _OPEN.enter_context(warehouse.connect()).execute("SET threads = 1")
    _HELD.append(warehouse.path)


def release() -> None:
    """Close the connection that is held open: for a test that reads the file as another process would, or removes it."""
    _HELD.clear()
    _OPEN.close()


def let_go() -> None:
    """Do the same for a file that hardly anybody will open again: what was written stays in the journal beside it.

    Writing it into the file takes the processor four times as long as all else here, and waits for the disk.
    """
    if not _HELD:
        return
    main = engine._ENGINES[-1].main
    main.execute("PRAGMA disable_checkpoint_on_shutdown")
    try:
        release()
    finally:
        main.execute("PRAGMA enable_checkpoint_on_shutdown")


@cache
def prepared_folder() -> Path:
    """Return the folder with the files that this process has prepared; it is removed when the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="prepared-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def empty_warehouse(path: Path) -> Warehouse:
    """Return a warehouse with empty tables at `path`."""
    template = Warehouse(prepared_folder() / "empty.duckdb")
    if not template.path.exists():
        with duckdb.connect() as connection:  # small blocks: the file of a few rows is an eighth as long
            connection.execute(f"ATTACH '{template.path}' AS small (BLOCK_SIZE 16384)")
        template.ensure_schema()
    return copied(template.path, path)


def copied(source: Path, target: Path) -> Warehouse:
    """Return the warehouse at `target`, a copy of a file that nobody has open."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)  # of a file that was there before
    shutil.copyfile(source, target)
    return Warehouse(target)


def copy_of(make: Callable[..., Warehouse], folder: Path, *arguments: Any) -> Warehouse:
    """Return a copy of the warehouse that `make(folder, *arguments)` makes; it is made once in a process."""
    made = _made_once(make, *arguments)
    let_go()
    warehouse = copied(made, folder / made.name)
    hold_open(warehouse)
    return warehouse


@cache
def _made_once(make: Callable[..., Warehouse], *arguments: Any) -> Path:
    path = make(Path(tempfile.mkdtemp(dir=prepared_folder())), *arguments).path
    release()
    return path
