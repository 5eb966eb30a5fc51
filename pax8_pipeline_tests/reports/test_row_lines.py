"""A row of a plan is one line of a terminal, with its next step; no word of a name is ever cut."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from rich.cells import cell_len

from pax8_pipeline.billing.verdicts import ALL_VERDICTS
from pax8_pipeline.reports.next_steps import LONGEST_STEP, STEPS, short_step
from pax8_pipeline.reports.row_lines import by_money, fitted_names, row_lines

CLIENT, PRODUCT = "Glenmoor Architects Ltd", "Contora 365 Business Premium"


def row(number: int, **changes: Any) -> dict[str, Any]:
    base = {
        "row_id": f"row {number}", "class": "blocked", "verdict": "unbilled", "client_name": CLIENT, "company_name": "",
        "product_name": PRODUCT, "currency": "USD", "is_new": False, "state": None, "action": "none",
        "at_stake": None, "unbilled_per_month": Decimal(number), "money_per_month": None,
    }  # fmt: skip
    return {**base, **changes}


def test_every_verdict_that_needs_a_person_or_a_write_has_a_label_a_short_step_and_a_sentence() -> None:
    assert [v.name for v in ALL_VERDICTS if v.cls != "no_op" and not (v.label and v.step)] == []
    assert [v.name for v in ALL_VERDICTS if v.cls == "no_op" and v.step] == []
    assert max(len(v.label) for v in ALL_VERDICTS) <= 25
    assert max(len(v.step) for v in ALL_VERDICTS) <= LONGEST_STEP
    assert {v.check for v in ALL_VERDICTS if v.check} <= set(STEPS)


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"verdict": "unmatched_company"}, "map the client"),
        ({"verdict": "increase", "class": "safe", "action": "set_licence_count"}, "apply"),
        ({"verdict": "increase", "class": "needs_approval", "action": "set_licence_count"}, "approve"),
        ({"verdict": "increase", "class": "blocked", "action": "set_licence_count"}, "change in Halo"),
        ({"verdict": "pending_cancel", "class": "needs_approval"}, "wait"),
        ({"verdict": "increase", "class": "safe", "action": "set_licence_count", "state": "verified"}, "done"),
        ({"verdict": "increase", "class": "safe", "action": "set_licence_count", "state": "unknown"}, "explain it"),
        ({"verdict": "in_step", "class": "no_op"}, ""),
        ({"verdict": "never_heard_of"}, "explain it"),
    ],
)
def test_the_next_step_is_of_what_became_of_the_row_then_of_its_class_then_of_its_verdict(
    changes: dict[str, Any], step: str
) -> None:
    assert short_step(row(1, **changes)) == step


def test_amounts_are_right_aligned_and_a_new_row_has_a_mark() -> None:
    lines = [line for (line,) in row_lines([row(1000, is_new=True), row(5), row(7, unbilled_per_month=None)], 80)]
    assert lines == [
        "* 1,000.00 USD  not billed  Glenmoor Architects Ltd: Contora 365      add a line",
        "      5.00 USD  not billed  Glenmoor Architects Ltd: Contora 365      add a line",
        "                not billed  Glenmoor Architects Ltd: Contora 365      add a line",
    ]


def test_a_long_label_takes_its_room_from_its_own_row() -> None:
    rows = [row(20), row(10, verdict="unmatched_company")]
    first, second = (line for (line,) in row_lines(rows, 80))
    assert first == "  20.00 USD  not billed  Glenmoor Architects Ltd: Contora 365     add a line"
    assert second == "  10.00 USD  company without a client  Glenmoor: Contora 365      map the client"
    assert [len(line) <= 120 and line.index("Glenmoor") for (line,) in row_lines(rows, 120)] == [39, 39]


def test_usage_names_its_month_and_usage_without_a_company_its_group() -> None:
    evidence = '{"resource_group": "Tenant 03", "month": "2026-07"}'
    rows = [
        row(2, verdict="usage_bill", product_name="Usage of July 2026", **{"class": "safe"}),
        row(1, verdict="usage_unassigned", client_name=None, evidence=evidence),
    ]
    first, second = (line for (line,) in row_lines(rows, 120))
    assert "usage to bill            Glenmoor Architects Ltd: July 2026 " in first
    assert second.split("USD")[1].split() == [
        "usage",
        "without",
        "a",
        "company",
        "Tenant",
        "03,",
        "2026-07",
        "assign",
        "in",
        "Pax8",
    ]


def test_a_narrow_screen_leaves_the_product_out_or_names_it_on_a_second_line() -> None:
    one, two = row_lines([row(20), row(10, verdict="unmatched_company")], 60)
    assert one == ["  20.00 USD  not billed  Glenmoor Architects Ltd  add a line"]
    assert two == [
        "  10.00 USD  company without a client         map the client",
        "             Glenmoor Architects Ltd: Contora 365 Business",
    ]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("client", [CLIENT, "", "X" * 200, "日本語 株式会社 東京 支店 " * 9, "A B C D E F G H " * 12])
def test_no_line_is_wider_than_the_screen_and_no_word_is_cut(client: str, width: int) -> None:
    rows = [
        row(n * 1000, client_name=client, verdict=v.name, **{"class": v.cls}) for n, v in enumerate(ALL_VERDICTS, 1)
    ]
    words = {word.rstrip(",;:-") for word in f"{client} {PRODUCT}".split()}
    for lines, shown in zip(row_lines(rows, width), rows, strict=True):
        assert max(cell_len(line) for line in lines) <= width
        verdict = next(v for v in ALL_VERDICTS if v.name == shown["verdict"])
        text = " ".join(lines).split("USD", 1)[1].replace(verdict.label or verdict.name.replace("_", " "), "", 1)
        text = text.replace(short_step(shown), "", 1) if short_step(shown) else text
        assert {word.rstrip(",;:-") for word in text.split()} <= {*words, "..."}


@pytest.mark.parametrize(
    ("room", "text"),
    [
        (60, f"{CLIENT}: {PRODUCT}"),
        (44, f"{CLIENT}: Contora 365"),
        (30, "Glenmoor Architects: Contora"),
        (17, "Glenmoor: Contora"),
        (16, "Glenmoor"),
        (7, "..."),
        (2, ""),
    ],
)
def test_names_are_shortened_by_whole_words(room: int, text: str) -> None:
    assert fitted_names(CLIENT, PRODUCT, room) == text


def test_a_shortened_name_does_not_end_with_a_connecting_word_or_a_comma() -> None:
    assert fitted_names("Quarry Lane Print & Sign", "", 20) == "Quarry Lane Print"
    assert fitted_names("Ironbridge Insurance, Inc.", "", 22) == "Ironbridge Insurance"


def test_rows_that_need_nothing_come_last() -> None:
    rows = [row(9, **{"class": "no_op"}, verdict="in_step"), row(2)]
    assert [r["row_id"] for r in by_money(rows)] == ["row 2", "row 9"]
