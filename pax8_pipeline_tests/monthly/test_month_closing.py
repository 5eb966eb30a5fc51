"""A closed month: its rows and checksum stay, a later change is reported, and what a person acknowledged does not wait."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing import month_closing
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.monthly.test_month_command import DIFFERS, ask
from pax8_pipeline_tests.support.checks import check
from pax8_pipeline_tests.support.cli import quick
from pax8_pipeline_tests.support.month_data import MonthData, billed_line, halo_invoice, seats
from pax8_pipeline_tests.support.operator import Ran
from pax8_pipeline_tests.support.usage_data import policy
from pax8_pipeline_tests.support.vendor_data import SUB
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse, release

FINDING = f"month_under_billed:2026-08:seats:{SUB}"


@pytest.fixture(scope="module")
def differing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return loaded(tmp_path_factory.mktemp("differs"), **DIFFERS)


@pytest.fixture
def folder(differing: Path, tmp_path: Path) -> Path:
    shutil.copytree(differing, tmp_path, dirs_exist_ok=True)
    return tmp_path


def loaded(folder: Path, **books: Any) -> Path:
    MonthData(**books).load(folder, policy=policy())
    release()
    return folder


def acknowledge(folder: Path, *arguments: str) -> Ran:
    return quick(folder, "acknowledge", *arguments, PAX8_PIPELINE_DATA=str(folder), PAX8_PIPELINE_TODAY="2026-08-20")


def data(folder: Path, *arguments: str) -> dict[str, Any]:
    return dict(json.loads(ask(folder, "2026-08", "--json", *arguments).out))


def test_an_acknowledged_row_does_not_wait_and_is_still_shown(folder: Path) -> None:
    assert ask(folder, "2026-08").code == 2
    waits = acknowledge(folder, "--list", "--month", "2026-08")
    assert (waits.code, "1 loss waits for a person" in waits.out, FINDING in waits.out) == (0, True, True), waits
    done = acknowledge(folder, SUB, "--month", "2026-08", "--why", "credited in September", "--by", "Ada")
    assert (done.code, FINDING in (folder / "acknowledged.csv").read_text()) == (0, True), done.err
    ran = ask(folder, "2026-08")
    assert (ran.code, "all agree or are acknowledged (1)" in ran.out) == (0, True), ran.out
    assert "acknowledged by Ada: credited in September" in ask(folder, "2026-08", "--details").out
    (row,) = data(folder)["rows"]
    assert (row["class"], row["acknowledged"], row["is_open"], row["ack_who"]) == ("under_billed", True, False, "Ada")
    assert data(folder)["money"]["USD"]["acknowledged"] == "110"
    assert "month_under_billed" not in acknowledge(folder, "--list").out
    assert "Ada" in acknowledge(folder, "--list", "--month", "2026-08").out
    assert acknowledge(folder, FINDING, "--remove").code == 0
    assert ask(folder, "2026-08").code == 2


@pytest.mark.parametrize("cells", ["109.99,USD", ",", "110,EUR"])
def test_an_acknowledgement_of_less_another_currency_or_nothing_covers_no_row(cells: str, folder: Path) -> None:
    head = "id,reason,who,until,amount,currency,date\n"
    (folder / "acknowledged.csv").write_text(f"{head}{FINDING},known,Ada,,{cells},2026-08-19\n")
    assert ask(folder, "2026-08").code == 2


def test_a_month_with_open_rows_is_closed_with_a_reason_only(folder: Path) -> None:
    refused = ask(folder, "2026-08", "--close", "--by", "Ada")
    assert (refused.code, "1 row waits for a person" in refused.err) == (1, True)
    closed = data(folder, "--close", "--by", "Ada", "--why", "Pax8 credits it")["closed"]
    assert (closed["closed_by"], closed["why"], closed["rows_open"], len(closed["checksum"])) == (
        "Ada",
        "Pax8 credits it",
        1,
        64,
    )


def test_a_month_without_an_invoice_cannot_be_closed(tmp_path: Path) -> None:
    loaded(tmp_path, invoices=[], items=[])
    ran = ask(tmp_path, "2026-08", "--close", "--by", "Ada", "--why", "I insist")
    assert (ran.code, "no approved invoice" in ran.err) == (1, True)


def test_by_and_why_belong_to_close(folder: Path) -> None:
    assert ask(folder, "2026-08", "--by", "Ada").code == 1


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose month agreed and was closed."""
    made = loaded(tmp_path_factory.mktemp("closed"))
    assert ask(made, "2026-08", "--close", "--by", "Ada").code == 0
    release()
    return made


def test_a_closed_month_names_who_closed_it_and_is_not_closed_twice(closed: Path) -> None:
    ran = ask(closed, "2026-08")
    assert (ran.code, "Closed by Ada on " in ran.out, "no row changed since" in ran.out) == (0, True, True), ran.out
    again = ask(closed, "2026-08", "--close", "--by", "Ada")
    assert (again.code, "nothing changed since" in again.err) == (1, True)
    assert check("month_stays_closed", "monthly.rows", closed).passed


def test_a_later_change_is_reported_until_the_month_is_closed_again(closed: Path, tmp_path: Path) -> None:
    shutil.copytree(closed, tmp_path, dirs_exist_ok=True)
    loaded(tmp_path, items=[[seats(quantity=21)]], halo_invoices=[halo_invoice([billed_line(qty_order=21)])])
    ran = ask(tmp_path, "2026-08")
    assert (ran.code, "1 row changed since" in ran.out) == (2, True), ran.out
    found = check("month_stays_closed", "monthly.rows", tmp_path)
    assert (found.passed, found.count) == (False, 1)
    (change,) = data(tmp_path)["changed_since_closing"]
    assert (change["change"], change["cost_closed"], change["cost_now"]) == ("changed", "340", "357")
    assert ask(tmp_path, "2026-08", "--close", "--by", "Bob", "--why", "agreed").code in (0, 2)
    assert data(tmp_path)["changed_since_closing"] == []


def test_a_closing_survives_tables_that_are_built_again_and_a_lost_warehouse(closed: Path, tmp_path: Path) -> None:
    shutil.copytree(closed, tmp_path, dirs_exist_ok=True)
    before = data(tmp_path)["closed"]
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.transaction() as connection:
        connection.execute("ALTER TABLE monthly.rows ADD COLUMN of_a_later_version VARCHAR")
    warehouse.ensure_schema()  # the contract has another shape: the table is made again, and empty
    with warehouse.connect() as connection:
        assert connection.execute("SELECT count(*) FROM monthly.rows").fetchall() == [(0,)]
    assert data(tmp_path)["closed"] == before
    fresh = empty_warehouse(tmp_path / "fresh" / "warehouse.duckdb")
    assert month_closing.load_copy(fresh, tmp_path / "backups") == 1
    assert month_closing.load_copy(fresh, tmp_path / "backups") == 0
    with fresh.connect() as connection:
        found = month_closing.newest_closing(connection, "2026-08")
        assert found is not None
        assert found.checksum == before["checksum"]
        assert connection.execute("SELECT count(*) FROM billing.closed_month_rows").fetchall() == [(1,)]
