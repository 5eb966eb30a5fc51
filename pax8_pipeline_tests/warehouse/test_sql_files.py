"""The SQL files: no line is too wide, and what a contract says its query reads is what the query reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

import pax8_pipeline
from pax8_pipeline.billing.planning import relations
from pax8_pipeline.warehouse.models import Model, all_models, all_views

ROOT = Path(pax8_pipeline.__file__).parent
WIDEST = 120
# Queries of these rooms fit on a screen, without their contracts.
ONE_SCREEN = 72
STEPPED = (
    *(f"warehouse/sql/reconciled/{table}" for table in ("client_matches", "subscriptions", "discrepancies", "usage")),
    "warehouse/sql/monthly/rows",
    "billing/planning",
)


def contracts() -> Iterator[Model]:
    """Every query with a contract: tables, their steps, views, and the relations of a plan."""
    for model in all_models().values():
        if model.query:
            yield from (*model.steps, model)
    yield from all_views()
    for folder in ("seats", "usage"):
        yield from relations.relations(folder)


CONTRACTS = {f"{model.table} {number}": model for number, model in enumerate(contracts())}


@cache
def parsed(query: str) -> exp.Expr:
    return sqlglot.parse_one(query, dialect="duckdb")


def tables_in(query: str) -> set[str]:
    """The tables that a query reads, by sqlglot; names of its own WITH are none."""
    tree = parsed(query)
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    names = set()
    for table in tree.find_all(exp.Table):
        name = f"{table.db}.{table.name}" if table.db else table.name
        if name and name not in own and not isinstance(table.this, exp.Func):
            names.add(name)
    return names


@pytest.mark.parametrize("file", sorted(ROOT.rglob("*.sql")), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_line_of_sql_is_wider_than_a_page(file: Path) -> None:
    wide = {n: len(line) for n, line in enumerate(file.read_text().splitlines(), 1) if len(line) > WIDEST}
    assert wide == {}


@pytest.mark.parametrize("folder", STEPPED)
def test_a_query_of_the_plan_and_of_what_it_compares_fits_on_a_screen(folder: str) -> None:
    files = [*(ROOT / folder).rglob("*.sql"), *(ROOT / folder).parent.glob(f"{Path(folder).name}.sql")]
    assert files
    lines = {str(file.relative_to(ROOT)): len(_query(file).splitlines()) for file in files}
    assert {name: count for name, count in lines.items() if count > ONE_SCREEN} == {}


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_contract_names_the_tables_that_its_query_reads(name: str) -> None:
    model = CONTRACTS[name]
    assert set(model.reads) == tables_in(model.query)


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_column_is_said_to_come_from_columns_that_its_query_takes(name: str) -> None:
    model = CONTRACTS[name]
    raw = ("pax8.", "halo.")  # a vendor's object is one column, payload, and is read through the views of schema newest
    queries = [parsed(query) for query in model.queries]
    taken = {column.name.lower() for query in queries for column in query.find_all(exp.Column)}
    everything = any(_takes_all_columns(query) for query in queries)
    for column in model.columns:
        for source in column.sources:
            table, _, source_column = source.rpartition(".")
            if not table.startswith(raw):
                assert table in {*model.reads, *model.tables_read}, f"{column.name}: {source}"
                assert source_column.lower() in taken or everything, f"{column.name}: {source}"


def test_a_contract_that_names_a_table_too_few_or_a_column_too_many_is_found() -> None:
    assert tables_in("WITH a AS (SELECT x FROM staging.b) SELECT a.x FROM a JOIN temporary USING (x)") == {
        "staging.b",
        "temporary",
    }
    assert not _takes_all_columns(parsed("SELECT count(*) AS n FROM staging.b"))
    assert _takes_all_columns(parsed("SELECT b.*, 1 AS n FROM staging.b AS b"))


def _takes_all_columns(query: exp.Expr) -> bool:
    """True for a query with `*` or `x.*` among what it selects; that of count(*) is none."""
    return any(isinstance(star.parent, (exp.Select, exp.Column)) for star in query.find_all(exp.Star))


def _query(file: Path) -> str:
    return re.sub(r"\A\s*/\*.*?\*/", "", file.read_text(), flags=re.DOTALL).strip()
