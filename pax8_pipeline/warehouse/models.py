"""Reads the SQL files of `warehouse/sql`: one file per table, its contract in the comment on top.

Here belongs: parsing that comment into description, key and typed columns, from which the DDL, the Dagster column
schema, the column lineage and the basic checks are all derived, so that none of them can drift. Not here: running
SQL (`connection`, `build`). A file looks like this:

    /* What one row is.

    key: subscription_id
    | subscription_id | VARCHAR not null | Pax8 id, lower case | pax8.subscriptions.payload |
    */
    SELECT ...

The fourth cell names where the column comes from (`schema.table.column`, several with commas). A file without a
query describes a table that is written row by row (raw, ledger).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@dataclass(frozen=True)
class Column:
    """One column: its DuckDB type, what it holds, and the `schema.table.column` names it is made from."""

    name: str
    type: str
    not_null: bool
    about: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """One table of the warehouse. `query` is empty for tables that are appended to."""

    schema: str
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    query: str

    @property
    def table(self) -> str:
        """The qualified name, schema.name."""
        return f"{self.schema}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names in the order of the contract."""
        return tuple(c.name for c in self.columns)

    def ddl(self, *, replace: bool) -> str:
        """Return CREATE TABLE with every type stated: nothing is left to inference from the first rows."""
        columns = ", ".join(f'"{c.name}" {c.type}{" NOT NULL" if c.not_null else ""}' for c in self.columns)
        how = "CREATE OR REPLACE TABLE" if replace else "CREATE TABLE IF NOT EXISTS"
        return f"{how} {self.table} ({columns})"


_HEAD = re.compile(r"\A\s*/\*(?P<head>.*?)\*/(?P<query>.*)\Z", re.DOTALL)


def parse_model(schema: str, name: str, text: str) -> Model:
    """Turn one SQL file into a Model. Raises ValueError naming the table when the contract cannot be read."""
    match = _HEAD.match(text)
    if not match:
        raise ValueError(f"{schema}.{name}: the file must begin with its contract in /* */")
    lines = [line.strip() for line in match["head"].strip().splitlines()]
    columns = tuple(_column(f"{schema}.{name}", line) for line in lines if line.startswith("|"))
    prose = [line for line in lines if not line.startswith("|") and not line.startswith("key:")]
    key = next((line[4:] for line in lines if line.startswith("key:")), "")
    if not columns:
        raise ValueError(f"{schema}.{name}: the contract names no column")
    return Model(
        schema=schema,
        name=name,
        description=" ".join(" ".join(prose).split()),
        key=tuple(part.strip() for part in key.split(",") if part.strip()),
        columns=columns,
        query=match["query"].strip(),
    )


def _column(table: str, line: str) -> Column:
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    if len(cells) not in (3, 4):
        raise ValueError(f"{table}: a column line has {len(cells)} cells, wanted 3 or 4: {line}")
    name, type_, about = cells[:3]
    sources = tuple(s.strip() for s in cells[3].split(",") if s.strip()) if len(cells) == 4 else ()
    not_null = type_.lower().endswith(" not null")
    return Column(name, type_[: -len(" not null")] if not_null else type_, not_null, about, sources)


RAW_TABLES: dict[str, tuple[str, ...]] = {
    "pax8": (
        "companies", "products", "subscriptions", "usage_summaries", "usage_lines", "invoices", "invoice_items",
    ),
    "halo": ("clients", "client_details", "items", "licences", "recurring_invoices", "invoices", "integration"),
}  # fmt: skip


@cache
def all_models() -> dict[str, Model]:
    """Return every table of the warehouse by its qualified name."""
    models: dict[str, Model] = {}
    for folder in sorted(_sql().iterdir(), key=lambda f: f.name):
        if folder.is_dir() and folder.name != "views":
            for file in sorted(folder.iterdir(), key=lambda f: f.name):
                if file.name.endswith(".sql"):
                    model = parse_model(folder.name, file.name[:-4], file.read_text(encoding="utf-8"))
                    models[model.table] = model
    raw = _sql().joinpath("raw.sql").read_text(encoding="utf-8")
    for schema, names in RAW_TABLES.items():
        for name in names:
            models[f"{schema}.{name}"] = parse_model(schema, name, raw)
    return models


def model(table: str) -> Model:
    """Return the contract of one table (`schema.name`); KeyError if there is none."""
    return all_models()[table]


def load_sql(path: str) -> str:
    """Return the text of one SQL file that is not a table, for example `billing/ledger/settle.sql`."""
    return files("pax8_pipeline").joinpath(path).read_text(encoding="utf-8")


def _sql() -> Traversable:
    return files("pax8_pipeline.warehouse").joinpath("sql")
