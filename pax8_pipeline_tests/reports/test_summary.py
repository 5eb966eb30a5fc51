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
        "acknowledged": False, "action": "none", "at_stake": None, "unbilled_per_month": Decimal(number), "money_per_month": None,
    }  # fmt: skip
    return {**base, **changes}


def texts(
    rows: list[dict[str, Any]],
    width: int = 80,
    sentence: str = "nothing to write",
    found: FindingTotals = FOUND,
    below: int = 0,
) -> list[str]:
    return summary.lines(f"{sentence}; {found.sentence}; put them right", True, MONEY, found, rows, width, below=below)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("below", [0, 8])
def test_it_fits_a_screen_and_no_line_is_wider_than_it(width: int, below: int) -> None:
    rows = [row(n, is_new=True, verdict=verdict.name) for n, verdict in enumerate(ALL_VERDICTS, 1)]
    lines = texts(rows, width, below=below)
    assert len(lines) + below <= summary.SCREEN
    assert max(map(len, lines)) <= width


def test_the_largest_rows_come_first_and_each_is_one_line_with_its_next_step() -> None:
    rows = [
        row(5),
        row(100, is_new=True),
        row(3, at_stake=Decimal(-5000), verdict="charged_by_halo_only"),
        row(1, **{"class": "no_op"}),
    ]
    assert summary.largest(rows, 100) == [
        "3 largest rows, * = new" + " " * 66 + "next step",
        f"{'  5,000.00 USD  billed by Halo only  Client 3 of the High Street: Contora 365 Business':89}end in Halo",
        f"{'*   100.00 USD  not billed           Client 100 of the High Street: Contora 365':89}add a line",
        f"{'      5.00 USD  not billed           Client 5 of the High Street: Contora 365 Business':89}add a line",
        summary.ONE_ROW,
    ]
    assert summary.largest([row(1, **{"class": "no_op"}), row(2, acknowledged=True)], 100) == []


def test_more_rows_than_shown_are_counted_with_those_that_are_new() -> None:
    lines = summary.largest([row(n) for n in range(1, 21)], 80)
    assert lines[0].startswith("8 largest rows  ")
    assert "+12 more: `pax8-pipeline plan show --details`" in lines
    assert summary.largest([row(1)], 80)[0].startswith("1 row  ")
    lines = summary.largest([row(n, is_new=n == 1) for n in range(1, 21)], 80)
    assert "+12 more (1 new): `pax8-pipeline plan show --details`" in lines
    lines = summary.largest(
        [row(n) for n in range(1, 21)], 60, all_rows="pax8-pipeline plan show 20261128-210446 --details"
    )
    assert lines[-2:] == ["+12 more:", "  `pax8-pipeline plan show 20261128-210446 --details`"]


def test_where_the_screen_is_short_there_are_fewer_rows_but_never_fewer_than_three() -> None:
    rows = [row(n, is_new=True) for n in range(1, 21)]
    assert [summary.largest(rows, 80, room=room)[0].split()[0] for room in (30, 8, 2)] == ["8", "5", "3"]
    # Without room for the client beside the rest, a row takes two lines.
    narrow = [row(n, verdict="unmatched_company", is_new=True) for n in range(1, 21)]
    assert [summary.largest(narrow, 60, room=room)[0].split()[0] for room in (30, 12)] == ["8", "5"]


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
    found = FindingTotals(lost_once={"USD": Decimal(70)}, without_company={"USD": Decimal(40)})
    lines = summary.money_lines({}, found, 80)
    assert [line.split()[-1] for line in lines[1:]] == ["70.00", "40.00"]
    assert lines[2].strip().startswith("of it without a company")
    assert summary.money_lines({}, FindingTotals(), 80) == []


def test_currencies_that_do_not_fit_are_named() -> None:
    found = FindingTotals(
        lost_a_month={name: Decimal(n) for n, name in enumerate(("USD", "GBP", "EUR", "CHF", "AUD"), 1)}
    )
    assert summary.money_lines({}, found, 60)[-1] == "  also EUR, GBP, USD: see the report"


def test_a_night_without_news_has_no_rows() -> None:
    lines = texts([row(n) for n in range(1, 30)], found=FindingTotals(losses=29, lost_a_month={"USD": Decimal(435)}))
    assert lines[0] == "nothing to write; 29 findings wait for a person (none new)"
    assert "Nothing new; 29 rows stay held: `pax8-pipeline plan show --details`" in lines
    assert len(lines) <= 8
    assert "" not in lines


def test_the_proof_is_below_the_result_and_fits_the_width() -> None:
    proof = "Each of the 29 events in Pax8 got the right verdict. The emulated Halo holds exactly the expected state."
    lines = summary.lines("done", False, {}, FindingTotals(), [row(1)], 60, proof=proof)
    assert (lines[0], " ".join(lines[1:3])) == ("done", proof)


def test_the_headline_says_all_that_holds_a_run() -> None:
    held = "held by a guardrail: " + "; ".join(f"client {n} would change {n} lines" for n in range(60))
    lines = summary.headline(held, False, FindingTotals(), 80)
    assert " ".join(lines) == held
    assert max(map(len, lines)) <= 80
    assert summary.headline("done: nothing to write", False, FindingTotals(), 80) == ["done: nothing to write"]
