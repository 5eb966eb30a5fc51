"""Dagster's history at little cost, for tests that do not look at how it is stored.

Making the files of one takes a second, so there are copies. `DagsterInstance.ephemeral` opens a connection for each of some 2,000 statements of a run; this one keeps the one that it
holds anyway. What is stored and how it is found again is Dagster's own.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
from dagster._core.storage import event_log


class _OneConnection(event_log.InMemoryEventLogStorage):
    """An event log whose statements share one connection; threads take turns."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._turn = threading.RLock()
        super().__init__(*arguments, **options)

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        with self._turn:
            if self._held_conn.in_transaction():  # asked while another statement of this thread is under way
                yield self._held_conn
                return
            with self._held_conn.begin():
                yield self._held_conn

    def has_table(self, table_name: str) -> bool:
        return True  # all of them are made with the storage


@cache
def _empty_history() -> Path:
    """The files of a history in which nothing happened; made once in a process, for copies only."""
    folder = tempfile.TemporaryDirectory(prefix="history-")
    atexit.register(folder.cleanup)
    with dg.DagsterInstance.local_temp(folder.name) as made:
        made.get_runs()
        made.get_ticks("none", "none")
    return Path(folder.name)


def copy_history(data: Path) -> None:
    """Put the files of a history in which nothing happened where the product keeps it for this data folder."""
    home = data / "dagster_home"
    if not home.exists():
        shutil.copytree(_empty_history(), home, ignore=shutil.ignore_patterns("*.yaml"))


@contextmanager
def disk_instance(folder: Path) -> Iterator[dg.DagsterInstance]:
    """Give an instance with its files in `folder`, for what a history in memory cannot remember (ticks)."""
    shutil.copytree(_empty_history(), folder, dirs_exist_ok=True)
    with dg.DagsterInstance.local_temp(str(folder)) as made:
        yield made


def memory_instance() -> dg.DagsterInstance:
    """Return a new instance that forgets everything with the process."""
    with patch.object(event_log, "InMemoryEventLogStorage", _OneConnection):
        return dg.DagsterInstance.ephemeral()
