"""Reads back a file of suggestions in which a person marked what is right. Raises ConfigError with file, row and column.

Contains: CSV and xlsx, and what counts as a mark. Does not contain: whether the ids exist (`known_targets`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

from pax8_pipeline import values
from pax8_pipeline.errors import ConfigError, os_error_sentence
from pax8_pipeline.mapping.files import read_table
from pax8_pipeline.mapping.suggestion import KINDS, Kind
from pax8_pipeline.mapping.writing import Decision

_YES = frozenset(["yes", "y", "x", "1", "true", "ja", "oui", "si", "ok"])
_NO = frozenset(("", "no", "n", "0", "false", "nein", "non"))
_NEEDED = ("accept", "kind", "pax8_id", "halo_id")
T = TypeVar("T")


def read_decisions(path: Path) -> list[Decision]:
    """Return the marked rows of a file that `mapping suggest --output` wrote. Raises ConfigError."""
    rows = _sheet_rows(path) if path.suffix.lower() == ".xlsx" else _csv_rows(path)
    return [_decision(row) for row in rows if _is_marked(row)]


@dataclass(frozen=True)
class _Row:
    path: Path
    number: int
    cells: Mapping[str, str]

    def cell(self, name: str) -> str:
        # A spreadsheet shows text that would be a formula, such as -94, with an apostrophe in front.
        return self.cells.get(name, "").strip(values.SPACES).removeprefix("'")

    def error(self, column: str, reason: str) -> ConfigError:
        return ConfigError(f"{self.path}, row {self.number}, column {column}: {reason}")

    def read(self, column: str, reader: Callable[[str], T]) -> T:
        try:
            return reader(self.cell(column))
        except ValueError as error:
            raise self.error(column, str(error)) from None

    def read_or_none(self, column: str, reader: Callable[[str], T]) -> T | None:
        return self.read(column, reader) if self.cell(column) else None


def _csv_rows(path: Path) -> Iterator[_Row]:
    if not path.exists():
        raise ConfigError(f"{path} does not exist; `pax8-pipeline mapping suggest --output {path}` writes it")
    for number, cells in read_table(path, _NEEDED):
        yield _Row(path, number, cells)


def _sheet_rows(path: Path) -> Iterator[_Row]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        rows = list(load_workbook(path, read_only=True, data_only=True).worksheets[0].iter_rows(values_only=True))
    except OSError as error:
        raise ConfigError(os_error_sentence(error, path)) from error
    except (InvalidFileException, BadZipFile, KeyError, IndexError, ValueError) as error:
        raise ConfigError(f"{path} is not a readable xlsx file; save it as an Excel workbook (.xlsx)") from error
    header = [_text(value).strip() for value in rows[0]] if rows else []
    for name in _NEEDED:
        if name not in header:
            raise ConfigError(f"{path}, row 1: column {name} is missing; expected {', '.join(_NEEDED)}")
    for number, cells in enumerate(rows[1:], 2):
        yield _Row(path, number, dict(zip(header, map(_text, cells), strict=False)))


def _text(value: object) -> str:
    # A person who typed an id got a number: 231 and not 231.0.
    return "" if value is None else str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _is_marked(row: _Row) -> bool:
    mark = row.cell("accept").casefold()
    if mark not in _YES | _NO:
        raise row.error("accept", f"{row.cell('accept')!r} is neither yes nor no")
    return mark in _YES


def _decision(row: _Row) -> Decision:
    kind = _kind(row)
    place = f"{row.path}, row {row.number}"
    if kind == "usage_group":
        return Decision(kind, row.cell("pax8_id"), row.read_or_none("halo_id", values.halo_id), place=place)
    pax8_id = row.read("pax8_id", values.pax8_id)
    note = f"suggested with score {row.cell('score')}: {row.cell('reasons')}" if row.cell("reasons") else ""
    if kind != "subscription":
        return Decision(kind, pax8_id, row.read("halo_id", values.halo_id), note=note, place=place)
    found = Decision(
        kind,
        pax8_id,
        recurring_invoice_id=row.read_or_none("halo_recurring_invoice_id", values.recurring_invoice_id),
        line_id=row.read_or_none("halo_line_id", values.halo_id),
        licence_id=row.read_or_none("halo_licence_id", values.halo_id),
        note=note,
        place=place,
    )
    if found.line_id is None and found.licence_id is None:
        raise row.error("halo_line_id", "give a line id, a licence id or both")
    return found


def _kind(row: _Row) -> Kind:
    for kind in KINDS:
        if row.cell("kind") == kind:
            return kind
    raise row.error("kind", f"{row.cell('kind')!r} is none of {', '.join(KINDS)}")
