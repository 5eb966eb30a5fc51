"""One writer at a time. The operating system holds the lock, so a crashed holder lets go by dying."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pax8_pipeline.errors import PipelineError


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Hold the lock file for the time of an apply. Raises PipelineError naming the holder when it is taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise PipelineError(
                f"another apply is writing to Halo (process {holder}, lock {path}); wait for it to end"
            ) from None
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        yield
