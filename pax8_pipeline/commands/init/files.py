"""What `init` writes: .env, and the data folder with policy.yaml, the mapping files and acknowledged.csv.

A file that a person has made or changed stays as it is. Of .env only the variables in question are changed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pax8_pipeline.errors import PipelineError, os_error_sentence
from pax8_pipeline.settings import dotenv_writer
from pax8_pipeline.settings.policy import load_policy
from pax8_pipeline.settings.template_files import ENV, POLICY, empty_tables, first_policy, template
from pax8_pipeline.text import textfiles
from pax8_pipeline.text.private_files import make_folder, write_private

Change = Literal["written", "changed", "unchanged", "kept"]


@dataclass(frozen=True)
class WrittenFile:
    """One file, what became of it, and a sentence about it ("" when there is nothing to say)."""

    path: Path
    change: Change
    note: str = ""


def read_env(path: Path) -> str | None:
    """Return the text of .env; None when there is none."""
    return textfiles.read(path)


def replaced(text: str | None, values: Mapping[str, str]) -> list[str]:
    """Return the variables that have another value in .env than they are to get."""
    present = dotenv_writer.values_of(text or "")
    return [name for name, value in values.items() if present.get(name, value) != value]


def write_env(path: Path, text: str | None, values: Mapping[str, str]) -> WrittenFile:
    """Write .env with these values, readable for its user only. A new file has all variables with comments."""
    changed = dotenv_writer.with_values(template(ENV) if text is None else text, values)
    if changed == text:
        _close(path)
        return WrittenFile(path, "unchanged")
    write_private(path, changed)
    return WrittenFile(path, "written" if text is None else "changed", "only this user can read it")


def _close(path: Path) -> None:
    try:
        os.chmod(path, 0o600)
    except OSError as error:
        raise PipelineError(os_error_sentence(error, path)) from error


def write_data_folder(data: Path, timezone: str) -> list[WrittenFile]:
    """Make the data folder: a policy that only observes, and empty mapping files. Files that are there stay."""
    make_folder(data / "mappings")
    tables = [_new_file(data / name, text) for name, text in empty_tables()]
    return [_policy(data / "policy.yaml", timezone), *tables]


def _policy(path: Path, timezone: str) -> WrittenFile:
    text, wanted = textfiles.read(path), first_policy(timezone)
    note = f"only observes; time zone {timezone}"
    if text is None:
        textfiles.write(path, wanted)
        return WrittenFile(path, "written", note)
    if text == wanted:
        return WrittenFile(path, "unchanged")
    if text == template(POLICY):  # as the repository has it: nobody has decided anything in it yet
        textfiles.write(path, wanted)
        return WrittenFile(path, "changed", note)
    trust = load_policy(path).trust.default
    return WrittenFile(path, "kept", f"it is yours; trust.default is {trust}")


def _new_file(path: Path, text: str) -> WrittenFile:
    present = textfiles.read(path)
    if present is not None:
        return WrittenFile(path, "unchanged" if present == text else "kept")
    textfiles.write(path, text)
    return WrittenFile(path, "written")
