"""The summary of a run fits one screen, sorts by money, and says what to do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.billing.findings import FindingTotals
from pax8_pipeline.billing.verdicts import ALL_VERDICTS
from pax8_pipeline.reports import summary

MONEY = {"USD": {"up": "110.00", "down": "-69.67", "usage": "1234.50"}, "GBP": {"up": "0.00", "down": "0.00"}}
FOUND = FindingTotals(losses=2, overcharges=1, new=1, lost_a_month={"USD": Decimal("464.91"), "GBP": Decimal(20)},
             overcharged_a_month={"USD": Decimal(9)})  # fmt: skip


def row(number: int, **changes: Any) -> dict[str, Any]:
    base = {
        "row_id": f"row {number}", "class": "blocked", "verdict": "unbilled", "client_name": f"Client {number} of the High Street",
        "company_name": "", "product_name": "Contora 365 Business Standard", "currency": "USD", "is_new": False, "state": None,
        "acknowledged": False, "at_stake": None, "unbilled_per_month": Decimal(number), "money_per_month": None,
    }  # fmt: skip
    return {**base, **changes}


def texts(
    rows: list[dict[str, Any]], width: int = 80, sentence: str = "nothing to write", found: FindingTotals = FOUND
) -> list[str]:
    return summary.lines(f"{sentence}; {found.sentence}; put them right", True, MONEY, found, rows, width)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits_a_screen_and_no_line_is_wider_than_it(width: int) -> None:
    rows = [row(n, is_new=True, verdict=verdict.name) for n, verdict in enumerate(ALL_VERDICTS, 1)]
    lines = texts(rows, width)
    assert len(lines) <= 26
    assert max(map(len, lines)) <= width


def test_the_largest_rows_come_first_and_each_is_one_line() -> None:
    rows = [
        row(5),
        row(100, is_new=True),
        row(3, at_stake=Decimal(-5000), verdict="charged_by_halo_only"),
        row(1, **{"class": "no_op"}),
    ]
    lines = summary.largest(rows, 100)
    assert lines[0] == "3 largest rows, * = new"
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["5,000.00", "USD", "billed"],
        ["*", "100.00", "USD"],
        ["5.00", "USD", "not"],
    ]
    assert "Client 100 of the High Street: Contora 365" in lines[2]
    assert "  2 x add the line in Halo, or link it in data/mappings/subscriptions.csv" in lines
    assert summary.largest([row(1, **{"class": "no_op"}), row(2, acknowledged=True)], 100) == []


def test_more_rows_than_shown_are_counted() -> None:
    assert summary.largest([row(n) for n in range(1, 21)], 80)[0] == "8 largest rows of 20"
    assert summary.largest([row(1)], 80)[0] == "1 row"


def test_a_narrow_screen_has_fewer_rows_because_sentences_take_more_lines() -> None:
    rows = [row(n, is_new=True) for n in range(1, 21)]
    assert "5 largest rows of 20, * = new" in texts(rows, 60)
    assert "8 largest rows of 20, * = new" in texts(rows, 80)


def test_money_has_a_column_for_each_currency_with_separators_and_no_double_negative() -> None:
    lines = summary.money_lines(MONEY, FOUND, 80)
    table = {line[:28].strip(): line[28:].split() for line in lines}
    assert table["Money"] == ["USD", "GBP"]
    assert table["increases a month"] == ["+110.00", "0.00"]
    assert table["decreases a month"] == ["-69.67", "0.00"]
    assert table["net a month"] == ["+40.33", "0.00"]
    assert table["not billed, a month"] == ["464.91", "20.00"]
    assert table["usage to bill"] == ["1,234.50", "0.00"]
    assert "usage not billed" not in table
    assert summary.money_lines({}, FindingTotals(), 80) == []


def test_currencies_that_do_not_fit_are_named() -> None:
    found = FindingTotals(
        lost_a_month={name: Decimal(n) for n, name in enumerate(("USD", "GBP", "EUR", "CHF", "AUD"), 1)}
    )
    assert summary.money_lines({}, found, 60)[-1] == "  also EUR, GBP, USD: see the report"


def test_a_night_without_news_has_no_rows() -> None:
    lines = texts([row(n) for n in range(1, 30)], found=FindingTotals(losses=29, lost_a_month={"USD": Decimal(435)}))
    assert lines[0] == "nothing to write; 29 findings wait for a person (none new)"
    assert "Nothing new since the last run; 29 rows stay held." in lines
    assert len([line for line in lines if line]) <= 8


def test_the_headline_says_all_that_holds_a_run() -> None:
    held = "held by a guardrail: " + "; ".join(f"client {n} would change {n} lines" for n in range(60))
    lines = summary.headline(held, False, FindingTotals(), 80)
    assert " ".join(lines) == held
    assert max(map(len, lines)) <= 80
    assert summary.headline("done: nothing to write", False, FindingTotals(), 80) == ["done: nothing to write"]


def test_what_was_written_has_a_mark_of_its_own() -> None:
    lines = summary.largest([row(1, **{"class": "safe"}, verdict="increase", state="verified")], 80)
    assert lines[0] == "1 row, w = written"
    assert lines[1].startswith("w ")


def test_every_verdict_of_a_row_that_is_shown_has_a_label_and_every_check_a_next_step() -> None:
    assert [v.name for v in ALL_VERDICTS if v.cls != "no_op" and not v.label] == []
    assert max(len(v.label) for v in ALL_VERDICTS) <= 25
    assert {v.check for v in ALL_VERDICTS if v.check} <= set(summary.STEPS)
