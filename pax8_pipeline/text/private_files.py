"""Keeps the files of this product private to its user: folders 0700, files 0600. The warehouse, reports and backups
show what clients pay.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pax8_pipeline.errors import PipelineError, os_error_sentence

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Names in the data folder. policy.yaml and the mapping files are in Git and contain no secret.
_PRIVATE_NAMES = (
    "warehouse.duckdb", "warehouse.duckdb.wal", "warehouse.duckdb.tmp", "published.duckdb", "published.tmp",
    "writer.lock", "reports", "backups", "dagster_home", "sandbox", "lake",
)  # fmt: skip


def restrict_new_files() -> None:
    """From now on, files made by this process and its children are not readable for others."""
    os.umask(_OTHERS)


def make_folder(path: Path) -> None:
    """Make a folder and its parents. Raises PipelineError when this user may not."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PipelineError(os_error_sentence(error, path)) from error


def write_private(path: Path, text: str) -> None:
    """Write a file whole, readable for this user only, whatever it was before; a link stays a link.

    Raises PipelineError with the file, the reason and what to do.
    """
    target = path.resolve()
    draft = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        draft.replace(target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise PipelineError(os_error_sentence(error, path)) from error


def make_private(data: Path) -> None:
    """Remove the access of others to older files of a data folder. Files that are not ours stay as they are."""
    for path in readable_by_others(data):
        with suppress(OSError):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)


def readable_by_others(data: Path) -> Iterator[Path]:
    """Yield the files and folders of a data folder that other users can open.

    A closed folder protects its content. Reports and backups are checked one by one, because people copy them.
    """
    for name in _PRIVATE_NAMES:
        path = data / name
        yield from filter(is_open, [path])
        if name in ("reports", "backups") and path.is_dir():
            yield from filter(is_open, path.rglob("*"))


def is_open(path: Path) -> bool:
    """True when others may read, write or enter it; False when it does not exist."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return not stat.S_ISLNK(status.st_mode) and bool(status.st_mode & _OTHERS)
