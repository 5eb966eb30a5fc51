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

from pax8_pipeline.warehouse.connection import Warehouse

_OPEN = ExitStack()
_OPEN_PATHS: list[Path] = []  # the one file that is held open, if any


def hold_open(warehouse: Warehouse) -> None:
    """Keep one connection open until another warehouse is held open, so that what follows need not open the file.

    One thread is the fastest for tables of a few rows.
    """
    if [warehouse.path] == _OPEN_PATHS:
        return
    release()
    _OPEN.enter_context(warehouse.connect()).execute("SET threads = 1")
    _OPEN_PATHS.append(warehouse.path)


def release() -> None:
    """Close the connection that is held open: for a test that reads the file as another process would, or removes it."""
    _OPEN_PATHS.clear()
    _OPEN.close()


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
        template.ensure_schema()
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template.path, path)
    return Warehouse(path)


def copy_of(make: Callable[..., Warehouse], folder: Path, *arguments: Any) -> Warehouse:
    """Return a copy of the warehouse that `make(folder, *arguments)` makes; it is made once in a process."""
    made = _made_once(make, *arguments)
    release()
    folder.mkdir(parents=True, exist_ok=True)
    warehouse = Warehouse(folder / made.name)
    shutil.copyfile(made, warehouse.path)
    hold_open(warehouse)
    return warehouse


@cache
def _made_once(make: Callable[..., Warehouse], *arguments: Any) -> Path:
    path = make(Path(tempfile.mkdtemp(dir=prepared_folder())), *arguments).path
    release()
    return path
