"""One table for every output: named columns, rows of values, and totals; its text in Markdown, CSV and the terminal.

Other renderings read the same value: `templates/_table.html.j2` (HTML), `spreadsheet` (xlsx),
`orchestration.assets.metadata` (Dagster).
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from rich.cells import cell_len

from pax8_pipeline.reports import formatting
from pax8_pipeline.text import plaintext

Kind = Literal["text", "id", "money", "count", "date", "percent", "links"]
Row = Mapping[str, Any]

_RIGHT: tuple[Kind, ...] = ("money", "count", "percent")
_GAP = "  "


@dataclass(frozen=True)
class Column:
    """One column: the member of a row that it shows, its heading, and the kind of its values.

    `signed`: money with a plus or minus sign. `unknown`: the text of an empty value. `size`: wide for sentences, short for
    a word that is never broken.
    """

    name: str
    title: str
    kind: Kind = "text"
    signed: bool = False
    unknown: str = ""
    size: Literal["", "wide", "short"] = ""

    @property
    def right(self) -> bool:
        """True when the column is aligned to the right."""
        return self.kind in _RIGHT

    def text(self, row: Row) -> str:
        """Return the value of this column in a row, as people read it and not escaped for anything."""
        value = row.get(self.name)
        if value is None:
            return self.unknown
        if self.kind == "links":
            return ", ".join(link.text for link in value)
        if self.kind == "money" and isinstance(value, (Decimal, int)):
            return formatting.money(Decimal(value), signed=self.signed)
        if self.kind == "percent" and isinstance(value, (Decimal, int)):
            return formatting.percent(Decimal(value))
        if self.kind == "count" and isinstance(value, (Decimal, int)):
            return formatting.number(value)
        return formatting.plain(value)


@dataclass(frozen=True)
class Table:
    """A table: what it shows (`title`), its columns, its rows, and rows of totals below them."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    totals: Sequence[Row] = ()

    def without_empty_columns(self) -> Table:
        """Return the table without the columns that have no text in any row."""
        shown = [column for column in self.columns if any(column.text(row) for row in self.rows)]
        return replace(self, columns=shown or self.columns)


def plain_table(title: str, rows: Sequence[Row], names: Sequence[str] | None = None) -> Table:
    """Return rows of a query as a table: each column named as in the query, each value as text."""
    return Table(title, [Column(name, name) for name in names or (rows[0] if rows else ())], rows)


def totals_by_currency(
    rows: Sequence[Row], columns: Sequence[Column], label: str, also_by: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return one row of totals for each currency: amounts of two currencies are never added.

    A column of money with an unknown value in one of its rows has no total. `label` is the column that says "Total";
    `also_by` names further members whose amounts are not added, such as once and a month.
    """
    names = ("currency", *also_by)
    parts: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        parts[tuple(str(row.get(name) or "?") for name in names)].append(row)
    totals = []
    for key, of_currency in sorted(parts.items()):
        total: dict[str, Any] = {label: "Total", **dict(zip(names, key, strict=True))}
        for column in columns:
            if column.kind == "money":
                values = [row.get(column.name) for row in of_currency]
                known = [value for value in values if value is not None]
                total[column.name] = sum(known, Decimal(0)) if len(known) == len(values) else None
            if column.kind == "count":
                total[column.name] = sum((row.get(column.name) or 0) for row in of_currency)
        totals.append(total)
    return totals


def markdown(table: Table, limit: int | None = None, more: str = "{count} more rows") -> str:
    """Return a table as Markdown. After `limit` rows it ends with `more`, in which {count} is the number of the others."""
    if not table.rows:
        return "(no rows)"
    shown = table.rows if limit is None else table.rows[:limit]
    lines = [_markdown_row(column.title for column in table.columns)]
    lines.append("|" + "|".join("---:" if column.right else "---" for column in table.columns) + "|")
    rows = [*shown, *(table.totals if len(shown) == len(table.rows) else ())]
    lines += [_markdown_row(plaintext.markdown(column.text(row)) for column in table.columns) for row in rows]
    if len(shown) < len(table.rows):
        lines.append(f"\n{more.format(count=formatting.count(len(table.rows) - len(shown)))}")
    return "\n".join(lines)


def _markdown_row(cells: Iterator[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def csv_text(table: Table) -> str:
    """Return a table as CSV for programs and spreadsheets: exact numbers, and no text that a spreadsheet would run."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.title for column in table.columns])
    for row in table.rows:
        writer.writerow([_csv_value(row.get(column.name)) for column in table.columns])
    return out.getvalue()


def _csv_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return formatting.plain(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return plaintext.csv_cell(str(value))


def text_lines(table: Table, width: int) -> list[str]:
    """Return a table as lines of at most `width` cells, for a terminal. No word is ever cut.

    Where the columns do not fit beside each other, each row is a block of its own, one value a line.
    """
    cells = [[plaintext.one_line(column.text(row)) for column in table.columns] for row in (*table.rows, *table.totals)]
    widths = _column_widths(table.columns, cells, width)
    if widths is None:
        return list(_blocks(table.columns, cells, width))
    titles = [column.title for column in table.columns]
    lines = [*_wrapped(table.columns, titles, widths), _GAP.join("-" * size for size in widths)]
    for row in cells:
        lines += _wrapped(table.columns, row, widths)
    return lines


def _column_widths(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Return how wide each column is, None when they do not fit beside each other."""
    # Only text may take several lines: an amount or an id that is broken cannot be read.
    texts = [[column.title, *(row[place] for row in cells)] for place, column in enumerate(columns)]
    widest = [max(map(cell_len, values)) for values in texts]
    least = [
        max(
            cell_len(word) for value in values for word in (value.split() if column.kind == "text" else [value]) or [""]
        )
        for column, values in zip(columns, texts, strict=True)
    ]
    room = width - len(_GAP) * (len(columns) - 1)
    if sum(least) > room:
        return None
    sizes = list(least)
    while (spare := room - sum(sizes)) > 0:
        growing = [place for place, size in enumerate(sizes) if size < widest[place]]
        if not growing:
            break
        for place in growing:
            sizes[place] += min(max(spare // len(growing), 1), widest[place] - sizes[place], room - sum(sizes))
    return sizes


def _wrapped(columns: Sequence[Column], values: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Give one row as lines: long texts go on below themselves."""
    parts = [_wrap(value, size) for value, size in zip(values, widths, strict=True)]
    for number in range(max(map(len, parts))):
        cells = [
            _aligned(part[number] if number < len(part) else "", size, column.right)
            for column, part, size in zip(columns, parts, widths, strict=True)
        ]
        yield _GAP.join(cells).rstrip()


def _wrap(value: str, size: int) -> list[str]:
    lines = [""]
    for word in value.split():
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(joined) <= size or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


def _aligned(text: str, size: int, right: bool) -> str:
    blanks = " " * max(0, size - cell_len(text))
    return blanks + text if right else text + blanks


def _blocks(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    indent = max(cell_len(column.title) for column in columns) + 2
    longest = max((cell_len(word) for row in cells for value in row for word in value.split()), default=0)
    beside = indent + longest <= width
    for row in cells:
        for column, value in zip(columns, row, strict=True):
            head = f"{column.title}:"
            if value and beside:
                first, *others = _wrap(value, width - indent)
                yield f"{head.ljust(indent)}{first}"
                yield from (" " * indent + line for line in others)
            elif value:
                yield head
                yield from (f"  {line}" for line in _wrap(value, width - 2))
        yield ""
