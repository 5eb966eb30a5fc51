"""Writes a month-end pack into a folder: pages, spreadsheet, CSV, Parquet, and a list of their checksums."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pax8_pipeline.errors import PipelineError, os_error_sentence
from pax8_pipeline.reports.month.pack import pages
from pax8_pipeline.reports.month.pack.sheets import FilledSheet, fill
from pax8_pipeline.reports.month.result import MonthResult
from pax8_pipeline.reports.spreadsheet import Sheet, write_workbook
from pax8_pipeline.reports.table import csv_text
from pax8_pipeline.text import textfiles
from pax8_pipeline.text.private_files import make_folder
from pax8_pipeline.warehouse.connection import Connection, quoted

SUMS = "SHA256SUMS"


def write_pack(connection: Connection, result: MonthResult, folder: Path) -> list[Path]:
    """Write the pack of a compared month, and return its files. Files of the same names are replaced.

    The sign-off page and SHA256SUMS name the checksum of every other file. Raises PipelineError with the file and the reason
    when one cannot be written.
    """
    filled = list(fill(connection, result))
    book, report = folder / f"month-{result.month}.xlsx", folder / f"month-{result.month}.html"
    for place in (folder, folder / "csv", folder / "parquet"):
        make_folder(place)
    write_workbook(book, [Sheet(one.table.title, one.table) for one in filled])
    textfiles.write(report, pages.report(result, {one.table.title: one.table for one in filled}))
    files = [report, book, *(path for one in filled for path in _data(connection, one, folder))]
    sums = {path.relative_to(folder).as_posix(): _checksum(path) for path in files}
    sign_off = folder / f"sign-off-{result.month}.html"
    textfiles.write(sign_off, pages.sign_off(result, sums))
    sums[sign_off.name] = _checksum(sign_off)
    textfiles.write(folder / SUMS, "".join(f"{checksum}  {name}\n" for name, checksum in sums.items()))
    return [*files, sign_off, folder / SUMS]


def _data(connection: Connection, filled: FilledSheet, folder: Path) -> tuple[Path, Path]:
    """Write one sheet as CSV and as Parquet, in which money is DECIMAL."""
    name = filled.sheet.file
    csv, parquet = folder / "csv" / f"{name}.csv", folder / "parquet" / f"{name}.parquet"
    textfiles.write(csv, csv_text(filled.table))
    connection.execute(f"COPY {filled.relation} TO '{quoted(parquet)}' (FORMAT parquet)")
    return csv, parquet


def _checksum(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise PipelineError(os_error_sentence(error, path)) from error
