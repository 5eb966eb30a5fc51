"""Writes tables as a spreadsheet (xlsx): one sheet for each, with fixed headings, filters and currency formats.

Contains: cells. Does not contain: which sheets a workbook has (`workbook`). Text is text: a name that begins with a sign
of a formula is never run, and an id keeps its digits. openpyxl is imported when a file is written, not before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pax8_pipeline.errors import PipelineError, os_error_sentence
from pax8_pipeline.reports.table import Column, Row, Table
from pax8_pipeline.text import plaintext

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

_FORMULA = ("=", "+", "-", "@")
_WIDEST = 60
_CURRENCY = re.compile("[A-Z]{3}")


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
        _fill(workbook.create_sheet(sheet.name), sheet.table)
    try:
        workbook.save(path)
    except OSError as error:
        raise PipelineError(os_error_sentence(error, path)) from error


def _fill(sheet: Worksheet, table: Table) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    bold = Font(bold=True)
    for place, column in enumerate(table.columns, 1):
        _text(sheet.cell(1, place), column.title)
        sheet.cell(1, place).font = bold
    rows = [*table.rows, *table.totals]
    for number, row in enumerate(rows, 2):
        for place, column in enumerate(table.columns, 1):
            _value(sheet.cell(number, place), column, row)
            if number > len(table.rows) + 1:
                sheet.cell(number, place).font = bold
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


def _value(cell: Cell, column: Column, row: Row) -> None:
    value = row.get(column.name)
    if (
        column.kind in ("money", "count", "percent")
        and isinstance(value, (Decimal, int))
        and not isinstance(value, bool)
    ):
        cell.value = round(value, 6) if isinstance(value, Decimal) else value
        cell.number_format = _number_format(column, str(row.get("currency") or ""))
    elif isinstance(value, (date, datetime)):
        cell.value = value
        cell.number_format = "yyyy-mm-dd"
    else:
        _text(cell, column.text(row))


def _number_format(column: Column, currency: str) -> str:
    if column.kind == "count":
        return "#,##0.######"
    if column.kind == "percent":
        return '0.0" %"'
    return f'#,##0.00" {currency}"' if _CURRENCY.fullmatch(currency) else "#,##0.00"


def _text(cell: Cell, text: str) -> None:
    """Put text into a cell as text: also a formula, and also digits."""
    shown: Any = plaintext.show_hidden(text)
    if not shown:
        return
    cell.value = shown
    cell.data_type = "s"
    cell.number_format = "@"
    # Stays text when somebody edits the cell.
    cell.quotePrefix = shown.lstrip().startswith(_FORMULA)
