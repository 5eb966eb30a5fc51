"""Reads the SQL files of `warehouse/sql`: one file for each table, its contract in the comment on top.

Contains: parsing that comment into description, key, dependencies and typed columns, from which the DDL, the Dagster
column schema, the column lineage and the basic checks are all derived, so that none of them can drift. Does not contain:
running SQL (`connection`, `build`). A file looks like this:

    /* What one row is.

    key: subscription_id
    reads: staging.subscriptions, staging.products
    | subscription_id | VARCHAR not null | Pax8 id, lower case | staging.subscriptions.subscription_id |
    */
    SELECT ...

The fourth cell names where the column comes from (`schema.table.column`, several with commas). A line that begins with
`|`, or with `reads:`, may go on in the next line. A file without a query describes a table that is written row by row
(raw, ledger).

A large table is built in steps: the files of the folder that has its name (`reconciled/subscriptions/*.sql`). A step is a
temporary table with a contract of its own. `extends: <table>` says that it has all columns of that table too, so that its
contract states what it adds. `fills: <table>` says that its rows are added to that table, by name of column; `when: <table>`
that there are none while that table is empty, so that its query need not be planned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from pax8_pipeline.warehouse.wording import WORDS, with_words


@dataclass(frozen=True)
class ModelColumn:
    """One column: its DuckDB type, what it holds, and the `schema.table.column` names it is made from."""

    name: str
    type: str
    not_null: bool
    about: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """One table of the warehouse. `query` is empty for tables that are appended to.

    `reads`: the tables and steps that its query reads. `extends`: the table whose columns it has too, empty for most.
    `fills`: the table that its rows are added to, by name of column; `when`: the table without whose rows it has none. `steps`: the temporary tables that must be made before its query runs, in this order.
    """

    schema: str
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[ModelColumn, ...]
    query: str
    reads: tuple[str, ...] = ()
    extends: str = ""
    fills: str = ""
    when: str = ""
    steps: tuple[Model, ...] = ()

    @property
    def table(self) -> str:
        """The qualified name, schema.name; of a step its name alone."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names in the order of the contract."""
        return tuple(c.name for c in self.columns)

    @property
    def queries(self) -> tuple[str, ...]:
        """The queries of its steps and its own."""
        return (*(step.query for step in self.steps), self.query)

    @property
    def tables_read(self) -> tuple[str, ...]:
        """The tables of the warehouse that it and its steps read, in order of their first mention."""
        read = [name for part in (self, *self.steps) for name in part.reads if "." in name]
        return tuple(dict.fromkeys(read))

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The names that its queries read by getvariable(), in alphabetical order."""
        return tuple(sorted({name for query in self.queries for name in _VARIABLE.findall(query)}))

    def ddl(self, *, replace: bool) -> str:
        """Return CREATE TABLE with every type stated: nothing is left to inference from the first rows."""
        columns = ", ".join(f'"{c.name}" {c.type}{" NOT NULL" if c.not_null else ""}' for c in self.columns)
        how = "CREATE OR REPLACE TABLE" if replace else "CREATE TABLE IF NOT EXISTS"
        return f"{how} {self.table} ({columns})"


_VARIABLE = re.compile(r"getvariable\('(\w+)'\)")
_WORDS = ("key", "reads", "extends", "fills", "when")
_HEAD = re.compile(r"\A\s*/\*(?P<head>.*?)\*/(?P<query>.*)\Z", re.DOTALL)


def parse_model(
    schema: str, name: str, text: str, steps: Sequence[Model] = (), words: Mapping[str, Mapping[str, str]] = WORDS
) -> Model:
    """Turn one SQL file into a Model; `words` are the texts that its query asks for.

    Raises ValueError naming the table when the contract cannot be read.
    """
    table = f"{schema}.{name}"
    match = _HEAD.match(text)
    if not match:
        raise ValueError(f"{table}: the file must begin with its contract in /* */")
    lines = _whole_lines(match["head"])
    columns = tuple(_column(table, line) for line in lines if line.startswith("|"))
    stated = {word: line[len(word) + 1 :].strip() for line in lines for word in _WORDS if line.startswith(f"{word}:")}
    prose = [line for line in lines if not line.startswith(("|", *(f"{word}:" for word in _WORDS)))]
    if not columns and not {"fills", "extends"} & set(stated):
        raise ValueError(f"{table}: the contract names no column")
    return Model(
        schema=schema,
        name=name,
        description=" ".join(" ".join(prose).split()),
        key=_names(stated.get("key", "")),
        columns=columns,
        query=with_words(match["query"].strip(), words),
        reads=_names(stated.get("reads", "")),
        extends=stated.get("extends", ""),
        fills=stated.get("fills", ""),
        when=stated.get("when", ""),
        steps=tuple(steps),
    )


def _whole_lines(head: str) -> list[str]:
    """Put lines together that go on in the next one: a column up to its last `|`, a list of names after a comma."""
    lines: list[str] = []
    for line in (line.strip() for line in head.strip().splitlines()):
        last = lines[-1] if lines else ""
        open_column = (last.startswith("|") and not last.endswith("|")) or last == "|"
        open_list = last.startswith("reads:") and last.endswith(",")
        if lines and (open_column or open_list):
            lines[-1] = f"{last} {line}"
        else:
            lines.append(line)
    return lines


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _column(table: str, line: str) -> ModelColumn:
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    if len(cells) not in (3, 4):
        raise ValueError(f"{table}: a column line has {len(cells)} cells, wanted 3 or 4: {line}")
    name, type_, about = cells[:3]
    sources = tuple(s.strip() for s in cells[3].split(",") if s.strip()) if len(cells) == 4 else ()
    not_null = type_.lower().endswith(" not null")
    return ModelColumn(name, type_[: -len(" not null")] if not_null else type_, not_null, about, sources)


RAW_TABLES: dict[str, tuple[str, ...]] = {
    "pax8": (
        "companies", "products", "subscriptions", "usage_summaries", "usage_lines", "invoices", "invoice_items",
        "draft_items", "subscription_history",
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
                    name = file.name[:-4]
                    steps = _steps(folder.joinpath(name))
                    model = parse_model(folder.name, name, file.read_text(encoding="utf-8"), steps)
                    models[model.table] = model
    raw = _sql().joinpath("raw.sql").read_text(encoding="utf-8")
    for schema, names in RAW_TABLES.items():
        for name in names:
            models[f"{schema}.{name}"] = parse_model(schema, name, raw)
    return models


@cache
def all_views() -> tuple[Model, ...]:
    """Return the views of schema billing, each behind those that it reads."""
    folder = _sql().joinpath("views")
    names = sorted(file.name[:-4] for file in folder.iterdir() if not file.name.startswith("newest"))
    return in_order(
        parse_model("billing", name, folder.joinpath(f"{name}.sql").read_text(encoding="utf-8")) for name in names
    )


def view_ddl(name: str) -> str:
    """Return the statement that makes a view of schema billing. Raises StopIteration for an unknown name."""
    view = next(view for view in all_views() if view.name == name)
    return f"CREATE OR REPLACE VIEW {view.table} AS {view.query}"


def _steps(folder: Traversable) -> tuple[Model, ...]:
    """Return the steps of a folder in the order in which they can be made; none where there is no folder."""
    if not folder.is_dir():
        return ()
    return in_order(
        parse_model("", file.name[:-4], file.read_text(encoding="utf-8"))
        for file in sorted(folder.iterdir(), key=lambda f: f.name)
        if file.name.endswith(".sql")
    )


def in_order(models: Iterable[Model]) -> tuple[Model, ...]:
    """Return models so that each stands behind those that it reads. Raises ValueError for a circle."""
    left = {model.table: model for model in models}
    ordered: list[Model] = []
    while left:
        ready = [model for model in left.values() if not any(name in left for name in model.reads)]
        if not ready:
            raise ValueError(f"these read each other in a circle: {', '.join(left)}")
        ordered += [left.pop(model.table) for model in ready]
    return tuple(ordered)


def model(table: str) -> Model:
    """Return the contract of one table or view (`schema.name`). Raises KeyError if there is none."""
    found = all_models().get(table) or next((view for view in all_views() if view.table == table), None)
    if found is None:
        raise KeyError(table)
    return found


def column_types(contract: Model, others: Mapping[str, Model]) -> dict[str, str]:
    """Return the types of all columns that a contract states, by name, those of what it extends first.

    `others` are the steps that it may extend, by name.
    """
    base = others.get(contract.extends) or (model(contract.extends) if contract.extends else None)
    inherited = column_types(base, others) if base else {}
    return inherited | {column.name: column.type for column in contract.columns}


def load_sql(path: str) -> str:
    """Return the text of one SQL file that is not a table, for example `billing/ledger/settle.sql`."""
    return files("pax8_pipeline").joinpath(path).read_text(encoding="utf-8")


def _sql() -> Traversable:
    return files("pax8_pipeline.warehouse").joinpath("sql")
