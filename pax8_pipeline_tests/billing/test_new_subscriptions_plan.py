"""What plans propose for subscriptions that nobody is billed for, and why they do not: policy new_subscriptions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline_tests.support.vendor_data import (
    COMPANY,
    VendorData,
    company,
    invoice,
    licence,
    manual_line,
    planned,
    subscription,
)

PRODUCT, UNMAPPED = "8e0d1c55-77a3-4d0e-9d2f-0c4b6a1e7f90", "8e0d1c55-77a3-4d0e-9d2f-0c4b6a1e7f91"
NEW_COMPANY, NAMESAKE = "5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a12", "5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a13"
BOTH = {"propose": "licences_and_lines", "clients": "propose"}
# What each subscription is like: what makes it different, and what is said of its line.
SUBSCRIPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "ready": ({}, "new_line"),
    "no item": ({"productId": UNMAPPED}, "new_no_item"),
    "no price": ({"price": 0}, "new_no_price"),
    "other currency": ({"currencyCode": "EUR"}, "new_currency"),
    "no invoice": ({"billingTerm": "3-Year"}, "new_no_invoice"),
    "other period": ({}, "new_period"),
    "invoice off": ({}, "new_invoice"),
    "half a seat": ({"quantity": 2.5}, "new_quantity"),
    "licence off": ({}, "new_licence_differs"),
    "licence on": ({}, "new_line"),
    "annual": ({"billingTerm": "Annual"}, "new_line"),
    "ending": ({"status": "PendingCancel", "endDate": "2026-12-31T00:00:00Z"}, ""),
}
INVOICES = {"other period": -95, "invoice off": -96}


def id_of(name: str) -> str:
    return f"c2b8a9d0-6f34-4a6f-8a1b-{list(SUBSCRIPTIONS).index(name):012d}"


@dataclass
class WithItems(VendorData):
    """Vendor data with items of Halo."""

    items: list[dict[str, Any]] = field(default_factory=lambda: [{"id": 88, "name": "Suite", "baseprice": 30}])

    def reads(self) -> list[snapshots.Read]:
        rows = snapshots.raw_objects("/Item", self.items)
        items = snapshots.Read("halo.items", rows, "/Item", expected=len(self.items))
        return [items if read.table == "halo.items" else read for read in super().reads()]


def vendor_data() -> WithItems:
    subscriptions = [subscription(id=id_of(name), **changes) for name, (changes, _) in SUBSCRIPTIONS.items()]
    newcomers = [
        subscription(id="c2b8a9d0-6f34-4a6f-8a1b-000000000901", companyId=NEW_COMPANY),
        subscription(id="c2b8a9d0-6f34-4a6f-8a1b-000000000902", companyId=NAMESAKE),
    ]
    clients = [
        {"id": 231, "name": "Example", "currencyisocode": "USD", "pax8monthlyinvoice": -94, "pax8annualinvoice": -95},
        {"id": 232, "name": " namesake ltd", "currencyisocode": "USD"},
    ]
    return WithItems(
        companies=[
            company(),
            company(id=NEW_COMPANY, name="Harbour Lane Print"),
            company(id=NAMESAKE, name="Namesake Ltd"),
        ],
        subscriptions=[*subscriptions, *newcomers],
        clients=[{"inactive": False, **row} for row in clients],
        licences=[
            licence(id=1, snowid=id_of("licence off"), is_active=False),
            licence(id=2, snowid=id_of("licence on")),
        ],
        recurring=[
            invoice([manual_line(id=1)]),
            invoice([], id=-95, period=3),
            invoice([], id=-96, disabled=True),
        ],
        subscription_map=[(id_of(name), number, None, None) for name, number in INVOICES.items()],
        item_map=[(PRODUCT, 88)],
    )


def plan_of(folder: Path, **new: Any) -> dict[str, dict[str, Any]]:
    trust = new.pop("trust", {})
    policy = Policy.model_validate({"new_subscriptions": new, "trust": trust})
    warehouse = vendor_data().load(folder, policy=policy)
    return {row["row_id"]: row for row in planned(warehouse, policy=policy) if row["verdict"].startswith("new_")}


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return plan_of(tmp_path_factory.mktemp("new"), **BOTH)


@pytest.mark.parametrize("name", SUBSCRIPTIONS)
def test_a_line_is_proposed_or_what_it_needs_is_named(name: str, proposed: dict[str, dict[str, Any]]) -> None:
    row, reason = proposed.get(f"new line {id_of(name)}"), SUBSCRIPTIONS[name][1]
    if not reason:
        assert row is None
        return
    assert row is not None
    assert (row["reason"], row["class"]) == (reason, "needs_approval" if reason == "new_line" else "blocked")
    assert row["sentence"]


def test_a_licence_is_proposed_where_none_carries_the_id(proposed: dict[str, dict[str, Any]]) -> None:
    found = {key: row["class"] for key, row in proposed.items() if row["verdict"] == "new_licence"}
    without = [name for name, (_, reason) in SUBSCRIPTIONS.items() if reason and not name.startswith("licence")]
    assert set(found) == {f"new licence {id_of(name)}" for name in without}
    assert found.pop(f"new licence {id_of('half a seat')}") == "blocked"
    assert set(found.values()) == {"needs_approval"}


def test_a_line_has_its_invoice_its_price_and_its_money_a_month(proposed: dict[str, dict[str, Any]]) -> None:
    monthly, annual = (proposed[f"new line {id_of(name)}"] for name in ("ready", "annual"))
    assert (monthly["recurring_invoice_id"], annual["recurring_invoice_id"]) == (-94, -95)
    assert (monthly["money_per_month"], monthly["delta"], monthly["currency"]) == (Decimal(440), 20, "USD")
    assert annual["money_per_month"] == Decimal("36.666666")
    assert monthly["after"] == "line with quantity 20 at 22 USD"
    line = json.loads(monthly["expect"])["line"]
    assert (line["price"], line["cost"], line["item_id"], line["type"]) == ("22", "17", 88, 4)
    assert sum(row["unbilled_per_month"] for row in proposed.values()) == 0


def test_a_client_is_proposed_unless_one_has_its_name(proposed: dict[str, dict[str, Any]]) -> None:
    found = {key: (row["class"], row["reason"]) for key, row in proposed.items() if row["verdict"] == "new_client"}
    assert found == {
        f"new client {NEW_COMPANY}": ("needs_approval", "new_client"),
        f"new client {NAMESAKE}": ("blocked", "new_same_name"),
    }
    assert not [row for row in proposed.values() if row["company_id"] == COMPANY and row["verdict"] == "new_client"]


@pytest.mark.parametrize(
    ("new", "verdicts"),
    [
        ({}, set()),
        ({"propose": "licences"}, {"new_licence"}),
        ({"clients": "propose"}, {"new_client"}),
    ],
)
def test_only_what_the_policy_names_is_proposed(new: dict[str, str], verdicts: set[str], tmp_path: Path) -> None:
    assert {row["verdict"] for row in plan_of(tmp_path, **new).values()} == verdicts


def test_the_client_trust_mode_observe_keeps_it_back(tmp_path: Path) -> None:
    found = plan_of(tmp_path, propose="licences", trust={"clients": {231: "observe"}})
    assert {row["reason"] for row in found.values()} == {"trust_observe", "new_quantity"}


@pytest.mark.parametrize(
    ("new", "invoices"),
    [
        ({"recurring_invoice": "mapping"}, {"ready": None, "annual": None}),
        ({"recurring_invoice": "only_one"}, {"ready": -94, "annual": -95}),
        ({"recurring_invoice": "contract", "contracts": {231: 61}}, {"ready": -94, "annual": None}),
    ],
)
def test_the_recurring_invoice_is_found_by_the_rule(
    new: dict[str, Any], invoices: dict[str, int | None], tmp_path: Path
) -> None:
    data = vendor_data()
    data = replace(data, recurring=[{**row, "contract_id": 61 if row["id"] == -94 else 0} for row in data.recurring])
    policy = Policy.model_validate({"new_subscriptions": {**BOTH, **new, "price": "item", "line": "manual"}})
    rows = {row["row_id"]: row for row in planned(data.load(tmp_path, policy=policy), policy=policy)}
    found = {name: rows[f"new line {id_of(name)}"] for name in invoices}
    assert {name: row["recurring_invoice_id"] for name, row in found.items()} == invoices
    line = json.loads(found["ready"]["expect"])["line"]
    assert (line["price"], line["type"]) == ("30", 0)
