"""Each contract says what its query gives: the columns of every table and step, their types, and what they read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse import build
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import Model, all_views, column_types, in_order, load_sql, model, parse_model
from pax8_pipeline.warehouse.wording import WORDS, choice, with_words
from pax8_pipeline_tests.support.vendor_data import TODAY
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse

STEPPED = [table for table in (*build.STAGING, *build.RECONCILED, *build.MONTHLY) if model(table).steps]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return empty_warehouse(tmp_path_factory.mktemp("contracts") / "warehouse.duckdb")


@pytest.fixture
def connection(warehouse: Warehouse) -> Iterator[Connection]:
    with warehouse.connect() as opened:
        for name, value in {**build.variables(TODAY, Policy()), "month": f"{TODAY:%Y-%m}"}.items():
            opened.execute(f"SET VARIABLE {name} = ?", [value])
        yield opened


@pytest.mark.parametrize("table", STEPPED)
def test_each_step_has_the_columns_and_types_of_its_contract(table: str, connection: Connection) -> None:
    steps = model(table).steps
    build.make_temporary(connection, steps)
    different = {}
    for step in steps:
        described = connection.execute(f"DESCRIBE {step.name}").fetchall()
        found = {(str(name), str(kind).replace('"', "")) for name, kind, *_ in described}
        stated = set(column_types(step, {s.name: s for s in steps}).items())
        if found != stated:
            different[step.name] = {"found": found - stated, "stated": stated - found}
    assert different == {}


@pytest.mark.parametrize("view", all_views(), ids=lambda view: view.table)
def test_each_view_has_the_columns_and_types_of_its_contract(view: Model, connection: Connection) -> None:
    described = connection.execute(f"DESCRIBE {view.table}").fetchall()
    found = {(str(name), str(kind)) for name, kind, *_ in described}
    assert found == set(column_types(view, {v.table: v for v in all_views()}).items())


@pytest.mark.parametrize("table", [*build.STAGING, *build.RECONCILED, *build.MONTHLY])
def test_each_table_reads_only_what_exists(table: str) -> None:
    contract = model(table)
    steps = {step.name for step in contract.steps}
    for part in (contract, *contract.steps):
        assert {name for name in part.reads if "." not in name} <= steps, part.table


@pytest.mark.parametrize("table", [*build.STAGING, *build.RECONCILED])
def test_a_query_states_each_variable_that_it_reads(table: str) -> None:
    contract = model(table)
    sql = "\n".join(contract.queries)
    assert sql.count("getvariable") == sum(sql.count(f"getvariable('{name}')") for name in contract.variables)
    assert set(contract.variables) <= set(build.variables(TODAY, Policy()))


@pytest.mark.parametrize("file", ["functions.sql", "views/newest.sql", "views/newest_usage.sql"])
def test_what_every_query_may_use_reads_no_variable(file: str) -> None:
    assert "getvariable" not in load_sql(f"warehouse/sql/{file}")


def test_a_line_of_a_contract_may_go_on() -> None:
    text = "/* Rows.\n\nkey: id\nreads: staging.a,\n  staging.b\n| id | BIGINT | What it is\n  | staging.a.id,\n  staging.b.id |\n*/"
    made = parse_model("staging", "x", text)
    assert made.reads == ("staging.a", "staging.b")
    assert made.columns[0].sources == ("staging.a.id", "staging.b.id")


def test_steps_stand_behind_what_they_read() -> None:
    parts = [
        parse_model("", name, f"/* {name}.\n\nreads: {reads}\n| id | BIGINT | Id |\n*/ SELECT 1 AS id")
        for name, reads in (("c", "b"), ("a", "staging.x"), ("b", "a"))
    ]
    assert [step.name for step in in_order(parts)] == ["a", "b", "c"]


def test_steps_that_read_each_other_are_refused() -> None:
    parts = [
        parse_model("", name, f"/* {name}.\n\nreads: {reads}\n| id | BIGINT | Id |\n*/ SELECT 1 AS id")
        for name, reads in (("a", "b"), ("b", "a"))
    ]
    with pytest.raises(ValueError, match="in a circle: a, b"):
        in_order(parts)


def test_a_text_takes_values_of_its_row(connection: Connection) -> None:
    texts = {"a": "it's {n} of {m|(none)}", "b": "{q:plain} seats", "c": "plain"}
    query = f"SELECT {choice('name', texts)} FROM (VALUES ('a', 1, 2.50), ('b', 1, 2.50), ('c', 1, 2.50), ('d', 1, 2.50)) t(name, n, q), (SELECT NULL AS m)"
    assert connection.execute(query).fetchall() == [("it's 1 of (none)",), ("2.5 seats",), ("plain",), (None,)]


def test_a_query_asks_for_words_that_exist() -> None:
    with pytest.raises(KeyError):
        with_words("SELECT wording('no_such_texts', x)")


@pytest.mark.parametrize("name", WORDS)
def test_every_text_is_asked_for_by_some_query(name: str) -> None:
    folder = Path(build.__file__).parent / "sql"
    raw = "\n".join(file.read_text() for file in folder.rglob("*.sql"))
    assert f"wording('{name}'" in raw
    for text_name in WORDS[name]:
        assert f"'{text_name}'" in raw, text_name
