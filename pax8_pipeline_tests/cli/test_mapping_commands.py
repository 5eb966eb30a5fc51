"""`mapping suggest`, `accept` and `check` as a person and a program start them; only `accept` writes, and only its files."""

from __future__ import annotations

import csv
import html
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.reports.mapping.hints import with_hints
from pax8_pipeline.settings import UsagePolicy
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
    return command(data, "suggest", *arguments)


def command(data: Path, *arguments: str) -> Ran:
    return quick(data, "mapping", *arguments, PAX8_PIPELINE_DATA=str(data))


@pytest.fixture
def own(data: Path, tmp_path: Path) -> Path:
    """A copy in which a test may write mapping files."""
    (tmp_path / "mappings").mkdir()
    shutil.copyfile(data / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
    return tmp_path


def file(folder: Path, name: str = "clients.csv") -> list[str]:
    return (folder / "mappings" / name).read_text(encoding="utf-8").splitlines()


HEADER = "pax8_company_id,halo_client_id,note"


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


def test_the_plan_and_the_report_name_the_best_suggestion_beside_a_row(data: Path) -> None:
    hint = "perhaps Halo client 231 'EXAMPLE DENTAL', score 96: pax8-pipeline mapping suggest"
    shown = quick(data, "plan", "show", "--json", PAX8_PIPELINE_DATA=str(data))
    assert "hint" not in shown.out  # it is no part of a plan
    shown = quick(data, "plan", "show", "--details", PAX8_PIPELINE_DATA=str(data))
    assert hint in " ".join(shown.out.split()), shown.err
    page = quick(data, "plan", "show", "--format", "html", PAX8_PIPELINE_DATA=str(data)).out
    assert hint in html.unescape(page)


def test_a_finding_of_usage_without_a_company_names_the_company_in_its_group(data: Path) -> None:
    row = {
        "row_id": f"usage 2026-08 unassigned {SUB}/quarry lane print & sign (tenant) USD",
        "kind": "usage_unassigned",
    }
    with Warehouse(data / "warehouse.duckdb").connect(read_only=True) as connection:
        (found,) = with_hints(connection, [row], UsagePolicy())
    release()
    assert found["hint"].startswith("perhaps company 'Quarry Lane Print & Sign', Halo client 232, score 9")


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


def test_accepting_above_a_score_writes_sorted_rows_with_the_reason_and_is_asked_once(own: Path) -> None:
    done = command(own, "accept", "--above", "95", "--kind", "client", "--json")
    assert done.code == 0, done.err
    assert done.data["added"] == {"client": [OTHER, EVIL, COMPANY]}
    rows = file(own)
    assert rows[0] == HEADER
    assert rows[1:] == sorted(rows[1:])
    assert f'{COMPANY},231,"suggested with score 96: the same name but' in rows[3]
    again = command(own, "accept", "--above", "95", "--kind", "client")
    assert "Nothing was accepted" in again.out
    assert file(own) == rows


def test_a_row_that_is_there_keeps_its_place_and_note_and_is_only_replaced_when_asked(own: Path) -> None:
    (own / "mappings" / "clients.csv").write_text(f'{HEADER}\n{COMPANY.upper()},233,by Ada\n{OTHER},232,"a, b"\n')
    refused = command(own, "accept", "client", COMPANY, "231")
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)
    assert "maps 5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11 to 233 already; nothing was written. Add --replace" in refused.err
    assert f"{COMPANY.upper()},233,by Ada" in file(own)
    replaced = command(own, "accept", "client", COMPANY, "231", "--replace", "--json")
    assert replaced.data["replaced"] == {"client": [COMPANY]}
    assert file(own) == [HEADER, f'{OTHER},232,"a, b"', f"{COMPANY},231,by Ada; chosen by a person"]


def test_one_suggestion_is_accepted_by_its_pax8_id(own: Path) -> None:
    assert command(own, "accept", "subscription", SUB).code == 0
    assert file(own, "subscriptions.csv")[1].startswith(f"{SUB},-94,24967,,")


def test_a_person_names_a_line_whatever_is_suggested(own: Path) -> None:
    assert command(own, "accept", "subscription", SUB, "24970").code == 0
    assert file(own, "subscriptions.csv")[1] == f"{SUB},-95,24970,,chosen by a person"
    done = command(own, "accept", "subscription", SUB, "77", "--replace")
    assert (done.code, "77 is neither a licence nor a line in Halo" in done.err) == (1, True)


def test_a_suggestion_that_is_not_sure_is_not_accepted_without_its_halo_id(own: Path) -> None:
    (own / "mappings" / "clients.csv").write_text(f"{HEADER}\n{OTHER},231,\n")
    done = command(own, "accept", "client", COMPANY)
    assert done.code == 1
    assert "is not sure (231 'EXAMPLE DENTAL', score 45: " in done.err
    assert done.err.endswith("it stands for Quarry Lane Print & Sign already); name the Halo id too\n")


