"""Writes tables as a spreadsheet (xlsx): one sheet for each, with fixed headings, filters and currency formats.

Contains: cells. Does not contain: which sheets a workbook has (`workbook`). Text is text: a name that begins with a sign
of a formula is never run, and an id keeps its digits.

openpyxl makes everything but the rows: a month of a large tenant has more than a million cells, for which it takes
minutes and a gigabyte. The rows are written here, one after the other, into the sheets that it made. It is imported when
a file is written, not before.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from pax8_pipeline.errors import PipelineError, os_error_sentence
from pax8_pipeline.reports.table import Column, Row, Table
from pax8_pipeline.text import plaintext

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_FORMULA = ("=", "+", "-", "@")
_WIDEST = 60
# The longest text of a cell in Excel.
_LONGEST = 32767
_CURRENCY = re.compile("[A-Z]{3}")
_ROWS = re.compile(rb"<sheetData>.*</sheetData>|<sheetData ?/>", re.DOTALL)
_DIMENSION = re.compile(rb"<dimension [^>]*/>")
_AT_ONCE = 1000


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name, and the table that it shows."""

    name: str
    table: Table


def write_workbook(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write sheets into a new file. Raises PipelineError naming the file and the reason when it cannot be written."""
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.remove(workbook.active)
    for sheet in sheets:
        _set_up(workbook.create_sheet(sheet.name), sheet.table)
    try:
        _save(path, workbook, sheets)
    except OSError as error:
        raise PipelineError(os_error_sentence(error, path)) from error


def _set_up(sheet: Worksheet, table: Table) -> None:
    """Set all that a sheet has besides its rows: widths, fixed headings, filter, and how it is printed."""
    from openpyxl.utils import get_column_letter

    for place, column in enumerate(table.columns, 1):
        shown = [*table.rows[:500], *table.totals]
        # The format of an amount adds its currency, which a narrow column would show as ###.
        longest = max((len(column.text(row)) for row in shown), default=0) + (4 if column.kind == "money" else 0)
        sheet.column_dimensions[get_column_letter(place)].width = min(max(longest, len(column.title)) + 3, _WIDEST)
    sheet.freeze_panes = "B2"
    # Printed: all columns on one page, the headings on every page.
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
    last = get_column_letter(max(len(table.columns), 1))
    # The totals are below the filter's range: a filter never hides them.
    sheet.auto_filter.ref = f"A1:{last}{len(table.rows) + 1}"


def _save(path: Path, workbook: Workbook, sheets: Sequence[Sheet]) -> None:
    """Write the workbook with its rows. The styles of the cells are known only when these are written, so the other parts
    are taken from a second save.
    """
    parts = _parts_of(workbook)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for number, sheet in enumerate(sheets, 1):
            name = f"xl/worksheets/sheet{number}.xml"
            before, after = _ROWS.split(_DIMENSION.sub(b"", parts[name]))
            with book.open(name, "w", force_zip64=True) as file:
                file.write(before + b"<sheetData>")
                rows = _rows(_Styles(workbook.worksheets[number - 1]), sheet.table)
                while some := "".join(islice(rows, _AT_ONCE)):
                    file.write(some.encode())
                file.write(b"</sheetData>" + after)
        for name, content in _parts_of(workbook).items():
            if not name.startswith("xl/worksheets/sheet"):
                book.writestr(name, content)


def _parts_of(workbook: Workbook) -> dict[str, bytes]:
    saved = io.BytesIO()
    workbook.save(saved)
    with zipfile.ZipFile(saved) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


@dataclass(frozen=True)
class _Styles:
    """The numbers of the styles that cells of a workbook have; each is added to the workbook at its first use."""

    sheet: Worksheet
    known: dict[tuple[str, bool, bool], int] = field(default_factory=dict)

    def number(self, number_format: str, *, bold: bool, quoted: bool = False) -> int:
        """Return the number of a style. `quoted`: it stays text when somebody edits the cell."""
        key = (number_format, bold, quoted)
        if key not in self.known:
            self.known[key] = self._added(*key)
        return self.known[key]

    def _added(self, number_format: str, bold: bool, quoted: bool) -> int:
        from openpyxl.cell import Cell
        from openpyxl.styles import Font

        cell = Cell(self.sheet, row=1, column=1)
        cell.number_format, cell.quotePrefix = number_format, quoted
        if bold:
            cell.font = Font(bold=True)
        return int(cell.style_id)


def _rows(styles: _Styles, table: Table) -> Iterator[str]:
    """Give the heading, the rows and the totals of a table as XML."""
    from openpyxl.utils import get_column_letter

    places = [(get_column_letter(place), column) for place, column in enumerate(table.columns, 1)]
    heads = (_text(f"{letter}1", column.title, styles, bold=True) for letter, column in places)
    yield f'<row r="1">{"".join(heads)}</row>'
    first_total = len(table.rows) + 2
    for number, row in enumerate(chain(table.rows, table.totals), 2):
        bold = number >= first_total
        cells = "".join(_cell(f"{letter}{number}", column, row, styles, bold=bold) for letter, column in places)
        yield f'<row r="{number}">{cells}</row>'


def _cell(place: str, column: Column, row: Row, styles: _Styles, *, bold: bool) -> str:
    value = row.get(column.name)
    if (
        column.kind in ("money", "count", "percent")
        and isinstance(value, (Decimal, int))
        and not isinstance(value, bool)
    ):
        shown = format(round(value, 6), "f") if isinstance(value, Decimal) else str(value)
        style = styles.number(_number_format(column, str(row.get("currency") or "")), bold=bold)
        return f'<c r="{place}" s="{style}"><v>{shown}</v></c>'
    if isinstance(value, (date, datetime)):
        style = styles.number("yyyy-mm-dd", bold=bold)
        return f'<c r="{place}" s="{style}"><v>{_days(value)}</v></c>'
    return _text(place, column.text(row), styles, bold=bold)


def _days(moment: date) -> Any:
    """Return a date as spreadsheets count them."""
    from openpyxl.utils.datetime import to_excel

    return to_excel(moment)


def _number_format(column: Column, currency: str) -> str:
    if column.kind == "count":
        return "#,##0.######"
    if column.kind == "percent":
        return '0.0" %"'
    return f'#,##0.00" {currency}"' if _CURRENCY.fullmatch(currency) else "#,##0.00"


def _text(place: str, text: str, styles: _Styles, *, bold: bool) -> str:
    """Return a cell with text as text: also a formula, and also digits."""
    shown = plaintext.show_hidden(text)[:_LONGEST]
    if not shown:
        return ""
    style = styles.number("@", bold=bold, quoted=shown.lstrip().startswith(_FORMULA))
    return f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(shown)}</t></is></c>'
