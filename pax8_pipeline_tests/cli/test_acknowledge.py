"""`pax8-pipeline acknowledge`: by any name a row is printed with, and what people see of it afterwards."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.commands import run_report
from pax8_pipeline.commands.acknowledge import acknowledge
from pax8_pipeline.commands.explain import explain
from pax8_pipeline.commands.plan.group import plan
from pax8_pipeline.reports import plan_report, plan_rows
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.cli import OURS
from pax8_pipeline_tests.support.vendor_data import (
    SUB,
    TODAY,
    VendorData,
    invoice,
    licence,
    line,
    plan_context,
    subscription,
)
from pax8_pipeline_tests.support.warehouse_files import copy_of

OTHER = "aaaaaaaa-0000-4000-8000-000000000002"
GONE = "bbbbbbbb-0000-4000-8000-000000000003"
ORPHAN = "licence 4128, line 24968"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder after a run: one subscription that nobody is billed for, and one licence that Pax8 does not list."""
    for name in [n for n in os.environ if n.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PAX8_PIPELINE_DATA", str(tmp_path))
    monkeypatch.setenv("PAX8_PIPELINE_TODAY", TODAY.isoformat())
    monkeypatch.setenv("USER", "ada")
    copy_of(_planned, tmp_path)
    return tmp_path


def _planned(folder: Path) -> Warehouse:
    link = [{"id": 902, "licence_id": 4128, "qty_free": 0, "minimum_qty": 0}]
    vendor_data = VendorData(
        subscriptions=[subscription(), subscription(id=OTHER, price="0.30", quantity=3)],
        licences=[licence(), licence(id=4128, snowid=GONE, count=2)],
        recurring=[invoice([line(), line(id=24968, quantity_subscriptions=link)])],
    )
    warehouse = vendor_data.load(folder)
    plans.make_plan(warehouse, plan_context())
    return warehouse


def call(*arguments: str) -> Result:
    return CliRunner().invoke(acknowledge, arguments)


def verdict(folder: Path) -> tuple[int, str]:
    report = told_of(folder)
    return report.verdict.code, report.verdict.sentence


def told_of(folder: Path) -> run_report.RunReport:
    with Warehouse(folder / "warehouse.duckdb").connect() as connection:
        plan_id = plans.latest_plan_id(connection)
    return run_report.build_run_report(load_settings(), "run-1", plan_id, [], [])


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "acknowledged.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_waits_until_every_loss_and_overcharge_is_acknowledged(folder: Path) -> None:
    code, sentence = verdict(folder)
    assert (code, "1 loss and 1 overcharge wait for a person (2 new): " in sentence) == (2, True), sentence
    assert "USD 0.90 a month not billed" in sentence
    assert call(OTHER.upper(), "--why", "billed by hand", "--until", "2026-12-31").exit_code == 0
    assert verdict(folder)[0] == 2
    assert call(ORPHAN, "--why", "the client pays on", "--by", "Grace").exit_code == 0
    assert verdict(folder) == (0, "done: nothing to write")
    assert [(r["id"], r["who"], r["until"], r["amount"], r["date"]) for r in rows(folder)] == [
        (f"orphaned_licence-overcharge:{ORPHAN}", "Grace", "", "44.00", "2026-08-20"),
        (f"unbilled:{OTHER}", "ada", "2026-12-31", "0.90", "2026-08-20"),
    ]


@pytest.mark.parametrize("name", [OTHER, f"unbilled:{OTHER}", f" UNBILLED:{OTHER} ", GONE, ORPHAN])
def test_a_row_is_known_by_every_name_it_is_printed_with(name: str, folder: Path) -> None:
    assert call(name, "--why", "known").exit_code == 0
    assert len(rows(folder)) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((OTHER,), "--why TEXT"),
        ((OTHER, "--why", " "), "--why TEXT"),
        ((OTHER, "--why", "x", "--by", " "), "--by NAME"),
        ((OTHER, "--why", "x", "--until", "31/12/2026"), "'31/12/2026' is not a date such as 2026-12-31"),
        ((OTHER, "--why", "x", "--until", "2026-08-19"), "has passed already"),
        ((OTHER[:-1] + "9", "--why", "x"), f"Did you mean unbilled:{OTHER}"),
        ((SUB, "--why", "x"), "no open finding"),
        ((OTHER, "nonsense", "--why", "x"), "no open finding 'nonsense'"),
        ((), "name at least one ROW"),
        ((OTHER, "--remove"), "is not acknowledged"),
    ],
)
def test_what_cannot_be_acknowledged_is_refused_and_nothing_is_written(
    arguments: tuple[str, ...], complaint: str, folder: Path
) -> None:
    assert complaint in str(call(*arguments).exception)
    assert not (folder / "acknowledged.csv").exists()


def test_an_acknowledgement_can_be_taken_back(folder: Path) -> None:
    assert call(OTHER, ORPHAN, "--why", "known").exit_code == 0
    assert verdict(folder)[0] == 0
    assert call(OTHER, "--remove").exit_code == 0
    assert (verdict(folder)[0], len(rows(folder))) == (2, 1)


def test_the_list_says_what_is_open_and_what_is_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call(OTHER, "--why", "billed by hand")
    report: dict[str, Any] = json.loads(call("--list", "--json").stdout)
    assert {r["finding_id"]: r["acknowledged"] for r in report["findings"]} == {
        f"unbilled:{OTHER}": True,
        f"orphaned_licence-overcharge:{ORPHAN}": False,
    }
    text = call("--list").stdout
    assert "acknowledged by ada: billed by hand" in text
    assert "44.00" in text
    monkeypatch.setenv("COLUMNS", "80")
    lines = call("--list").stdout.splitlines()
    assert lines[1] == "44.00 ? a month billed too much, Example: Suite"
    assert lines[2:4] == [f"  orphaned_licence-overcharge:{ORPHAN}", "  since 2026-08-20, new"]


def test_every_output_shows_since_when_and_who_acknowledged_it(folder: Path) -> None:
    call(OTHER, "--why", "billed by hand", "--until", "2026-12-31")
    mark = "acknowledged by ada until 2026-12-31: billed by hand"
    with Warehouse(folder / "warehouse.duckdb").connect() as connection:
        plan_id = str(plans.latest_plan_id(connection))
        markdown, page = plan_report.plan_markdown(connection, plan_id), plan_report.plan_html(connection, plan_id)
        table = plan_report.plan_csv(plan_rows.plan_rows(connection, plan_id))
    for text in (markdown, page, table):
        assert mark in text
        assert "2026-08-20, new" in text
    assert all("orphaned_licence" in text for text in (page, table))
    assert "licence not in Pax8: " in markdown
    assert "44.00 a month billed too much" in markdown  # Halo names no currency of this client
    shown = CliRunner().invoke(plan, ["show", "--details"]).stdout
    assert ("2026-08-20, new" in shown, "licence not in" in shown, "acknowledged" in shown) == (True, True, True)
    story = CliRunner().invoke(explain, [OTHER]).stdout
    assert f"unbilled:{OTHER} waits for a person since 2026-08-20 (new); 0.90 USD a month not billed; {mark}" in story
    data = run_report.as_data(told_of(folder))
    assert [f["finding_id"] for f in data["findings"] if f["counts"]] == [f"orphaned_licence-overcharge:{ORPHAN}"]
