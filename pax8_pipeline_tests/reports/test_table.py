"""One table, many renderings: the same values, aligned, escaped for each output, never cut."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from rich.cells import cell_len

from pax8_pipeline.reports import table
from pax8_pipeline.reports.table import Column, Table

COLUMNS = (
    Column("client", "Client"),
    Column("id", "Subscription", "id"),
    Column("seats", "Seats", "count"),
    Column("amount", "A month", "money", unknown="not known"),
    Column("currency", "Currency"),
)
ID = "c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a02"
NASTY = "=1+1 | <b>Ünï</b>\x1b[31m\u202e end"


def row(**changes: Any) -> dict[str, Any]:
    base = {
        "client": "Example Dental Group of the High Street",
        "id": ID,
        "seats": 1200,
        "amount": Decimal("1234.5"),
        "currency": "USD",
    }
    return {**base, **changes}


def made(*rows: dict[str, Any]) -> Table:
    return Table("Clients", COLUMNS, rows, table.totals_by_currency(rows, COLUMNS, "client"))


def test_totals_are_by_currency_and_an_unknown_amount_makes_an_unknown_total() -> None:
    rows = [row(), row(amount=Decimal("0.5")), row(currency="EUR", amount=None), row(currency="EUR", amount=Decimal(9))]
    assert table.totals_by_currency(rows, COLUMNS, "client") == [
        {"client": "Total", "currency": "EUR", "seats": 2400, "amount": None},
        {"client": "Total", "currency": "USD", "seats": 2400, "amount": Decimal(1235)},
    ]


def test_markdown_aligns_figures_and_escapes_names() -> None:
    text = table.markdown(made(row(client=NASTY)))
    assert text.splitlines()[1] == "|---|---|---:|---:|---|"
    assert "\\| &lt;b>" in text
    assert "&lt;U+001B>" in text
    assert text.splitlines()[-1].startswith("| Total |")


def test_markdown_counts_what_it_does_not_show() -> None:
    text = table.markdown(made(*(row() for _ in range(1500))), 2, "{count} more")
    assert text.endswith("\n\n1,498 more")
    assert "Total" not in text


def test_csv_keeps_exact_numbers_and_runs_no_formula() -> None:
    lines = table.csv_text(made(row(client=NASTY, amount=Decimal("0.12340")))).splitlines()
    assert lines[1].split(",")[3] == "0.1234"
    assert lines[1].startswith("'=1+1")


@pytest.mark.parametrize("width", [40, 60, 80, 99, 100, 120, 200])
def test_a_terminal_never_cuts_a_word_and_is_never_overrun(width: int) -> None:
    rows = [row(), row(client="日本語の会社名 Ltd", amount=None), row(client="x" * 30, currency="EUR")]
    lines = table.text_lines(made(*rows), width)
    assert max(map(cell_len, lines)) <= width
    text = " ".join(lines)
    for word in ("Example", "Dental", "Street", ID, "1,234.50", "日本語の会社名", "x" * 30, "known"):
        assert word in text


def test_a_narrow_terminal_shows_a_value_on_each_line_and_no_box() -> None:
    lines = table.text_lines(made(row()), 60)
    assert lines[0].split() == ["Client:", "Example", "Dental", "Group", "of", "the", "High", "Street"]
    assert not set("".join(lines)) & set("│┃─━+")
    wide = table.text_lines(made(row()), 160)
    assert wide[0].split()[:3] == ["Client", "Subscription", "Seats"]


def test_columns_without_a_value_are_left_out() -> None:
    shown = made(row(id="", currency=None)).without_empty_columns()
    assert [column.name for column in shown.columns] == ["client", "seats", "amount"]
