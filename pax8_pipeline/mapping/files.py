"""Reads the operator's mapping files, checks each row, and returns plain records.

It knows the CSV formats in data/mappings and has all messages about them. What matches what is decided in SQL
(warehouse/sql/reconciled). A malformed file stops the run: a part of a mapping would be worse than none.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pax8_pipeline import values
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.text import textfiles

T = TypeVar("T")
# The row number is for messages only: the same rows in another order are the same mapping.
_ROW: int = field(default=0, compare=False, repr=False)
# The columns of each file, as they are written.
COLUMNS: dict[str, tuple[str, ...]] = {
    "clients.csv": ("pax8_company_id", "halo_client_id", "note"),
    "subscriptions.csv": (
        "pax8_subscription_id", "halo_recurring_invoice_id", "halo_line_id", "halo_licence_id", "note",
    ),
    "items.csv": ("pax8_product_id", "halo_item_id", "note"),
}  # fmt: skip


@dataclass(frozen=True)
class ClientMapping:
    """One Pax8 company is one Halo client."""

    pax8_company_id: str
    halo_client_id: int
    note: str
    row: int = _ROW


@dataclass(frozen=True)
class SubscriptionMapping:
    """One Pax8 subscription is billed by one Halo line, through a licence or directly; or its line is yet to be made, on
    the named recurring invoice.
    """

    pax8_subscription_id: str
    halo_recurring_invoice_id: int | None
    halo_line_id: int | None
    halo_licence_id: int | None
    note: str
    row: int = _ROW


@dataclass(frozen=True)
class ItemMapping:
    """One Pax8 product is sold as one Halo item."""

    pax8_product_id: str
    halo_item_id: int
    note: str
    row: int = _ROW


@dataclass(frozen=True)
class Mappings:
    """All mapping files of one data folder, and a hash of their contents."""

    clients: tuple[ClientMapping, ...]
    subscriptions: tuple[SubscriptionMapping, ...]
    items: tuple[ItemMapping, ...]
    fingerprint: str


def load_mappings(folder: Path) -> Mappings:
    """Read clients.csv, subscriptions.csv and items.csv of `folder`. A missing file counts as empty.

    Pax8 ids are returned in lower case, because they are compared without case. Raises ConfigError with file, row,
    column and reason.
    """
    clients = tuple(_clients(folder / "clients.csv"))
    subscriptions = tuple(_subscriptions(folder / "subscriptions.csv"))
    items = tuple(_items(folder / "items.csv"))
    text = repr((sorted(map(repr, clients)), sorted(map(repr, subscriptions)), sorted(map(repr, items))))
    return Mappings(clients, subscriptions, items, hashlib.sha256(text.encode()).hexdigest()[:16])


@dataclass(frozen=True)
class FileRow:
    """One data row with its place, for error messages."""

    path: Path
    number: int
    cells: dict[str, str]

    def error(self, column: str, reason: str) -> ConfigError:
        """Return an error that names file, row, column and reason."""
        return ConfigError(f"{self.path}, row {self.number}, column {column}: {reason}")

    def text(self, column: str) -> str:
        """Return the text of a cell. Raises ConfigError when it is empty."""
        value = self._cell(column)
        if not value:
            raise self.error(column, "is empty; fill it in, or delete the row")
        return value

    def pax8_id(self, column: str) -> str:
        """Return the Pax8 id of a cell, in lower case. Raises ConfigError."""
        return self._read(column, self.text(column), values.pax8_id)

    def halo_id(self, column: str) -> int:
        """Return the Halo id of a cell. Raises ConfigError."""
        return self._read(column, self.text(column), values.halo_id)

    def halo_id_or_none(self, column: str, read: Callable[[str], int] = values.halo_id) -> int | None:
        """Return the Halo id of a cell, None when it is empty. Raises ConfigError."""
        value = self._cell(column)
        return self._read(column, value, read) if value else None

    def _read(self, column: str, value: str, read: Callable[[str], T]) -> T:
        try:
            return read(value)
        except ValueError as error:
            raise self.error(column, str(error)) from None

    def _cell(self, column: str) -> str:
        # Only ASCII spaces are removed. With a no-break or zero-width space it is another id, and the message says so.
        return self.cells.get(column, "").strip(values.SPACES)

    @property
    def note(self) -> str:
        """The cell `note`; "" without one."""
        return self.cells.get("note", "").strip()


def _clients(path: Path) -> Iterator[ClientMapping]:
    seen: dict[str, int] = {}
    for row in _rows(path, COLUMNS["clients.csv"][:-1]):
        company = _unique_pax8_id(row, "pax8_company_id", seen)
        yield ClientMapping(company, row.halo_id("halo_client_id"), row.note, row.number)


def _subscriptions(path: Path) -> Iterator[SubscriptionMapping]:
    seen: dict[str, int] = {}
    for row in _rows(path, COLUMNS["subscriptions.csv"][:-1]):
        subscription = _unique_pax8_id(row, "pax8_subscription_id", seen)
        line, licence = row.halo_id_or_none("halo_line_id"), row.halo_id_or_none("halo_licence_id")
        invoice = row.halo_id_or_none("halo_recurring_invoice_id", values.recurring_invoice_id)
        if line is None and licence is None and invoice is None:
            raise row.error("halo_line_id", "give a line id or a licence id, or the recurring invoice of a new line")
        yield SubscriptionMapping(subscription, invoice, line, licence, row.note, row.number)


def _items(path: Path) -> Iterator[ItemMapping]:
    seen: dict[str, int] = {}
    for row in _rows(path, COLUMNS["items.csv"][:-1]):
        yield ItemMapping(
            _unique_pax8_id(row, "pax8_product_id", seen), row.halo_id("halo_item_id"), row.note, row.number
        )


def _unique_pax8_id(row: FileRow, column: str, seen: dict[str, int]) -> str:
    """Return the row's Pax8 id in lower case. Raises ConfigError when an earlier row has the same id."""
    key = row.pax8_id(column)
    if key in seen:
        raise row.error(column, f"{key} is on row {seen[key]} already; keep one of the two")
    seen[key] = row.number
    return key


