"""The spreadsheet has what the plan has, cell by cell, and runs nothing. Data frames keep money exact."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from pax8_pipeline.errors import PipelineError
from pax8_pipeline.reports import frames, plan_rows
from pax8_pipeline.reports.page.context import ReportContext
from pax8_pipeline.reports.spreadsheet import Sheet, write_workbook
from pax8_pipeline.reports.table import Column, Table
from pax8_pipeline.reports.workbook import write_spreadsheet
from pax8_pipeline_tests.support import pages
from pax8_pipeline_tests.support.pages import Made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("sheet")
    return pages.write_page(pages.hostile_names(folder), folder)


@pytest.fixture(scope="module")
def book(made: Made) -> Any:
    path = made.page.with_suffix(".xlsx")
    with made.warehouse.connect() as connection:
        write_spreadsheet(connection, made.plan_id, ReportContext(), path)
    return openpyxl.load_workbook(path)


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    heads, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(heads, row, strict=True)) for row in rows]


def test_it_has_the_sheets_of_a_month_end(book: Any) -> None:
    assert book.sheetnames == ["Summary", "Changes", "Not billed", "Held", "Usage by client", "Margin", "All rows"]
    for sheet in book:
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref.startswith("A1:")


def test_all_rows_are_those_of_the_plan_cell_by_cell(made: Made, book: Any) -> None:
    with made.warehouse.connect() as connection:
        planned = plan_rows.plan_rows(connection, made.plan_id)
    shown = rows_of(book["All rows"])
    assert len(shown) == len(planned)
    texts = {"Class": "class", "Verdict": "verdict", "Action": "action", "Row id": "row_id", "Currency": "currency",
             "Subscription id": "subscription_id", "Product": "product_name", "Why": "sentence", "Before": "before"}  # fmt: skip
    for cells, row in zip(shown, planned, strict=True):
        for title, name in texts.items():
            assert (cells[title] or "") == (row[name] or "")
        for title, name in (("Money a month", "money_per_month"), ("Not billed a month", "unbilled_per_month")):
            assert (None if cells[title] is None else Decimal(str(cells[title]))) == row[name]


def test_ids_are_text_and_money_has_the_format_of_its_currency(book: Any) -> None:
    sheet = book["All rows"]
    places = {cell.value: cell.column for cell in sheet[1]}
    client = next(
        cell for cell in next(sheet.iter_cols(places["Halo client id"], places["Halo client id"], 2)) if cell.value
    )
    assert (client.value, client.data_type, client.number_format) == ("231", "s", "@")
    money = sheet.cell(2, places["Not billed a month"])
    assert (money.data_type, money.number_format) == ("n", '#,##0.00" USD"')


def test_no_cell_is_a_formula_and_no_character_steers(book: Any) -> None:
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    texts = [cell.value for cell in cells if cell.data_type == "s"]
    assert pages.FORMULA in texts
    assert not {"\u202e", "\x1b"} & set("".join(texts))
    assert all(cell.quotePrefix for cell in cells if cell.value == pages.FORMULA)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "=cmd|' /C calc'!A0"])
def test_whatever_looks_like_a_formula_is_text(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    write_workbook(path, [Sheet("One", Table("One", [Column("name", text)], [{"name": text}]))])
    sheet = openpyxl.load_workbook(path)["One"]
    assert [cell.data_type for cell in sheet["A"]] == ["s", "s"]
    assert all(cell.quotePrefix for cell in sheet["A"] if not str(cell.value).startswith("<U+"))


def test_not_billed_is_sorted_by_money_and_has_totals_below_the_filter(book: Any) -> None:
    rows = rows_of(book["Not billed"])
    assert [row["Amount"] for row in rows[:3]] == [24690, 30, 25]
    assert [(row["Client"], row["Amount"], row["For"]) for row in rows[3:]] == [
        ("Total", 24690, "a month"), ("Total", 55, "once"),
    ]  # fmt: skip
    assert book["Not billed"].auto_filter.ref.endswith("4")


def test_usage_has_a_column_for_each_month(book: Any) -> None:
    rows = rows_of(book["Usage by client"])
    assert list(rows[0]) == ["Client", "Product", "Currency", "2026-07", "2026-06"]
    assert {(row["2026-07"], row["2026-06"]) for row in rows if row["Client"] == "Total"} == {(25, 20)}


def test_an_unknown_amount_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    column = Column("cost", "Cost", "money", unknown="not known")
    write_workbook(path, [Sheet("One", Table("One", [column], [{"cost": None}, {"cost": Decimal("0.1")}]))])
    assert [cell.value for cell in openpyxl.load_workbook(path)["One"]["A"]] == ["Cost", "not known", 0.1]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="nowhere"):
        write_workbook(tmp_path / "nowhere" / "x.xlsx", [Sheet("One", Table("One", [Column("a", "A")], []))])


# Data frames ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(made: Made) -> Path:
    path = made.page.parent / "published.duckdb"
    made.warehouse.publish(path)
    return path


def test_frames_keep_money_as_decimals(published: Path, made: Made) -> None:
    plan = frames.plan(published)
    (total,) = pages.cells(made, f"SELECT sum(unbilled_per_month) FROM billing.plan WHERE plan_id = '{made.plan_id}'")
    assert sum(plan["unbilled_per_month"]) == total[0]
    assert {type(value) for value in plan["money_per_month"]} == {Decimal}
    usage = frames.usage_by_month(published)
    assert {type(value) for value in usage["amount"]} == {Decimal}
    beside = frames.months_beside(usage, ["client"])
    assert list(beside.columns) == ["client", "currency", "2026-07", "2026-06"]
    assert [type(value) for value in beside["2026-07"]] == [Decimal]


def test_frames_name_what_is_not_billed_the_largest_first(published: Path) -> None:
    frame = frames.not_billed(published)
    assert next(iter(frame["money"])) == Decimal(24690)
    assert list(frame["per"])[:2] == ["month", "once"]


def test_frames_of_nothing_say_what_is_missing(tmp_path: Path, published: Path) -> None:
    with pytest.raises(PipelineError, match="does not exist"):
        frames.plan(tmp_path / "published.duckdb")
    with pytest.raises(PipelineError, match="no plan nope"):
        frames.plan(published, "nope")


def test_a_frame_cannot_write(published: Path) -> None:
    before = published.read_bytes()
    frames.plan(published)
    assert published.read_bytes() == before


# The command -----------------------------------------------------------------------------------------------------


def test_the_command_writes_it_beside_the_report(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pax8_pipeline.commands.report import report

    monkeypatch.setenv("PAX8_PIPELINE_DATA", str(made.warehouse.path.parent))
    monkeypatch.setenv("PAX8_CLIENT_ID", "x")
    done = CliRunner().invoke(
        report, ["--folder", str(tmp_path), "--xlsx", str(tmp_path / "report.xlsx")], catch_exceptions=False
    )
    assert done.exit_code == 0
    assert str(tmp_path / "report.xlsx") in done.stdout
    assert "All rows" in openpyxl.load_workbook(tmp_path / "report.xlsx").sheetnames


def test_nobody_pays_for_pandas_who_does_not_ask_for_a_spreadsheet() -> None:
    code = (
        "import sys, pax8_pipeline.commands.report, pax8_pipeline.reports.plan_report, pax8_pipeline.reports.frames\n"
        "print([name for name in ('pandas', 'openpyxl', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
