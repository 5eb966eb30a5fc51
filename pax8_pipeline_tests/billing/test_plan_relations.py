"""The relations of a plan have the columns and types of their contracts, and every text that they ask for exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pax8_pipeline.billing.planning import relations, rows
from pax8_pipeline.billing.planning.wording import PLAN_WORDS
from pax8_pipeline.billing.verdicts import ALL_VERDICTS
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import column_types, model
from pax8_pipeline_tests.support.usage_data import policy
from pax8_pipeline_tests.support.vendor_data import plan_context
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse

NEW = {"new_subscriptions": {"propose": "licences_and_lines", "clients": "propose"}}
FOLDERS = ("seats", "usage", "creations")
# Made by billing/planning/rows.py, not by a file.
INPUTS = {"verdict_classes", "trust_modes", "pending_invoices", "new_contracts"}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with empty_warehouse(tmp_path / "warehouse.duckdb").connect() as opened:
        rows.make_rows(opened, plan_context(policy=policy()))
        rows._creation_rows(opened, Policy.model_validate(NEW))
        rows._usage_rows(opened, plan_context(policy=policy()))
        yield opened


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_relation_has_the_columns_and_types_of_its_contract(folder: str, connection: Connection) -> None:
    relations.fill(connection, folder)
    made = [relation for relation in relations.relations(folder) if not relation.fills]
    different = {}
    for relation in made:
        described = connection.execute(f"DESCRIBE {relation.name}").fetchall()
        found = {(str(name), str(kind)) for name, kind, *_ in described}
        stated = set(column_types(relation, {r.name: r for r in made}).items())
        if found != stated:
            different[relation.name] = {"found": found - stated, "stated": stated - found}
    assert different == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_relation_reads_only_what_exists(folder: str) -> None:
    made = {relation.name for relation in relations.relations(folder)}
    for relation in relations.relations(folder):
        assert {name for name in relation.reads if "." not in name} <= made | INPUTS, relation.name


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_relation_that_is_left_out_while_a_table_is_empty_reads_that_table(folder: str) -> None:
    left_out = [relation for relation in relations.relations(folder) if relation.when]
    assert left_out
    for relation in left_out:
        # Its rows are an inner join of that table, or a selection of it: without the table's rows there are none.
        first = re.search(rf"FROM {re.escape(relation.when)}\b(?! [a-z] RIGHT)", relation.query)
        assert relation.when in relation.reads, relation.name
        assert first, relation.name


@pytest.mark.parametrize("name", PLAN_WORDS)
def test_every_text_is_asked_for_by_some_query(name: str) -> None:
    folder = Path(relations.__file__).parent
    raw = "\n".join(file.read_text() for file in folder.rglob("*.sql"))
    assert f"wording('{name}'" in raw


@pytest.mark.parametrize("table", list(PLAN_WORDS["record_names"]))
def test_the_tables_whose_records_are_planned_exist(table: str) -> None:
    assert model(table).query


def test_a_verdict_of_usage_is_one_by_its_name(connection: Connection) -> None:
    names = {v.name for v in ALL_VERDICTS}
    of_usage = connection.execute(
        "SELECT list(name) FROM (SELECT unnest(?) AS name) WHERE meta.is_usage(name)", [list(names)]
    )
    assert set(of_usage.fetchall()[0][0]) == {name for name in names if name.startswith("usage")}


def test_a_usage_key_is_built_and_taken_apart_in_one_place(connection: Connection) -> None:
    first, second = connection.execute(
        "SELECT meta.usage_key('2026-07', 'ab-c', NULL), meta.usage_key('2026-07', 'ab-c', 2)"
    ).fetchall()[0]
    assert (first, second) == ("PAX8-USAGE 2026-07 ab-c", "PAX8-USAGE 2026-07 ab-c-adj2")
    parts = "SELECT meta.usage_key_month(?), meta.usage_key_company(?), meta.usage_key_shown(lower(?))"
    assert connection.execute(parts, [second] * 3).fetchall() == [("2026-07", "ab-c", second)]
