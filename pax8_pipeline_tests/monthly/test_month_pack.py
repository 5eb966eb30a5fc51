"""The month-end pack: its sheets have the sums of the warehouse, its files agree with each other, and nothing in them runs."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from pax8_pipeline_tests.monthly.test_month_command import ask
from pax8_pipeline_tests.support import pages
from pax8_pipeline_tests.support.cli import quick
from pax8_pipeline_tests.support.month_data import MonthData, billed_line, halo_invoice, seats
from pax8_pipeline_tests.support.usage_data import METER, arrears, policy
from pax8_pipeline_tests.support.vendor_data import COMPANY, SUB, company, subscription
from pax8_pipeline_tests.support.warehouse_files import release

FORMULA = '=HYPERLINK("http://evil.example","x")'
SHEETS = ["Summary", "Three-way", "By client", "By product", "Usage", "Credits", "Open items", "Acknowledgements"]
CREDIT = {"id": "c1", "type": "invoice-credit", "term": "", "subscriptionId": None, "quantity": 1, "price": -5, "cost": -4,
          "productName": FORMULA, "description": FORMULA}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of a month with a difference, usage and a credit, closed by a person."""
    data = tmp_path_factory.mktemp("pack")
    books = MonthData(
        companies=[company(name=FORMULA)],
        subscriptions=[subscription(), subscription(id=METER)],
        clients=[{"id": 231, "name": FORMULA, "inactive": False, "currencyisocode": "USD"}],
        items=[[seats(quantity=25), arrears(), seats(90, **CREDIT)]],
        halo_invoices=[halo_invoice([billed_line()])],
    )
    books.load(data, policy=policy())
    release()
    ask(data, "2026-08")
    known = quick(data, "acknowledge", SUB, "--month", "2026-08", "--why", "=known", "--by", "@Ada", PAX8_PIPELINE_DATA=str(data),
                  PAX8_PIPELINE_TODAY="2026-08-20")  # fmt: skip
    assert known.code == 0, known.err
    ran = ask(
        data, "2026-08", "--close", "--by", "Ada", "--why", "the credit is for a person", "--pack", str(data / "pack")
    )
    assert ran.code in (0, 2), ran.err
    return data / "pack"


@pytest.fixture(scope="module")
def book(folder: Path) -> Any:
    return openpyxl.load_workbook(folder / "month-2026-08.xlsx")


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    heads, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(heads, row, strict=True)) for row in rows]


def is_total(row: dict[str, Any]) -> bool:
    return str(next(iter(row.values()))).startswith("Total")


def parquet(folder: Path, name: str, query: str) -> Any:
    with duckdb.connect() as connection:
        return connection.execute(query.replace("FILE", f"'{folder}/parquet/{name}.parquet'")).fetchall()


