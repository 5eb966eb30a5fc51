"""Watches what another process does: which files of a folder anybody opens, and what is in a process's memory.

The kernel reports the files (inotify), so that files which DuckDB opens count as well as those of Python.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OPEN, _NONBLOCK = 0x20, 0o4000
_EVENT = struct.Struct("iIII")
_CHUNK = 1 << 20


class Opened:
    """The files and folders that were opened, with their whole paths."""

    def __init__(self, descriptor: int, folders: dict[int, Path]) -> None:
        self._descriptor, self._folders = descriptor, folders

    def paths(self) -> set[Path]:
        """Return what was opened since the last call."""
        found: set[Path] = set()
        while True:
            try:
                data = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                return found
            place = 0
            while place < len(data):
                watch, _, _, length = _EVENT.unpack_from(data, place)
                place += _EVENT.size
                found.add(self._folders[watch] / data[place : place + length].rstrip(b"\0").decode())
                place += length


@contextmanager
def watched(folder: Path) -> Iterator[Opened]:
    """Watch a folder and all folders in it, for openings by any process of this machine."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(_NONBLOCK)
    places = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    folders = {libc.inotify_add_watch(descriptor, str(path).encode(), _OPEN): path for path in places}
    assert -1 not in folders, os.strerror(ctypes.get_errno())
    try:
        yield Opened(descriptor, folders)
    finally:
        os.close(descriptor)


def in_memory(pid: int, text: str) -> bool:
    """Return whether the memory of a process has the text somewhere."""
    needle = text.encode()
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if rights.startswith("r") and "[v" not in line:
                begin, end = (int(part, 16) for part in span.split("-"))
                if _region_has(memory.fileno(), begin, end, needle):
                    return True
    return False


def _region_has(memory: int, begin: int, end: int, needle: bytes) -> bool:
    before = b""
    for place in range(begin, end, _CHUNK):
        try:
            data = os.pread(memory, min(_CHUNK, end - place), place)
        except OSError:  # a part that is mapped and not there, such as the end of a file
            data = b""
        if needle in before + data:
            return True
        before = data[-len(needle) :]
    return False
