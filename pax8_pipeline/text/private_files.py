"""Keeps what this product writes to its own user: folders 0700, files 0600.

Here belongs: modes of files. Not here: what stands in them. The warehouse, reports and backups hold what clients pay.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pax8_pipeline.errors import PipelineError, because

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Of the data folder; policy.yaml and the mapping files are kept in Git and hold no secret.
_OURS = (
    "warehouse.duckdb", "warehouse.duckdb.wal", "warehouse.duckdb.tmp", "published.duckdb", "published.tmp", "writer.lock",
    "reports", "backups", "dagster_home", "sandbox",
)  # fmt: skip


def write_for_us_only() -> None:
    """From now on this process and its children make files that others cannot read."""
    os.umask(_OTHERS)


def make_folder(path: Path) -> None:
    """Make a folder with its parents. Raises PipelineError when this user may not."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PipelineError(because(error, path)) from error


def tighten(data: Path) -> None:
    """Take from others what they may read of a data folder that was made before. What is not ours stays as it is."""
    for path in readable_by_others(data):
        with suppress(OSError):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)


def readable_by_others(data: Path) -> Iterator[Path]:
    """Give the files and folders of a data folder that others than its user may reach.

    A folder that is closed protects what is in it; reports and backups are looked at one by one, as people hand them on.
    """
    for name in _OURS:
        path = data / name
        yield from filter(is_open, [path])
        if name in ("reports", "backups") and path.is_dir():
            yield from filter(is_open, path.rglob("*"))


def is_open(path: Path) -> bool:
    """True when others may read, write or enter it; False when it is not there."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return not stat.S_ISLNK(found.st_mode) and bool(found.st_mode & _OTHERS)