def stored(folder: Path, query: str) -> Any:
    release()
    with duckdb.connect(str(folder.parent / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_the_spreadsheet_has_a_sheet_for_each_question(book: Any) -> None:
    assert book.sheetnames == SHEETS
    for sheet in book:
        assert (sheet.freeze_panes, sheet.auto_filter.ref.startswith("A1:")) == ("B2", True)
        assert (sheet.page_setup.orientation, sheet.print_title_rows) == ("landscape", "$1:$1")


def test_every_amount_has_room_for_its_currency(book: Any) -> None:
    for sheet in book:
        for column in sheet.iter_cols():
            amounts = [cell for cell in column if '"' in str(cell.number_format)]
            widest = max((len(f"{cell.value:,.2f} USD") for cell in amounts), default=0)
            assert sheet.column_dimensions[column[0].column_letter].width > widest, (sheet.title, column[0].value)


def test_sums_of_the_sheets_are_those_of_the_warehouse(folder: Path, book: Any) -> None:
    ((cost, total, billed),) = stored(
        folder, "SELECT sum(pax8_cost), sum(pax8_total), sum(halo_money) FROM monthly.rows WHERE month = '2026-08'"
    )
    ((invoiced,),) = stored(folder, "SELECT sum(invoiced_cost) FROM monthly.sums WHERE month = '2026-08'")
    assert cost == invoiced
    for name in ("Three-way", "By client", "By product"):
        *rows, last = rows_of(book[name])
        for title, wanted in (
            ("Invoiced by Pax8", cost),
            ("At client prices", total),
            ("Billed by Halo a month", billed),
        ):
            assert sum(Decimal(str(row[title])) for row in rows) == wanted, (name, title)
            assert Decimal(str(last[title])) == wanted
    of_items = parquet(folder, "usage", "SELECT sum(cost) FROM FILE") + parquet(
        folder, "credits", "SELECT sum(cost) FROM FILE"
    )
    kinds = ("usage", "credit")
    assert [row[0] for row in of_items] == [
        stored(folder, f"SELECT sum(cost) FROM monthly.items WHERE month = '2026-08' AND kind = '{kind}'")[0][0]
        for kind in kinds
    ]


def test_a_total_is_the_sum_of_what_is_known_and_says_of_how_many_rows_it_is_not(folder: Path, book: Any) -> None:
    of_month = "FROM monthly.rows WHERE month = '2026-08'"
    ((difference, unknown, margin),) = stored(
        folder, f"SELECT sum(difference), count(*) FILTER (difference IS NULL), sum(margin) {of_month}"
    )
    assert unknown > 0
    last = rows_of(book["Three-way"])[-1]
    assert last["Client"] == f"Total ({unknown} not known)"
    assert (Decimal(str(last["Difference a month"])), Decimal(str(last["Margin a month"]))) == (difference, margin)
    (known,) = [row for row in rows_of(book["Acknowledgements"]) if is_total(row)]
    assert (known["Client"], known["Difference a month"]) == ("Total", -110)
    # The month before was never compared: there is no sum of it, and none is made up.
    last = rows_of(book["By client"])[-1]
    assert last["Margin the month before"] == "not known"


def test_csv_parquet_and_sheets_have_the_same_rows(folder: Path, book: Any) -> None:
    for name in SHEETS:
        file = name.lower().replace(" ", "-")
        with (folder / "csv" / f"{file}.csv").open(newline="") as lines:
            cells = list(csv.DictReader(lines))
        ((count,),) = parquet(folder, file, "SELECT count(*) FROM FILE")
        shown = [row for row in rows_of(book[name]) if not is_total(row)]
        assert len(cells) == count == len(shown), name
    assert parquet(folder, "three-way", "SELECT typeof(any_value(pax8_cost)) FROM FILE") == [("DECIMAL(28,10)",)]


def test_no_text_is_a_formula_and_ids_are_text(folder: Path, book: Any) -> None:
    assert [
        cell.coordinate for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
    ] == []
    (client,) = [row for row in rows_of(book["By client"]) if row["Client"] == FORMULA]
    assert client["Halo client id"] == "231"
    assert book["By client"]["D2"].number_format == '#,##0.00" USD"'
    for path in (folder / "csv").iterdir():
        with path.open(newline="") as lines:
            assert not [cell for row in csv.reader(lines) for cell in row if cell[:1] in ("=", "@")], path


def test_acknowledgements_have_names_and_are_no_open_items(book: Any) -> None:
    (known,) = [row for row in rows_of(book["Acknowledgements"]) if not is_total(row)]
    assert (known["Who"], known["Why"], known["Row id for acknowledge"]) == (
        "@Ada",
        "=known",
        f"month_under_billed:2026-08:seats:{SUB}",
    )
    assert known["Row id for acknowledge"] not in {row["Row id for acknowledge"] for row in rows_of(book["Open items"])}
    three = rows_of(book["Three-way"])
    assert Counter(row["Acknowledged by"] for row in three)["@Ada"] == 1
    assert {row["Pax8 company id"] for row in three if row["Kind"] == "seats"} == {COMPANY}


def test_the_sign_off_page_names_person_and_checksums_and_the_list_of_sums_is_true(folder: Path) -> None:
    (checksum,) = stored(folder, "SELECT checksum FROM billing.month_closings")[0]
    html = (folder / "sign-off-2026-08.html").read_text()
    assert checksum in html
    assert re.search("Closed by</dt><dd>Ada<", html)
    lines = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
    listed = {name: checksum for checksum, name in lines}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert set(listed) == files
    for name, wanted in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == wanted
        assert name == "sign-off-2026-08.html" or wanted in html


def test_the_pages_need_nothing_else_and_show_names_as_text(folder: Path) -> None:
    for name in ("month-2026-08.html", "sign-off-2026-08.html"):
        html = (folder / name).read_text()
        parsed = pages.outline(html)
        assert [tag for tag, attributes in parsed.tags if {"src", "srcset"} & set(attributes) or tag == "link"] == []
        assert [a["href"] for a in parsed.found("a") if not str(a["href"]).startswith("#")] == []
        assert "default-src 'none'" in html
    assert FORMULA in "".join(pages.outline((folder / "month-2026-08.html").read_text()).text)