def read_rows(path: Path, columns: tuple[str, ...]) -> Iterator[FileRow]:
    """Return the rows of a file with only these columns. A missing file counts as empty. Raises ConfigError."""
    return _rows(path, columns, ())


def read_cells(path: Path) -> Iterator[dict[str, str]]:
    """Return the cells of each row of a mapping file by column, without spaces around them. A missing file counts as
    empty. Raises ConfigError.
    """
    for row in _rows(path, COLUMNS[path.name][:-1]):
        yield {name: cell.strip(values.SPACES) for name, cell in row.cells.items()}


def read_table(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Return row number and cells by column of any CSV file with at least the columns `needed`. Raises ConfigError."""
    for row in _rows(path, needed, None):
        yield row.number, row.cells


def _rows(path: Path, required: tuple[str, ...], more: tuple[str, ...] | None = ("note",)) -> Iterator[FileRow]:
    text = textfiles.read(path, "save it as CSV UTF-8 (in Excel: Save As, CSV UTF-8)")
    if text is None or not text.strip():
        return
    lines, separator, skipped = _dialect(text)
    reader = csv.reader(io.StringIO(lines, newline=""), strict=True, delimiter=separator)
    try:
        header = [name.strip() for name in next(reader)]
        _check_header(path, 1 + skipped, header, required, more)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _row(path, reader.line_num + skipped, header, cells)
    except csv.Error as error:
        raise ConfigError(
            f"{path}, row {reader.line_num + skipped}: not readable as CSV: {error}; close the quotes there, or save it as CSV again"
        ) from error


def _dialect(text: str) -> tuple[str, str, int]:
    """Return the text from its headings on, the separator of its cells, and the number of lines skipped before the
    headings.

    Excel writes semicolons where the comma is the decimal sign, and some programs write a first line `sep=;`. No
    heading contains one of the three separators.
    """
    lines, skipped = text.removeprefix("\ufeff"), 0
    first, _, rest = lines.partition("\n")
    if first.strip().strip('"').lower().startswith("sep="):
        lines, skipped = rest, 1
        first = rest.partition("\n")[0]
    return lines, max(",;\t", key=first.count), skipped


def _check_header(
    path: Path, number: int, header: list[str], required: tuple[str, ...], more: tuple[str, ...] | None
) -> None:
    """Refuse headings that are missing, unknown or given twice; with `more` None any others are allowed."""
    allowed = (*required, *(header if more is None else more))
    for name in required:
        if name not in header:
            raise ConfigError(f"{path}, row {number}: column {name} is missing; expected {','.join(allowed)}")
    for name in header:
        if name not in allowed or header.count(name) > 1:
            raise ConfigError(f"{path}, row {number}, column {name or '(no name)'}: not known or given twice; "
                              f"expected {','.join(allowed)}")  # fmt: skip


def _row(path: Path, number: int, header: list[str], cells: list[str]) -> FileRow:
    if len(cells) > len(header):
        raise ConfigError(
            f"{path}, row {number}: {len(cells)} cells under {len(header)} headings; remove a separator, or put the text that contains it into quotes"
        )
    return FileRow(path, number, dict(zip(header, cells, strict=False)))
