"""Reads single keys of a terminal without waiting for Enter. Keys that are typed ahead are kept, which click's getchar
throws away.
"""

from __future__ import annotations

import os
import re
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# An arrow key is an escape, a bracket or O, and a letter.
_KEY = re.compile(r"\x1b[\[O][0-9;]*[A-Za-z~]|.", re.DOTALL)
_ENTER, _ERASE, _ESCAPE = ("\r", "\n"), ("\x7f", "\b"), "\x1b"
END = "\x04"


class Keys:
    """Keys of a terminal, one after the other. `read` returns what was typed, empty at its end."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._typed = ""

    def next(self) -> str:
        """Wait for a key and return it; an arrow key is its escape sequence, the end of input is END."""
        if not self._typed:
            self._typed = self._read() or END
        found = _KEY.match(self._typed)
        key = found[0] if found else END
        self._typed = self._typed[len(key) :]
        return key

    def line(self, show: Callable[[str], None]) -> str:
        """Return what is typed until Enter; Escape gives nothing. `show` gets each character to show."""
        text = ""
        while (key := self.next()) not in (*_ENTER, _ESCAPE, END):
            if key in _ERASE:
                show("\b \b" if text else "")
                text = text[:-1]
            elif key.isprintable():
                show(key)
                text += key
        return text if key in _ENTER else ""


@contextmanager
def terminal_keys() -> Iterator[Keys]:
    """Give the keys of the terminal on standard input; afterwards it is as before. Ctrl-C interrupts as always."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal, termios.TCSADRAIN)
        yield Keys(lambda: os.read(terminal, 1024).decode("utf-8", "ignore"))
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
