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
    assert lines[4:] == [
        "  billed by Halo only: end it in Halo, or acknowledge it",
        "  not billed: add the line in Halo, or link it in data/mappings/subscriptions.csv",
    ]
    assert summary.largest([row(1, **{"class": "no_op"}), row(2, acknowledged=True)], 100) == []


def test_more_rows_than_shown_are_counted() -> None:
    lines = summary.largest([row(n) for n in range(1, 21)], 80)
    assert lines[0] == "8 largest rows"
    assert "+12 more: `pax8-pipeline plan show --details`" in lines
    assert summary.largest([row(1)], 80)[0] == "1 row"


def test_a_narrow_screen_has_fewer_rows_because_sentences_take_more_lines() -> None:
    rows = [row(n, is_new=True) for n in range(1, 21)]
    narrow = texts(rows, 60)
    first = narrow.index("4 largest rows, * = new") + 1
    assert narrow[first : first + 2] == [
        "*     20.00 USD  not billed",
        "                 Client 20 of the High Street: Contora ...",
    ]
    assert "8 largest rows, * = new" in texts(rows, 80)


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
    assert len([line for line in lines if line]) <= 8


def test_the_proof_is_below_the_result_and_fits_the_width() -> None:
    proof = "Each of the 29 events in Pax8 got the right verdict. The emulated Halo holds exactly the expected state."
    lines = summary.lines("done", False, {}, FindingTotals(), [row(1)], 60, proof=proof)
    assert (lines[0], " ".join(lines[1:3])) == ("done", proof)


def test_usage_without_a_company_is_named_by_its_group() -> None:
    evidence = '{"resource_group": "Tenant 03", "month": "2026-07"}'
    unassigned = row(1, verdict="usage_unassigned", client_name=None, evidence=evidence)
    assert "no company: Tenant 03, 2026-07" in summary.largest([unassigned], 80)[1]


def test_rows_that_need_nothing_come_last() -> None:
    rows = [row(9, **{"class": "no_op"}, verdict="in_step"), row(2)]
    assert [r["row_id"] for r in summary.by_money(rows)] == ["row 2", "row 9"]


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
