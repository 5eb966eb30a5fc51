"""When a read is believed, and when it is kept as a record only."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from pax8_pipeline.errors import ServerFault
from pax8_pipeline.extract import halo_lists as halo_loading
from pax8_pipeline.extract import pax8_lists as loading
from pax8_pipeline.extract.completeness import GUARDED, check_shrink, shrink_problem
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.vendors import HaloInMemory, Pax8InMemory, incomplete
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse, hold_open

DAY = "2026-08-20"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"PAX8_PIPELINE_DATA": str(tmp_path), "PAX8_PIPELINE_TODAY": DAY})


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = empty_warehouse(tmp_path / "warehouse.duckdb")
    hold_open(made)
    return made


def read_of(rows: int, table: str = "halo.licences") -> snapshots.Read:
    return snapshots.Read(table, snapshots.raw_objects("/x", [{"id": n} for n in range(rows)]), "/x")


def test_a_list_that_is_not_whole_becomes_a_record_with_its_reason_and_no_objects() -> None:
    read = loading.read_list(Pax8InMemory(faults={"companies": incomplete("GET /companies")}), "companies")
    assert not read.complete
    assert read.problem is not None
    assert "3 rows were read where 5" in read.problem
    assert (list(read.objects), read.expected) == ([], 5)


def test_any_other_failure_of_a_vendor_is_raised() -> None:
    fault = ServerFault("Pax8 answered 503", vendor="Pax8", status=503)
    with pytest.raises(ServerFault):
        loading.read_list(Pax8InMemory(faults={"companies": fault}), "companies")


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
    snapshots.store(warehouse, [read_of(100)], "day-1")
    for day in ("day-2", "day-3"):
        read = check_shrink(warehouse, read_of(40), day, settings)
        assert not read.complete, day
        snapshots.store(warehouse, [read], day)
    with warehouse.connect() as connection:
        assert connection.execute("SELECT count(*) FROM newest.halo_licences").fetchall() == [(100,)]


def test_a_second_read_of_the_same_run_is_held_against_the_run_before(warehouse: Warehouse, settings: Settings) -> None:
    snapshots.store(warehouse, [read_of(100)], "day-1")
    snapshots.store(warehouse, [read_of(90)], "day-2")
    assert check_shrink(warehouse, read_of(75), "day-2", settings).complete is False


def test_an_operator_accepts_a_smaller_list_for_one_day_only(warehouse: Warehouse, settings: Settings) -> None:
    snapshots.store(warehouse, [read_of(100)], "day-1")
    accepting = replace(settings, environment={**settings.environment, "PAX8_ACCEPT_SHRINK": DAY})
    assert check_shrink(warehouse, read_of(40), "day-2", accepting).complete
    yesterday = replace(settings, environment={**settings.environment, "PAX8_ACCEPT_SHRINK": "2026-08-19"})
    assert not check_shrink(warehouse, read_of(40), "day-2", yesterday).complete


def test_the_refusal_says_how_to_accept_it(settings: Settings) -> None:
    assert f"PAX8_ACCEPT_SHRINK={DAY}" in str(shrink_problem("halo.licences", 1, 100, settings))


# A list that had rows and is empty, or much shorter, is an incomplete read -----------------------------------


@pytest.mark.parametrize("table", [*GUARDED, "pax8.usage_summaries"])
@pytest.mark.parametrize("before", [1, 3, 10, 500])
def test_a_list_that_had_rows_and_is_empty_is_refused_however_short_it_was(
    table: str, before: int, settings: Settings
) -> None:
    problem = shrink_problem(table, 0, before, settings)
    assert problem is not None
    assert f"came back empty, the last accepted read had {before} row{'' if before == 1 else 's'}" in problem
    accepted = load_settings({**settings.environment, "PAX8_ACCEPT_SHRINK": DAY})
    assert shrink_problem(table, 0, before, accepted) is None


def dated(*days: str, covers: tuple[date, date]) -> snapshots.Read:
    rows = [{"id": n, "invoice_date": f"{day}T00:00:00"} for n, day in enumerate(days, start=1)]
    return snapshots.Read("halo.invoices", snapshots.raw_objects("/Invoice", rows), "/Invoice", covers=covers)


FIRST, LAST = date(2026, 6, 18), date(2026, 9, 28)


@pytest.mark.parametrize(
    ("tonight", "believed"),
    [
        (("2026-07-01", "2026-08-01"), True),
        (("2026-07-01",), False),
        ((), False),
    ],
)
def test_a_window_of_dates_is_held_against_the_days_that_both_reads_cover(
    tonight: tuple[str, ...], believed: bool, warehouse: Warehouse, settings: Settings
) -> None:
    """The oldest of them fell out of the window by itself; of 12 in both, as many have to be there."""
    usual = [f"2026-08-{day:02d}" for day in range(2, 12)]
    snapshots.store(warehouse, [dated("2026-06-18", "2026-07-01", "2026-08-01", *usual, covers=(FIRST, LAST))], "day-1")
    days = (*tonight, *(usual if len(tonight) == 2 else usual[:8] if tonight else ()))
    moved = (FIRST + timedelta(days=1), LAST + timedelta(days=1))
    assert check_shrink(warehouse, dated(*days, covers=moved), "day-2", settings).complete is believed


def test_a_single_invoice_that_vanishes_makes_an_empty_window_that_is_refused(
    warehouse: Warehouse, settings: Settings
) -> None:
    snapshots.store(warehouse, [dated("2026-08-01", covers=(FIRST, LAST))], "day-1")
    assert not check_shrink(warehouse, dated(covers=(FIRST, LAST)), "day-2", settings).complete


def test_a_window_whose_only_invoice_grew_old_is_empty_and_believed(warehouse: Warehouse, settings: Settings) -> None:
    snapshots.store(warehouse, [dated("2026-06-18", covers=(FIRST, LAST))], "day-1")
    moved = (FIRST + timedelta(days=1), LAST + timedelta(days=1))
    assert check_shrink(warehouse, dated(covers=moved), "day-2", settings).complete


def integration_of(state: str, *accounts: str) -> snapshots.Read:
    row = {"state": state, "reason": "", "accounts": [{"id": a} for a in accounts]}
    return snapshots.Read("halo.integration", snapshots.raw_objects("/Pax8Details", [row]), "/Pax8Details", expected=1)


@pytest.mark.parametrize(("state", "believed"), [("off", False), ("unknown", True)])
def test_an_integration_whose_accounts_are_gone_is_not_off(
    state: str, believed: bool, warehouse: Warehouse, settings: Settings
) -> None:
    snapshots.store(warehouse, [integration_of("off", "1")], "day-1")
    assert check_shrink(warehouse, integration_of(state), "day-2", settings).complete is believed
    with warehouse.connect() as connection:
        assert halo_loading.distrust_empty_list(halo_loading.Integration("off", ""), connection).state == "unknown"
    assert check_shrink(warehouse, integration_of("off", "1"), "day-2", settings).complete


def test_older_than_the_usual_weeks_only_usage_documents_are_kept() -> None:
    rows = [
        {"id": 1, "invoice_date": "2026-03-01T00:00:00", "reference": "Retainer", "lines": []},
        {"id": 2, "invoice_date": "2026-03-01T00:00:00", "reference": "PAX8-USAGE 2026-02 c1", "lines": []},
        {"id": 3, "invoice_date": "2026-08-01T00:00:00", "reference": "Retainer", "lines": []},
        {"id": 4, "invoice_date": "1900-01-01T00:00:00", "reference": "Retainer", "lines": []},
    ]
    today, watched = date(2026, 8, 20), date(2026, 2, 27)
    read = halo_loading.read_invoices(HaloInMemory(invoice_rows=rows), today, None, watched)
    assert [o.object_id for o in read.objects] == ["2", "3", "4"]
    assert read.covers == (watched, today + timedelta(days=40))
