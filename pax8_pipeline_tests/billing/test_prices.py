"""Prices of Halo's lines: compared in every run, proposed where the policy asks for it, and never written without a person."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.actions.set_line_price import SetLinePrice
from pax8_pipeline.billing.planning import planner
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import Policy
from pax8_pipeline.settings.policy import load_policy
from pax8_pipeline.warehouse.snapshots import dicts
from pax8_pipeline_tests.support.checks import check
from pax8_pipeline_tests.support.vendor_data import SUB, VendorData, invoice, licence, line, plan_context, subscription

PRODUCT = str(subscription()["productId"])


def prices(folder: Path, vendor_data: VendorData, policy: Policy) -> dict[str, Any]:
    """The price of the one subscription, as reconciled."""
    with vendor_data.load(folder, policy=policy).connect() as connection:
        (row,) = dicts(connection.execute("FROM reconciled.prices"))
    return row


def proposed(folder: Path, vendor_data: VendorData, rules: Any) -> list[dict[str, Any]]:
    """The plan rows of prices, in trust mode auto."""
    policy = Policy.model_validate({"prices": rules, "trust": {"default": "auto"}})
    warehouse = vendor_data.load(folder, policy=policy)
    plan_id = planner.make_plan(warehouse, plan_context(policy=policy)).plan_id
    with warehouse.connect() as connection:
        query = "FROM billing.plan WHERE plan_id = ? AND verdict = 'price_update'"
        return dicts(connection.execute(query, [plan_id]))


def books(*, price: Any = 22, cost: Any = 17, term: str = "Monthly", **of_line: Any) -> VendorData:
    return VendorData(
        subscriptions=[subscription(price=price, partnerCost=cost, billingTerm=term)],
        recurring=[invoice([line(**{"unit_price": 20, "unit_cost": 15, **of_line})])],
    )


def test_price_cost_and_margin_stand_beside_each_other(tmp_path: Path) -> None:
    row = prices(tmp_path, books(), Policy())
    units = Decimal(row["units"])
    assert (row["pax8_price"], row["pax8_cost"], row["halo_price"], row["halo_cost"]) == (22, 17, 20, 15)
    assert row["margin"] == units * 3
    assert (row["wanted_price"], row["rule"]) == (22, "general")


def test_a_subscription_below_its_cost_is_a_finding_of_the_check(tmp_path: Path) -> None:
    data = books(cost=25)
    data.load(tmp_path)
    found = check("negative_margin", "reconciled.prices", tmp_path)
    assert (found.passed, found.severity, found.count) == (False, "WARN", 1)
    assert found.rows[0]["next_step"].startswith("raise the price")


def test_a_margin_above_nothing_or_one_that_nobody_knows_passes(tmp_path: Path) -> None:
    books(cost=None).load(tmp_path / "unknown")
    books().load(tmp_path / "above")
    assert check("negative_margin", "reconciled.prices", tmp_path / "unknown").passed
    assert check("negative_margin", "reconciled.prices", tmp_path / "above").passed


@pytest.mark.parametrize("rules", [{}, "off", False, {"updates": False}])
def test_nothing_is_proposed_unless_the_policy_says_so(rules: Any, tmp_path: Path) -> None:
    assert proposed(tmp_path, books(), rules) == []


def test_a_price_is_proposed_and_waits_also_in_trust_mode_auto(tmp_path: Path) -> None:
    (row,) = proposed(tmp_path, books(), "propose")
    assert (row["class"], row["action"], row["before"], row["after"]) == (
        "needs_approval",
        "set_line_price",
        "20",
        "22",
    )
    assert "20 becomes 22 (prices.price)" in row["sentence"]
    assert (row["delta"], row["money_per_month"]) == (0, row["billed_before"] * 2)
    assert json.loads(row["evidence"])["subscription_id"] == SUB
    assert json.loads(row["expect"])["line_price"] == "20"


@pytest.mark.parametrize(
    ("rules", "after", "rule"),
    [
        ({"price": "cost", "markup_pct": 10}, "18.7", "prices.price"),
        ({"clients": {231: {"price": "cost", "markup_pct": 5}}}, "17.85", "prices.clients"),
        ({"clients": {231: {"price": "cost"}}, "products": {PRODUCT: {"price": "cost", "markup_pct": 50}}}, "25.5", "prices.products"),
    ],
)  # fmt: skip
def test_the_terms_of_a_product_come_before_those_of_a_client(
    rules: dict[str, Any], after: str, rule: str, tmp_path: Path
) -> None:
    (row,) = proposed(tmp_path, books(), {"updates": "propose", **rules})
    assert row["after"] == after
    assert rule in row["sentence"]


def test_a_price_for_a_year_is_met_to_the_cent(tmp_path: Path) -> None:
    (row,) = proposed(tmp_path, books(price="99.99", term="Annual"), "propose")
    assert row["after"] == "8.33"


LINK = {"id": 901, "licence_id": 4127, "qty_free": 0, "minimum_qty": 0}


@pytest.mark.parametrize(
    "data",
    [
        books(price=20),
        books(price="20.004"),
        books(price=None, cost=None),
        books(term="5-Year"),
        books(quantity_subscriptions=[{**LINK, "use_linked_subscription_price": True}]),
    ],
    ids=["equal", "half a cent", "no price", "unknown term", "price of the licence"],
)
def test_what_needs_no_price_or_has_none_is_left_alone(data: VendorData, tmp_path: Path) -> None:
    assert proposed(tmp_path, data, "propose") == []


def test_a_line_whose_quantity_differs_is_written_for_one_reason_at_a_time(tmp_path: Path) -> None:
    data = books()
    data.licences = [licence(count=3)]
    assert proposed(tmp_path, data, "propose") == []


def test_no_action_but_a_price_is_written_by_a_price_row(tmp_path: Path) -> None:
    policy = Policy.model_validate({"prices": "propose"})
    warehouse = books().load(tmp_path, policy=policy)
    plan_id = planner.make_plan(warehouse, plan_context(policy=policy)).plan_id
    with warehouse.connect() as connection:
        (change,) = planner.all_changes(connection, plan_id)
    action = registry.action_of(change)
    assert isinstance(action, SetLinePrice)
    assert [call.fields for call in action.calls(None)] == [{"unit_price": Decimal(22)}]  # type: ignore[arg-type]


def test_a_wrong_word_in_the_policy_is_named(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("prices: always\n")
    with pytest.raises(ConfigError, match=r"prices\.updates"):
        load_policy(tmp_path / "policy.yaml")
