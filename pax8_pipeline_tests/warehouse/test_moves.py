"""A subscription that ends and one that seems to carry it on are proposed as a move; a mapping row accepts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.many_cases import combine, plan_many
from pax8_pipeline_tests.support.vendor_data import (
    SUB,
    VendorData,
    invoice,
    licence,
    line,
    manual_line,
    planned,
    subscription,
)

Row = dict[str, Any]
NEW = "aaaaaaaa-0000-4000-8000-000000000002"
THIRD = "bbbbbbbb-0000-4000-8000-000000000003"
PRODUCT, OTHER_PRODUCT = "8e0d1c55-77a3-4d0e-9d2f-0c4b6a1e7f90", "9f0d1c55-77a3-4d0e-9d2f-0c4b6a1e7f91"
ENDED = {"status": "Cancelled", "endDate": "2026-08-19"}
COMING = {"status": "PendingCancel", "endDate": "2026-08-31"}
HOLD = Policy.model_validate({"renewals": {"hold_endings": True}})
TERM: Row = {"commitment": {"term": "1-Year", "endDate": "2026-08-19"}}
OF_VENDOR = [
    {"id": PRODUCT, "name": "Suite Basic", "vendorName": "Contora"},
    {"id": OTHER_PRODUCT, "name": "Suite Premium", "vendorName": "Contora"},
]


def old(**changes: Any) -> Row:
    return subscription(**{**ENDED, **changes})


def new(start: str = "2026-08-20", **changes: Any) -> Row:
    return subscription(id=NEW, startDate=start, billingStart=start, **changes)


def pair(old_one: Row, new_one: Row, *others: Row, **changes: Any) -> VendorData:
    return VendorData(subscriptions=[old_one, new_one, *others], **changes)


def by_hand(old_one: Row, new_one: Row, *, accepted: bool) -> VendorData:
    mapped = [(SUB, -94, 24967, None), *([(NEW, -94, 24967, None)] if accepted else [])]
    return pair(old_one, new_one, licences=[], recurring=[invoice([manual_line()])], subscription_map=mapped)


def accepted(old_one: Row, new_one: Row, *others: Row, **changes: Any) -> VendorData:
    return pair(old_one, new_one, *others, subscription_map=[(NEW, -94, 24967, 4127)], **changes)


def moves_of(warehouse: Warehouse) -> list[Row]:
    with warehouse.connect() as connection:
        return snapshots.dicts(connection.execute("FROM reconciled.moves ORDER BY old_subscription_id"))


PROPOSED: dict[str, tuple[VendorData, str, int]] = {
    # name: data, kind, score
    "the same again on the next day": (pair(old(), new()), "new_purchase", 100),
    "a commitment that renews": (pair(old(**TERM), new(**TERM)), "renewal", 100),
    "other seats": (pair(old(), new(quantity=3)), "new_purchase", 85),
    "some more seats and another price": (pair(old(), new(quantity=24, price=30)), "new_purchase", 83),
    "five days between": (pair(old(endDate="2026-08-15"), new("2026-08-20")), "new_purchase", 93),
    "both for a while": (pair(old(**COMING), new("2026-08-20")), "new_purchase", 83),
    "before it starts": (pair(old(**COMING), new("2026-09-01")), "new_purchase", 100),
    "another term": (pair(old(), new(billingTerm="Annual", price=240)), "term_change", 85),
    "another product of the vendor": (
        pair(old(), new(productId=OTHER_PRODUCT, productName="Suite Premium"), products=OF_VENDOR), "product_change", 83,
    ),
    "a trial that is paid now": (pair(subscription(status="Trial", endDate="2026-08-19"), new()), "paid_trial", 100),
    "on a manual line": (by_hand(old(), new(), accepted=False), "new_purchase", 100),
}  # fmt: skip
NOT_PROPOSED = {
    "forty days between": pair(old(endDate="2026-07-10"), new("2026-08-20")),
    "another product of another vendor": pair(old(), new(productId=OTHER_PRODUCT)),
    "another company": pair(old(), new(companyId="5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a99")),
    "the old one goes on": pair(subscription(), new()),
    "the new one is billed already": pair(
        old(), new(), licences=[licence(), licence(id=4128, snowid=NEW)],
        recurring=[invoice([line(), line(id=24968, quantity_subscriptions=[{"id": 902, "licence_id": 4128}])])],
    ),
    "the old line is off": pair(old(), new(), recurring=[invoice([line(isinactive=True)])]),
    "the new one started first": pair(old(), new("2026-01-01")),
    "accepted": accepted(old(), new()),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    cases = {name: data for name, (data, _, _) in PROPOSED.items()} | NOT_PROPOSED
    combined = combine(cases)
    return combined.split(moves_of(combined.load(tmp_path_factory.mktemp("moves"))))


@pytest.mark.parametrize("name", PROPOSED)
def test_a_line_that_seems_to_go_on_is_proposed_as_a_move(name: str, found: dict[str, list[Row]]) -> None:
    _, kind, score = PROPOSED[name]
    (move,) = found[name]
    assert (move["old_subscription_id"], move["new_subscription_id"]) == (SUB, NEW)
    assert (move["line_id"], move["recurring_invoice_id"]) == (24967, -94)
    assert (move["kind"], move["score"]) == (kind, score)


@pytest.mark.parametrize("name", NOT_PROPOSED)
def test_what_does_not_fit_is_not_proposed(name: str, found: dict[str, list[Row]]) -> None:
    assert found[name] == []


def test_the_reasons_say_what_fits_and_what_does_not(found: dict[str, list[Row]]) -> None:
    reasons = {name: found[name][0]["reasons"] for name in PROPOSED}
    assert reasons["the same again on the next day"] == "same product, starts the day after, same seats, same price"
    assert reasons["five days between"] == "same product, 4 days between the two, same seats, same price"
    assert reasons["both for a while"] == "same product, 12 days of both, same seats, same price"
    assert "3 seats after 20" in reasons["other seats"]


def test_two_that_fit_equally_well_are_less_sure(tmp_path: Path) -> None:
    third = subscription(id=THIRD, startDate="2026-08-20", billingStart="2026-08-20")
    (move,) = moves_of(pair(old(), new(), third).load(tmp_path))
    assert (move["new_subscription_id"], move["score"]) == (NEW, 80)
    assert "another subscription fits nearly as well" in move["reasons"]


def test_while_a_move_is_proposed_the_old_line_does_not_end(tmp_path: Path) -> None:
    rows = {row["row_id"]: row for row in planned(pair(old(), new()).load(tmp_path), policy=HOLD)}
    ending = rows[SUB]
    assert (ending["class"], ending["verdict"], ending["reason"]) == ("needs_approval", "cancel", "move_proposed")
    assert f"pax8-pipeline renewals --accept {NEW}" in ending["sentence"]
    assert rows[NEW]["verdict"] == "unbilled"


def test_a_poor_fit_holds_nothing_and_without_the_policy_nothing_is_held(tmp_path: Path) -> None:
    far = pair(old(endDate="2026-07-30"), new("2026-08-20", quantity=1, price=1, billingTerm="Annual"))
    rows = plan_many({"far": far}, tmp_path / "far", HOLD)["far"]
    assert [row["class"] for row in rows if row["row_id"] == SUB] == ["safe"]
    row = next(r for r in planned(pair(old(), new()).load(tmp_path)) if r["row_id"] == SUB)
    assert (row["class"], row["reason"]) == ("safe", "cancel")
    assert "seems to carry it on" in row["sentence"]


# Accepted: the line follows the new one from its first day on, and nothing ends in between.
CARRIED_ON: dict[str, tuple[VendorData, tuple[str, str], tuple[str, str]]] = {
    # name: data, verdict and action of the old one, of the new one
    "on the first day of the new one": (
        accepted(old(), new(quantity=25)), ("moved", "none"), ("increase", "set_licence_count"),
    ),
    "same seats": (accepted(old(), new()), ("moved", "none"), ("in_step", "none")),
    "a manual line": (
        by_hand(old(), new(quantity=25), accepted=True), ("moved", "none"), ("increase", "set_line_quantity"),
    ),
    "in the days between the two": (accepted(old(), new("2026-08-25")), ("moved", "none"), ("not_started", "none")),
    "while only the old one runs": (
        accepted(old(**COMING), new("2026-09-01", quantity=25)), ("pending_cancel", "none"), ("not_started", "none"),
    ),
    "while both run": (
        accepted(old(**COMING), new("2026-08-10", quantity=25)), ("moved", "none"), ("increase", "set_licence_count"),
    ),
    "when the new one has ended too": (
        accepted(old(endDate="2026-08-01"), new("2026-08-02", **ENDED)), ("moved", "none"), ("cancel", "end_line"),
    ),
    "after a trial": (
        accepted(subscription(status="Trial", endDate="2026-08-31"), new()), ("moved", "none"), ("in_step", "none"),
    ),
    # Not moved: what a person did not mean, or not yet.
    "the new one is over before the old one": (
        accepted(old(**COMING), new("2026-08-10", **ENDED)), ("ambiguous", "none"), ("ambiguous", "none"),
    ),
    "two that run": (accepted(subscription(), new()), ("ambiguous", "none"), ("ambiguous", "none")),
    "the mapped one is the older": (
        accepted(subscription(startDate="2026-08-20", billingStart="2026-08-20", **ENDED), new("2026-01-01")),
        ("ambiguous", "none"), ("ambiguous", "none"),
    ),
}  # fmt: skip


def test_an_accepted_move_bills_each_day_once(tmp_path: Path) -> None:
    plans = plan_many({name: data for name, (data, _, _) in CARRIED_ON.items()}, tmp_path)
    decided = {
        name: tuple((row["verdict"], row["action"]) for key in (SUB, NEW) for row in rows if row["row_id"] == key)
        for name, rows in plans.items()
    }
    assert decided == {name: (of_old, of_new) for name, (_, of_old, of_new) in CARRIED_ON.items()}
    # Nothing is said to be billed by Halo alone.
    assert {row["row_id"] for rows in plans.values() for row in rows} == {SUB, NEW}


def test_a_line_that_was_moved_is_no_orphan_when_pax8_forgets_the_old_subscription(tmp_path: Path) -> None:
    data = VendorData(subscriptions=[new()], subscription_map=[(NEW, -94, 24967, 4127)])
    (row,) = planned(data.load(tmp_path))
    assert (row["row_id"], row["verdict"]) == (NEW, "in_step")
    mapped: list[tuple[str, int | None, int | None, int | None]]
    mapped = [(SUB, -94, 24967, None), (NEW, -94, 24967, None)]
    data = VendorData(subscriptions=[new()], licences=[], recurring=[invoice([manual_line()])], subscription_map=mapped)
    assert [(row["row_id"], row["verdict"]) for row in planned(data.load(tmp_path / "by hand"))] == [(NEW, "in_step")]
