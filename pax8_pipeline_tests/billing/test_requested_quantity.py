"""A licence whose quantity is being changed by an order from Halo is held, and the reason says so
(docs/vendors/halo.md#ordering).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.billing.actions.target import requested_quantity
from pax8_pipeline.billing.applying.apply import Applier
from pax8_pipeline_tests.support.billing import (
    TODAY,
    FakeHalo,
    FakePax8,
    MemoryLedger,
    change,
    computed_line,
    plan,
)
from pax8_pipeline_tests.support.billing import licence as held_licence
from pax8_pipeline_tests.support.many_cases import plan_many
from pax8_pipeline_tests.support.vendor_data import VendorData, licence, subscription

EMPTY_DAY, A_DAY = "1900-01-01T00:00:00", "2026-08-19T00:00:00"
# requested quantity and its date, and the change that is under way on a licence with count 20
CASES: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"requested_quantity": None}, None),
    ({"requested_quantity": ""}, None),
    ({"requested_quantity": 0}, None),
    ({"requested_quantity": 0, "requested_quantity_date": EMPTY_DAY}, None),
    ({"requested_quantity": 20, "requested_quantity_date": A_DAY}, None),
    ({"requested_quantity": Decimal("20.0"), "requested_quantity_date": A_DAY}, None),
    ({"requested_quantity": 0, "requested_quantity_date": A_DAY}, "0"),
    ({"requested_quantity": 25, "requested_quantity_date": A_DAY}, "25"),
    ({"requested_quantity": 25, "requested_quantity_date": EMPTY_DAY}, "25"),
    ({"requested_quantity": 25}, "25"),
    ({"requested_quantity": -1}, "-1"),
    ({"requested_quantity": "soon"}, "soon"),
]


ORDERED = licence(requested_quantity=25, requested_quantity_date=A_DAY)
# what Pax8 has, and what is planned
BESIDE_AN_ORDER: list[tuple[dict[str, Any], str, str, str]] = [
    ({"quantity": 20}, "in_step", "no_op", "in_step"),  # nothing to write: there is nothing to hold
    # even where the order and Pax8 agree: Halo is about to write it
    ({"quantity": 25}, "quantity_requested", "blocked", "quantity_requested"),
    ({"quantity": 0}, "quantity_requested", "blocked", "quantity_requested"),
    ({"quantity": 25, "status": "PendingCancel"}, "quantity_requested", "blocked", "quantity_requested"),
    # an end waits for a person
    ({"status": "Cancelled", "endDate": "2026-08-19"}, "cancel", "needs_approval", "quantity_requested"),
]


def requested(members: dict[str, Any]) -> VendorData:
    return VendorData(licences=[licence(**members)], subscriptions=[subscription(quantity=25)])


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The plan's row for each case, by the case's members."""
    cases = {str(members): requested(members) for members, _ in CASES}
    for pax8, *_ in BESIDE_AN_ORDER:
        cases[str(pax8)] = VendorData(licences=[ORDERED], subscriptions=[subscription(**pax8)])
    found = plan_many(cases, tmp_path_factory.mktemp("cases"))
    return {name: row for name, (row,) in found.items()}


@pytest.mark.parametrize(("members", "under_way"), CASES, ids=str)
def test_what_counts_as_a_change_under_way(
    members: dict[str, Any], under_way: str | None, rows: dict[str, dict[str, Any]]
) -> None:
    """SQL and Python read it alike."""
    assert requested_quantity(licence(**members)) == under_way
    row = rows[str(members)]
    assert row["verdict"] == ("increase" if under_way is None else "quantity_requested")
    if under_way is not None:
        assert (row["class"], row["action"]) == ("blocked", "none")
        assert f"{under_way} is ordered for licence 4127, its count is 20" in row["sentence"]


@pytest.mark.parametrize(("pax8", "verdict", "cls", "reason"), BESIDE_AN_ORDER, ids=str)
def test_the_quantity_is_held_whatever_pax8_says(
    pax8: dict[str, Any], verdict: str, cls: str, reason: str, rows: dict[str, dict[str, Any]]
) -> None:
    row = rows[str(pax8)]
    assert (row["verdict"], row["class"], row["reason"]) == (verdict, cls, reason)
    assert (row["action"] == "none") is (cls != "needs_approval")


@pytest.mark.parametrize(
    ("seen", "now", "states"),
    [
        (None, {}, {"verified": 1}),
        (None, {"requested_quantity": 9, "requested_quantity_date": A_DAY}, {"drifted": 1}),
        ("9", {"requested_quantity": 9, "requested_quantity_date": A_DAY}, {"verified": 1}),
        ("9", {}, {"drifted": 1}),
    ],
)
def test_an_order_made_since_the_plan_is_drift(seen: str | None, now: dict[str, Any], states: dict[str, int]) -> None:
    header = {"id": -94, "client_id": 231, "lines": [computed_line(1, 11)]}
    halo = FakeHalo({-94: header}, {11: held_licence(11, **now)})
    planned_change = change("set_licence_count", 8, licence_requested=seen)
    outcome = Applier(halo, FakePax8(), MemoryLedger(), TODAY).apply(plan(), [planned_change])
    assert outcome.states == states
    assert halo.attempts == (1 if states == {"verified": 1} else 0)
