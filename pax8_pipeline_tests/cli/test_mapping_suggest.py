"""`mapping suggest` as a person and a program start it: nothing is written, and the plan stays the same."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.cli import quick
from pax8_pipeline_tests.support.operator import Ran
from pax8_pipeline_tests.support.vendor_data import (
    COMPANY,
    SUB,
    VendorData,
    company,
    invoice,
    manual_line,
    plan_context,
    subscription,
)
from pax8_pipeline_tests.support.warehouse_files import release

OTHER = "00000000-0000-4000-8000-0000000000c2"
EVIL = "00000000-0000-4000-8000-0000000000c3"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mapping")
    group = {"id": "00000000-0000-4000-8000-0000000000d1", "subscriptionId": SUB, "companyId": None, "currencyCode": "USD",
             "resourceGroup": "Quarry Lane Print & Sign (tenant)", "currentCharges": 40, "partnerTotal": 30}  # fmt: skip
    warehouse = VendorData(
        companies=[
            company(name="Example Dental Ltd"),
            company(id=OTHER, name="Quarry Lane Print & Sign"),
            company(id=EVIL, name="=1+1 Evil"),
        ],
        subscriptions=[
            subscription(),
            subscription(id=SUB.replace("c2b", "d2b"), companyId=OTHER, productName="Backup"),
        ],
        clients=[
            {"id": 231, "name": "EXAMPLE DENTAL", "inactive": False},
            {"id": 232, "name": "Quarry Lane Print and Sign Limited", "inactive": False},
            {"id": 233, "name": "=1+1 Evil", "inactive": False},
        ],
        licences=[],
        recurring=[invoice([manual_line()]), invoice([manual_line(id=24970, ihid=-95)], id=-95, client_id=232)],
        usage_summaries=[group],
        client_map=[],
    ).load(folder)
    plans.make_plan(warehouse, plan_context())
    release()
    return folder


def run(data: Path, *arguments: str) -> Ran:
    return quick(data, "mapping", "suggest", *arguments, PAX8_PIPELINE_DATA=str(data))


def suggestions(data: Path) -> dict[tuple[str, str], dict[str, Any]]:
    done = run(data, "--json")
    assert done.code == 0, done.err
    return {(row["kind"], row["pax8_id"]): row for row in json.loads(done.out)}


def test_json_has_kind_ids_score_reasons_runner_up_and_money(data: Path) -> None:
    found = suggestions(data)["client", COMPANY]
    assert (found["halo_id"], found["score"], found["money"], found["currency"]) == (231, 96, "440.00", "USD")
    assert found["reasons"] == ["the same name but for legal form, accents or punctuation"]
    assert found["runner_up"] is None or found["runner_up"]["halo_id"] in (232, 233)


def test_a_subscription_is_suggested_the_line_of_the_suggested_client(data: Path) -> None:
    found = suggestions(data)["subscription", SUB]
    assert (found["halo_line_id"], found["halo_recurring_invoice_id"], found["halo_licence_id"]) == (24967, -94, None)
    assert found["reasons"][:3] == ["a product of the same name", "the same quantity (20)", "the same price"]


def test_a_usage_group_is_suggested_the_client_of_the_company_in_its_name(data: Path) -> None:
    found = next(row for (kind, _), row in suggestions(data).items() if kind == "usage_group")
    assert (found["halo_id"], found["pax8_company_id"], found["money"]) == (232, OTHER, "40.00")


def test_a_suggestion_changes_no_plan_and_no_file(data: Path) -> None:
    warehouse = Warehouse(data / "warehouse.duckdb")
    with warehouse.connect() as connection:
        before = plans.load_plan(connection, str(plans.latest_plan_id(connection))).checksum
    run(data)
    assert list((data / "mappings").glob("*")) == []
    after = plans.make_plan(warehouse, plan_context(run_id="run-2")).checksum
    release()
    assert after == before


def test_the_table_says_what_is_sure_and_what_to_do_next(data: Path) -> None:
    done = run(data, "--kind", "client")
    assert done.code == 0, done.err
    assert "231 'EXAMPLE DENTAL'" in done.out
    assert "Next: pax8-pipeline mapping review" in done.out
    assert max(map(len, run(data).out.splitlines())) <= 160


def test_a_file_has_ids_as_text_and_runs_no_formula(data: Path, tmp_path: Path) -> None:
    assert run(data, "--output", str(tmp_path / "map.xlsx")).code == 0
    sheet = load_workbook(tmp_path / "map.xlsx").active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    header = [cell.value for cell in sheet[1]]
    assert header[0] == "accept"
    assert {row[header.index("halo_id")].data_type for row in sheet.iter_rows(min_row=2)} == {"s"}
    assert run(data, "--output", str(tmp_path / "map.csv")).code == 0
    rows = list(csv.DictReader((tmp_path / "map.csv").open(encoding="utf-8")))
    assert not any(value.startswith(("=", "+", "@")) for row in rows for value in row.values())


def test_another_ending_is_refused_in_one_sentence(data: Path, tmp_path: Path) -> None:
    done = run(data, "--output", str(tmp_path / "map.ods"))
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert done.err.endswith("name a file that ends with .csv or .xlsx\n")
