"""Reads .env files, into the environment or not, and reports what is wrong with it. What a variable means is in `environment`."""

from __future__ import annotations

import io
import os
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.text import textfiles

_SAVE = "save it as UTF-8 (in Notepad: Save As, Encoding UTF-8)"


def load(path: Path) -> None:
    """Set the variables of the file that the environment does not have. A missing file sets none.

    Raises ConfigError with file, line and what to do.
    """
    for name, value in read(path).items():
        os.environ.setdefault(name, value)


def read(path: Path, *, expand: bool = True) -> dict[str, str]:
    """Return the variables of the file; none of a missing one. `expand`: fill in `${NAME}` from the environment.

    Raises ConfigError with file, line and what to do.
    """
    text = textfiles.read(path, _SAVE)
    if text is None:
        return {}
    _check(path, text)
    found = dotenv_values(stream=io.StringIO(text), interpolate=expand)
    return {name: value for name, value in found.items() if value is not None}


def _check(path: Path, text: str) -> None:
    lines: dict[str, int] = {}
    for binding in parse_stream(io.StringIO(text)):
        # A statement starts after the blank lines before it.
        statement = binding.original.string
        line = binding.original.line + len(statement) - len(statement.lstrip("\r\n"))
        if binding.error or (binding.key is not None and binding.value is None):
            raise ConfigError(f"{path}, line {line}: is not NAME=value; correct it, or put # before it")
        if binding.key is None:
            continue
        if binding.key in lines:
            raise ConfigError(
                f"{path}, line {line}: {binding.key} is on line {lines[binding.key]} already; keep one of the two"
            )
        lines[binding.key] = line
