"""A person at a real terminal: a process on a pseudo-terminal of its own, what it shows, and what is typed."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_PATIENCE_S = 120.0
_COLUMNS = "60"


class Terminal:
    """The other side of a process's terminal. `screen` is everything that it has shown."""

    def __init__(self, process: int, handle: int) -> None:
        self.screen = ""
        self._process = process
        self._handle = handle
        self._read_to = 0  # what was expected already

    def expect(self, text: str) -> None:
        """Wait until the text is shown, after what was expected before. Raises AssertionError with the screen."""
        while (at := self.screen.find(text, self._read_to)) < 0:
            if not self._more():
                raise AssertionError(f"{text!r} was not shown:\n{self.screen}")
        self._read_to = at + len(text)

    def type(self, text: str) -> None:
        """Type a line and press Enter."""
        os.write(self._handle, f"{text}\n".encode())

    def answer(self, question: str, text: str) -> None:
        """Wait for a question and answer it."""
        self.expect(question)
        self.expect(": ")
        self.type(text)

    def interrupt(self) -> int:
        """Press Ctrl-C and return the exit code. Press again where nothing happens for long: a program notices the first
        one only after a read that it was about to begin.
        """
        ended = 0
        while not ended:
            with suppress(OSError):
                os.write(self._handle, b"\x03")
            while self._more(_PATIENCE_S / 4):
                pass
            ended, status = os.waitpid(self._process, os.WNOHANG)
        return os.waitstatus_to_exitcode(status)

    def end(self) -> int:
        """Wait for the end of the process and return its exit code."""
        while self._more():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])

    def _more(self, patience: float = _PATIENCE_S) -> bool:
        readable, _, _ = select.select([self._handle], [], [], patience)
        if not readable:
            return False
        try:
            shown = os.read(self._handle, 65536)
        except OSError:  # Linux: the process has closed its side
            return False
        self.screen += shown.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(shown)


@contextmanager
def at_terminal(folder: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Run `pax8-pipeline` on a new terminal; it is killed when the block ends before it does."""
    process, handle = pty.fork()
    if process == 0:  # the child: nothing but the program
        os.chdir(folder)
        os.execve(
            sys.executable,
            [sys.executable, "-m", "pax8_pipeline.cli", *arguments],
            {**environment, "TERM": "dumb", "COLUMNS": _COLUMNS},
        )
    try:
        yield Terminal(process, handle)
    finally:
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)
        with suppress(OSError):
            os.waitpid(process, 0)
        os.close(handle)


def seconds(since: float) -> float:
    """The time since a moment of the clock, for a note; no test asserts it."""
    return round(time.perf_counter() - since, 1)
