"""Turns rows and tables into metadata that Dagster's UI shows.

Contains: Markdown and tables of the UI. Does not contain: queries, the formats of values (`reports.formatting`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from pax8_pipeline.reports import table as tables
from pax8_pipeline.reports.formatting import amounts as money
from pax8_pipeline.reports.formatting import plain

Row = Mapping[str, Any]

__all__ = ["counts", "markdown", "money", "plain", "table"]


def markdown(rows: Sequence[Row], columns: Sequence[str] | None = None) -> str:
    """Return rows as a Markdown table, each column named as in the query."""
    return tables.markdown(tables.plain_table("", rows, columns))


def table(rows: Sequence[Row], columns: Sequence[str] | None = None) -> dg.TableMetadataValue:
    """Return rows as a table of the UI; numbers as text, exactly as they are."""
    names = list(columns or (rows[0] if rows else ("nothing",)))
    return table_value(tables.plain_table("", rows, names))


def table_value(shown: tables.Table) -> dg.TableMetadataValue:
    """Return a table of a report as a table of the UI."""
    records = [dg.TableRecord({column.title: column.text(row) for column in shown.columns}) for row in shown.rows]
    schema = dg.TableSchema(columns=[dg.TableColumn(column.title, "string") for column in shown.columns])
    return dg.MetadataValue.table(records=records, schema=schema)


def counts(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return metadata that counts each name."""
    return {name: int(number) for name, number in pairs}
