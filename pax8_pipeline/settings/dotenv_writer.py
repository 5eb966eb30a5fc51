"""Changes variables in the text of a .env file and leaves all other lines as they are. Pure; files are in `init`."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

from dotenv import dotenv_values

from pax8_pipeline.errors import ConfigError

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,~^-]*")


def values_of(text: str) -> dict[str, str]:
    """Return the variables that the text sets, without those that are empty."""
    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value}


def with_values(text: str, changes: Mapping[str, str]) -> str:
    """Return the text with these variables set. An empty value empties a variable that is there, and adds none.

    A variable keeps its line; else a commented line (`# NAME=...`) is used; else it comes at the end. Raises ConfigError
    for a value that a .env file cannot hold; the message does not show the value.
    """
    for name, value in changes.items():
        text = _with_value(text, name, value)
    for name, value in changes.items():
        if values_of(text).get(name, "") != value:
            raise ConfigError(
                f"{name}: contains characters that .env cannot hold; write it to a file and name that in {name}_FILE"
            )
    return text


def _with_value(text: str, name: str, value: str) -> str:
    line = f"{name}={quoted(value)}"
    for pattern in (rf"^(?:export[ \t]+)?{name}[ \t]*=.*$", rf"^#[ \t]*{name}=.*$"):
        if not value and pattern.startswith("^#"):
            return text
        changed, found = re.subn(pattern, lambda _: line, text, count=1, flags=re.MULTILINE)
        if found:
            return changed
    if not value:
        return text
    return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"


def quoted(value: str) -> str:
    """Return a value as .env holds it: in single quotes when it has other characters than the usual ones."""
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
