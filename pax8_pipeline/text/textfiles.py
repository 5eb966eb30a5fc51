"""Reads the operator's text files (.env, policy.yaml, mapping files), and writes files whole.

It converts between bytes and text, and says why a file cannot be read or written. What the text means is decided
elsewhere.
"""

from __future__ import annotations

import codecs
import os
from contextlib import suppress
from pathlib import Path

from pax8_pipeline.errors import ConfigError, PipelineError, os_error_sentence

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read(path: Path, how_to_save: str = "save it as UTF-8") -> str | None:
    """Return the text of a file; None when there is no such file. UTF-16 is read when a byte-order mark shows it.

    Raises ConfigError with the file, the reason and `how_to_save` it.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        if not path.is_symlink():
            return None
        raise ConfigError(
            f"{path} is a link to a file that does not exist; make that file or remove the link"
        ) from error
    except OSError as error:
        raise ConfigError(os_error_sentence(error, path)) from error
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}, {_line(data, error.start)}: not {encoding.upper().removesuffix('-SIG')} text; {how_to_save}"
        ) from error
    if "\0" in text:
        raise ConfigError(f"{path}: contains bytes that are not text; {how_to_save}")
    return text


def write(path: Path, text: str) -> None:
    """Write a file that a person asked for. Raises PipelineError with the file, the reason and what to do."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PipelineError(os_error_sentence(error, path)) from error


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all: after a crash the older one is still there. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
        flush(draft)
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _line(data: bytes, position: int) -> str:
    lines = data.count(b"\n", 0, position) + 1
    return f"line {lines}"