def test_an_id_that_halo_does_not_have_is_refused_and_nothing_is_written(own: Path) -> None:
    done = command(own, "accept", "client", COMPANY, "999")
    assert (done.code, done.err) == (1, "Error: Halo has no client 999 (by the last run)\n")
    assert not (own / "mappings" / "clients.csv").exists()


@pytest.mark.parametrize("name", ["map.csv", "map.xlsx"])
def test_a_marked_file_is_read_back_to_the_same_ids(own: Path, name: str) -> None:
    assert run(own, "--output", str(own / name)).code == 0
    if name.endswith("csv"):
        rows = list(csv.reader((own / name).open(encoding="utf-8")))
        for row in rows[1:]:
            row[0] = "Yes" if row[rows[0].index("pax8_id")] in (COMPANY, SUB) else "no"
        with (own / name).open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows)
    else:
        book = load_workbook(own / name)
        sheet = book.active
        assert sheet is not None
        column = [cell.value for cell in sheet[1]].index("pax8_id")
        for row in sheet.iter_rows(min_row=2):
            if row[column].value in (COMPANY, SUB):
                row[0].value = "x"
        book.save(own / name)
    done = command(own, "accept", str(own / name), "--json")
    assert done.code == 0, done.err
    assert done.data["added"] == {"client": [COMPANY], "subscription": [SUB]}
    assert file(own, "subscriptions.csv")[1].startswith(f"{SUB},-94,24967,,")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "accept,kind,pax8_id,halo_id\nperhaps,client,{0},231\n",
            "row 2, column accept: 'perhaps' is neither yes nor no",
        ),
        ("accept,kind,pax8_id,halo_id\nyes,clients,{0},231\n", "row 2, column kind: 'clients' is none of client,"),
        (
            "accept,kind,pax8_id,halo_id\nyes,client,{0},2.31E+02\n",
            "row 2, column halo_id: '2.31E+02' is not a Halo id",
        ),
        ("accept,kind,pax8_id\nyes,client,{0}\n", "row 1: column halo_id is missing"),
    ],
)
def test_a_file_with_an_error_names_row_and_column_and_accepts_nothing(own: Path, text: str, error: str) -> None:
    (own / "map.csv").write_text(text.format(COMPANY))
    done = command(own, "accept", str(own / "map.csv"))
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert error in done.err
    assert list((own / "mappings").glob("*.csv")) == []


def test_a_usage_group_is_assigned_in_pax8_so_accepting_says_where(own: Path) -> None:
    done = command(own, "accept", "usage_group", "00000000-0000-4000-8000-0000000000d1")
    assert done.code == 0, done.err
    assert "Usage tab" in done.out
    assert "Assign company: Quarry Lane Print & Sign" in done.out
    assert list((own / "mappings").glob("*.csv")) == []


def test_check_lists_what_is_unmapped_by_money_with_the_best_suggestion_and_waits(own: Path) -> None:
    done = command(own, "check", "--json")
    assert done.code == done.data["exit_code"] == 2
    amounts = [float(row["money"] or 0) for row in done.data["unmapped"]]
    assert amounts == sorted(amounts, reverse=True)
    first = next(row for row in done.data["unmapped"] if row["pax8_id"] == COMPANY)
    assert (first["why"], first["suggestion"]["halo_id"]) == ("no id names a client", 231)
    assert "Next: pax8-pipeline mapping review" in command(own, "check").out


def test_check_fails_on_dead_links_and_on_one_line_for_two_subscriptions(own: Path) -> None:
    (own / "mappings" / "clients.csv").write_text(f"{HEADER}\n{COMPANY},231,\n{OTHER},231,\n{EVIL},999,\n")
    other = SUB.replace("c2b", "d2b")
    (own / "mappings" / "subscriptions.csv").write_text(
        "pax8_subscription_id,halo_recurring_invoice_id,halo_line_id,halo_licence_id,note\n"
        f"{SUB},-94,24967,,\n{other},,24967,,\n{SUB.replace('c2b', 'e2b')},,24970,,\n"
    )
    done = command(own, "check", "--json")
    assert done.code == 1
    found = [(p["kind"], p["file"], p["rows"], p["wrong"]) for p in done.data["problems"]]
    assert found == [
        ("dead_link", "clients.csv", [4], True),
        ("dead_link", "subscriptions.csv", [4], True),
        ("one_line_for_two", "subscriptions.csv", [2, 3], True),
        ("two_companies_on_one_client", "clients.csv", [2, 3], False),
    ]
    assert "Halo has no client 999: correct the row" in command(own, "check").out
