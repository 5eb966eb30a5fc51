"""What all checks have in common: severity, what is shown, and what happens when a check itself breaks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, arranged, run_query
from pax8_pipeline.orchestration.checks.registry import CHECKS
from pax8_pipeline_tests.support.checks import evaluate, evaluate_directly, settings_of
from pax8_pipeline_tests.support.vendor_data import VendorData

BAD = CheckOutcome("bad", count=1, rows=[{"a": 1}], money={"USD": Decimal("2.50")}, query="SELECT 1", blocks=True)


def rule(find: object, *, blocking: bool) -> Check:
    return Check("made_up", "staging.companies", "about", find, "correct it", blocking)  # type: ignore[arg-type]


def broken(context: CheckContext) -> CheckOutcome:
    raise RuntimeError("the query is wrong")


@pytest.mark.parametrize(
    ("blocking", "blocks", "severity", "holds"),
    [(True, True, "ERROR", True), (True, False, "WARN", False), (False, True, "WARN", False)],
)
def test_only_a_blocking_check_with_a_grave_finding_holds_anything_back(
    blocking: bool, blocks: bool, severity: str, holds: bool, tmp_path: Path
) -> None:
    found = evaluate(rule(lambda s: replace(BAD, blocks=blocks), blocking=blocking), settings_of(tmp_path))
    assert (found.passed, found.severity, found.holds) == (False, severity, holds)


@pytest.mark.parametrize(("blocking", "holds"), [(True, True), (False, False)])
def test_a_check_that_breaks_holds_back_only_if_it_is_blocking(blocking: bool, holds: bool, tmp_path: Path) -> None:
    found = evaluate(rule(broken, blocking=blocking), settings_of(tmp_path))
    assert not found.passed
    assert "the query is wrong" in found.description
    assert found.holds is holds


def test_a_finding_shows_its_rows_its_money_and_the_query_behind_it(tmp_path: Path) -> None:
    shown = evaluate(rule(lambda s: BAD, blocking=False), settings_of(tmp_path)).metadata
    assert (shown["count"], shown["money"]) == (1, "2.50 USD")
    assert "SELECT 1" in shown["sql"]
    assert [dict(r.data) for r in shown["rows"]] == [{"a": "1", "next_step": "correct it"}]


def test_fifty_rows_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    def many(context: CheckContext) -> CheckOutcome:
        count, rows, sums = run_query(
            context, "SELECT 1.5 AS amount, 'EUR' AS currency FROM range(120)", amount="amount"
        )
        return CheckOutcome("many", count, rows, sums)

    found = evaluate(rule(many, blocking=False), settings_of(tmp_path))
    assert (found.count, len(found.rows), found.metadata["money"]) == (120, 50, "180.00 EUR")


def test_every_check_of_the_product_passes_on_data_in_step(tmp_path: Path) -> None:
    VendorData().load(tmp_path)
    plain = [r for r in CHECKS if not r.table.startswith("billing.")]
    failed = {
        r.name: found.description for r in plain if not (found := evaluate_directly(r, settings_of(tmp_path))).passed
    }
    assert failed == {}


def test_the_next_step_is_the_second_column_and_ids_are_the_last() -> None:
    rows: list[dict[str, Any]] = [
        {"subscription_id": "s-1", "client_name": "Example", "money": 3},
        {"subscription_id": "s-2", "client_name": None, "money": 1},
    ]
    shown = arranged(rows, "map it")
    assert [list(row) for row in shown] == [["client_name", "next_step", "money", "subscription_id"]] * 2
    assert [row["next_step"] for row in shown] == ["map it", "map it"]


def test_a_row_keeps_a_next_step_of_its_own() -> None:
    (row,) = arranged([{"id": 7, "next_step": "wait"}], "map it")
    assert list(row.items()) == [("next_step", "wait"), ("id", 7)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.name} on {check.table}")
def test_every_check_says_what_to_do(check: Check) -> None:
    assert check.next_step
    assert not check.next_step.endswith("."), "a cell of a table is no sentence"
