"""When a read is believed, and when it is kept as a record only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pax8_pipeline.errors import ServerFault
from pax8_pipeline.loading import pax8 as loading
from pax8_pipeline.loading.reads import judged, shrink_problem
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.warehouse import raw
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.loading.fakes import FakePax8, incomplete

DAY = "2026-08-20"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"PAX8_PIPELINE_DATA": str(tmp_path), "PAX8_PIPELINE_TODAY": DAY})


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse(tmp_path / "warehouse.duckdb")
    made.ensure_schema()
    return made


def read_of(rows: int, table: str = "halo.licences") -> raw.Read:
    return raw.Read(table, raw.raw_objects("/x", [{"id": n} for n in range(rows)]), "/x")


def test_a_list_that_is_not_whole_becomes_a_record_with_its_reason_and_no_objects() -> None:
    read = loading.read_list(FakePax8(faults={"companies": incomplete("GET /companies")}), "companies")
    assert not read.complete
    assert read.problem is not None
    assert "3 rows were read where 5" in read.problem
    assert (list(read.objects), read.expected) == ([], 5)


def test_any_other_failure_of_a_vendor_is_raised() -> None:
    fault = ServerFault("Pax8 answered 503", vendor="Pax8", status=503)
    with pytest.raises(ServerFault):
        loading.read_list(FakePax8(faults={"companies": fault}), "companies")


@pytest.mark.parametrize(
    ("now", "before", "refused"),
    [
        (80, 100, False),
        (79, 100, True),
        (100, 100, False),
        (120, 100, False),
        (1, 10, False),
        (8, 11, True),
        (0, None, False),
    ],
)
def test_a_read_smaller_by_more_than_the_share_is_refused(
    now: int, before: int | None, refused: bool, settings: Settings
) -> None:
    assert (shrink_problem("halo.licences", now, before, settings) is not None) is refused


@pytest.mark.parametrize("table", ["pax8.companies", "pax8.subscriptions", "halo.clients"])
def test_an_empty_core_list_is_refused_even_on_the_first_run(table: str, settings: Settings) -> None:
    problem = shrink_problem(table, 0, None, settings)
    assert problem is not None
    assert "empty" in problem


def test_a_refused_read_is_not_the_measure_of_the_next_one(warehouse: Warehouse, settings: Settings) -> None:
    raw.store(warehouse, [read_of(100)], "day-1")
    for day in ("day-2", "day-3"):
        read = judged(warehouse, read_of(40), day, settings)
        assert not read.complete, day
        raw.store(warehouse, [read], day)
    with warehouse.connect() as connection:
        assert connection.execute("SELECT count(*) FROM newest.halo_licences").fetchall() == [(100,)]


def test_a_second_read_of_the_same_run_is_held_against_the_run_before(warehouse: Warehouse, settings: Settings) -> None:
    raw.store(warehouse, [read_of(100)], "day-1")
    raw.store(warehouse, [read_of(90)], "day-2")
    assert judged(warehouse, read_of(75), "day-2", settings).complete is False


def test_an_operator_accepts_a_smaller_list_for_one_day_only(warehouse: Warehouse, settings: Settings) -> None:
    raw.store(warehouse, [read_of(100)], "day-1")
    accepting = replace(settings, environment={**settings.environment, "PAX8_ACCEPT_SHRINK": DAY})
    assert judged(warehouse, read_of(40), "day-2", accepting).complete
    yesterday = replace(settings, environment={**settings.environment, "PAX8_ACCEPT_SHRINK": "2026-08-19"})
    assert not judged(warehouse, read_of(40), "day-2", yesterday).complete


def test_the_refusal_says_how_to_accept_it(settings: Settings) -> None:
    assert f"PAX8_ACCEPT_SHRINK={DAY}" in str(shrink_problem("halo.licences", 1, 100, settings))
