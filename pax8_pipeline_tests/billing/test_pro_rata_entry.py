"""Where the policy says so, a change of a manual line is a part-period entry, which a person approves."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.settings import Policy
from pax8_pipeline_tests.support.many_cases import plan_many
from pax8_pipeline_tests.support.vendor_data import SUB, VendorData, invoice, line, manual_line, subscription

Row = dict[str, Any]
ENTRY = Policy.model_validate({"pro_rata": {"manual_lines": "entry"}})
# On 20 August 10 of its 31 days are left.
PERIOD = {"nextcreationdate": "2026-08-30T00:00:00", "period_start_date": "2026-07-30T00:00:00"}


def by_hand(quantity: int, *, period: Row | None = None, **on_line: Any) -> VendorData:
    return VendorData(
        subscriptions=[subscription(quantity=quantity)],
        licences=[],
        recurring=[invoice([manual_line(**on_line)], **(PERIOD if period is None else period))],
        subscription_map=[(SUB, -94, 24967, None)],
    )


def waiting(quantity: Any) -> dict[str, Any]:
    return {"prorata_data": [{"id": 1, "quantity": quantity, "isinvoiced": False}]}


CASES: dict[str, tuple[VendorData, tuple[str, str, str]]] = {
    # name: data, (verdict, action, class)
    "more": (by_hand(25), ("increase", "add_pro_rata_entry", "needs_approval")),
    "fewer": (by_hand(15), ("decrease", "add_pro_rata_entry", "needs_approval")),
    "same": (by_hand(20), ("in_step", "none", "no_op")),
    "no date of the next invoice": (by_hand(25, period={}), ("increase", "set_line_quantity", "safe")),
    "a line that follows a licence": (
        VendorData(subscriptions=[subscription(quantity=25)], recurring=[invoice([line()], **PERIOD)]),
        ("increase", "set_licence_count", "safe"),
    ),
    "its entry waits": (by_hand(25, **waiting(5)), ("entry_waits", "none", "no_op")),
    "an entry of other seats waits": (by_hand(25, **waiting(4)), ("pending_pro_rata", "none", "blocked")),
    "an entry that cannot be read waits": (by_hand(25, **waiting("some")), ("pending_pro_rata", "none", "blocked")),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    cases = {name: data for name, (data, _) in CASES.items()}
    return {name: found[0] for name, found in plan_many(cases, tmp_path_factory.mktemp("entry"), ENTRY).items()}


@pytest.mark.parametrize("name", CASES)
def test_a_change_of_a_manual_line_is_an_entry_for_a_person(name: str, rows: dict[str, Row]) -> None:
    assert (rows[name]["verdict"], rows[name]["action"], rows[name]["class"]) == CASES[name][1]


def test_the_row_says_what_the_entry_charges_once_and_what_the_line_bills_then(rows: dict[str, Row]) -> None:
    row = rows["more"]
    assert (row["reason"], row["before"], row["after"]) == ("pro_rata_entry", "20", "25")
    assert "charges about 35.48 USD for 10 of 31 days" in row["sentence"]
    assert row["money_per_month"] == Decimal(110)
    assert '"entry_date":"2026-08-20"' in row["expect"]


def test_without_negative_part_periods_fewer_seats_are_set_at_once(tmp_path: Path) -> None:
    policy = Policy.model_validate({"pro_rata": {"manual_lines": "entry", "negative": False}})
    (row,) = plan_many({"fewer": by_hand(15)}, tmp_path, policy)["fewer"]
    assert (row["action"], row["class"]) == ("set_line_quantity", "safe")


def test_by_default_the_quantity_is_set(tmp_path: Path) -> None:
    found = plan_many({"more": by_hand(25), "waits": by_hand(25, **waiting(5))}, tmp_path)
    assert [row["action"] for row in found["more"]] == ["set_line_quantity"]
    assert [row["verdict"] for row in found["waits"]] == ["pending_pro_rata"]
