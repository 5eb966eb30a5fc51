"""What a month's usage should come to, by the world's own oracle, and the odd cases that can be played."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.sandbox.oracle.usage import ExpectedUsage
from pax8_pipeline.sandbox.pax8 import invoices as pax8_billing
from pax8_pipeline.sandbox.pax8.switches import UNASSIGNED_SHAPES
from pax8_pipeline.sandbox.pax8.usage import final_figures
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.text import jsontext
from pax8_pipeline_tests.support.pax8_http import TIMEOUT, Pax8Caller, serving

TODAY = date(2026, 8, 20)
JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)
CENT = Decimal("0.01")


def small(**options: Any) -> World:
    return World(2, TODAY, companies=14, usage=14, subscriptions_per_company=2, **options)


def billed_company(world: World, month: date = JULY) -> str:
    """A company billed for usage in dollars, whose items are clean."""
    return next(company for company, of in world.expected_usage(month).clients.items() if of.currency == "USD")


def all_items(pax8: Pax8Caller) -> list[str]:
    """Every item of every invoice as text, in an order of ours: lists come in none that lasts."""
    return sorted(jsontext.dumps(i) for v in pax8.all("/invoices") for i in pax8.all(f"/invoices/{v['id']}/items"))


def cost_of(expected: ExpectedUsage) -> Decimal:
    """Cost of everything billed, unassigned and skipped, item by item."""
    return sum((one.cost for one in expected.charges), Decimal(0))


def test_a_client_is_billed_the_last_posted_total_of_each_product_of_its_groups() -> None:
    world = small()
    expected = world.expected_usage("2026-07")
    for company, client in expected.clients.items():
        groups = [g for g in world.pax8.groups.values() if g["companyId"] == company and not g["isTrial"]]
        owned = [g for g in groups if f"{world.pax8.companies[company]['name']} (tenant)" != g["resourceGroup"]
                 or world.pax8.subscriptions[g["subscriptionId"]]["companyId"] != company]  # fmt: skip
        figures = [f for g in owned for f in final_figures(world.pax8, g, JULY)]
        assert client.total == sum(f.charges for f in figures)
        assert client.items == len([f for f in figures if f.charges or f.partner_total])
        assert client.client_id == world.links.clients[company].client_id
    assert expected.clients


def test_everything_read_is_billed_unassigned_or_skipped_to_the_cent() -> None:
    world = World.demo(TODAY)
    expected = world.expected_usage(JULY)
    read = Decimal(0)
    for invoice in pax8_billing.visible(world.pax8):
        if invoice["invoiceDate"] == "2026-08-01" and invoice["status"] not in ("Void", "Credited"):
            read += sum(i["costTotal"] for i in pax8_billing.items_of(world.pax8, invoice) if i["term"] == "Arrears")
    assert sum(expected.read.values()) == read == cost_of(expected)
    billed = sum((one.cost for one in expected.charges if not one.why), Decimal(0))
    unassigned = sum((row["cost"] for row in expected.unassigned), Decimal(0))
    skipped = sum((amount for sums in expected.skipped.values() for amount in sums.values()), Decimal(0))
    assert billed + unassigned + skipped == read


def test_each_shape_of_an_unassigned_group_is_nobodys_until_it_is_linked_and_then_the_companys() -> None:
    world = small(unassigned=UNASSIGNED_SHAPES)
    lost = {g["resourceGroup"]: g["id"] for g in world.pax8.groups.values() if g["_assignment"] != "assigned"}
    before = world.expected_usage(JULY)
    assert {row["resource_group"] for row in before.unassigned} >= set(lost)
    assert {row["shape"] for row in before.unassigned} == {"no company", "dangling", "owner"}
    company = billed_company(world)
    for group in lost.values():
        world.assign_group(group, company)
    after = world.expected_usage(JULY)
    assert not {row["resource_group"] for row in after.unassigned} & set(lost)
    money = sum(row["charges"] for row in before.unassigned if row["resource_group"] in lost)
    moved = [c for c in after.charges if c.resource_group in lost]
    assert {c.company_id for c in moved} == {company}
    assert sum(c.total for c in moved) == money
    assert cost_of(after) == cost_of(before)


def test_a_group_linked_to_a_company_shows_it_in_its_summary_but_an_invoice_stays_as_it_was() -> None:
    world = small(unassigned=("null",))
    (group,) = [g for g in world.pax8.groups.values() if g["_assignment"] != "assigned"]
    company = billed_company(world)
    with serving(world) as pax8:
        items = all_items(pax8)
        world.assign_group(group["id"], company)
        assert pax8.get(f"/usage-summaries/{group['id']}")["companyId"].lower() == company
        assert all_items(pax8) == items


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({"total": "-3.20", "cost_total": "-2.10"}, ""),
        ({"quantity": "512.755", "price": "0.05", "cost": "0.038"}, ""),
        ({"total": "10.125", "cost_total": "8.001"}, ""),
        ({"currency": "EUR"}, "currency_mismatch"),
        ({"billed_by_pax8": True}, "billed_by_pax8"),
        ({"total": "0", "cost_total": "0"}, "zero"),
        ({"total": "0", "cost_total": "4"}, "no_price"),
        ({"product_id": "11111111-2222-4333-8444-555555555555"}, "no_item"),
    ],
)
def test_an_odd_charge_goes_onto_a_second_invoice_and_gets_its_verdict(item: dict[str, Any], why: str) -> None:
    world = small()
    company = billed_company(world)
    before = world.expected_usage(JULY)
    made = world.charge(JULY, company_id=company, **item)
    after = world.expected_usage(JULY)
    (charge,) = [c for c in after.charges if c.total == made["total"] and c not in before.charges]
    assert (charge.why, charge.subscription_id, charge.company_id) == (why, "", company)
    change = after.clients[company].total - before.clients[company].total
    assert change == (0 if why else made["total"].quantize(CENT, "ROUND_HALF_UP"))
    assert charge.invoice_id not in {c.invoice_id for c in before.charges}
    assert cost_of(after) - cost_of(before) == made["costTotal"]


def test_a_charge_of_a_month_not_invoiced_yet_is_on_that_months_invoice() -> None:
    world = small()
    company = billed_company(world)
    world.charge(AUGUST, company_id=company, total="12.34", quantity="0.25", group="Lab")
    assert not world.expected_usage(AUGUST).charges
    world.play_to(date(2026, 9, 5))
    (charge,) = [c for c in world.expected_usage(AUGUST).charges if c.resource_group == "Lab"]
    live = [row for row in world.pax8.invoices.values() if row["invoiceDate"] == "2026-09-01" and row["_partner"] == 0]
    assert [charge.invoice_id] == [row["id"] for row in live]


def test_a_charge_nobody_owns_is_unassigned() -> None:
    world = small()
    world.charge(JULY, total="7.00", group="Nobody")
    assert [(r["shape"], r["charges"]) for r in world.expected_usage(JULY).unassigned if r["resource_group"] == "Nobody"] == [
        ("no company", Decimal("7.00"))
    ]  # fmt: skip


def test_a_credited_invoice_stops_counting_and_its_replacement_counts() -> None:
    world = small()
    before = world.expected_usage(JULY)
    old = next(c.invoice_id for c in before.charges if c.currency == "USD")
    new = world.credit_and_rebill(invoice_id=old, share=Decimal("0.5"))
    after = world.expected_usage(JULY)
    invoices = {c.invoice_id for c in after.charges}
    assert new["id"] in invoices
    assert old not in invoices
    assert cost_of(after) < cost_of(before)
    with pytest.raises(ValueError, match="already"):
        world.credit_and_rebill(invoice_id=old)


def test_a_group_of_another_name_under_its_owner_is_billed_once_a_person_confirms_it() -> None:
    world = small(unassigned=("owner",))
    (group,) = [g for g in world.pax8.groups.values() if g["_assignment"] == "owner"]
    owner = world.pax8.subscriptions[group["subscriptionId"]]["companyId"]
    world.assign_group(group["id"], owner)
    name = group["resourceGroup"]
    assert name in {r["resource_group"] for r in world.expected_usage(JULY).unassigned}
    expected = world.expected_usage(JULY, confirmed=[f"{group['subscriptionId']}/{name}"])
    assert name not in {r["resource_group"] for r in expected.unassigned}


def test_a_world_with_odd_charges_survives_saving() -> None:
    world = small(unassigned=UNASSIGNED_SHAPES)
    world.charge(AUGUST, company_id=billed_company(world), total="12.34")
    again = World.from_json(jsontext.loads(jsontext.dumps(world.to_json())))
    for one in (world, again):
        one.play_to(date(2026, 9, 6))
    assert again.expected_usage(AUGUST) == world.expected_usage(AUGUST)


def post(pax8: Pax8Caller, path: str, body: dict[str, Any]) -> Any:
    answer = pax8.session.post(f"{pax8.sandbox.url}/control/{path}", json=body, timeout=TIMEOUT)
    return answer.status_code, answer.json()


def test_all_of_it_can_be_played_through_control() -> None:
    world = small(unassigned=("null",))
    (group,) = [g for g in world.pax8.groups.values() if g["_assignment"] != "assigned"]
    company = billed_company(world)
    with serving(world) as pax8:
        assert post(pax8, "assign", {"group_id": group["id"], "company_id": company})[0] == 200
        status, item = post(
            pax8, "charge", {"month": "2026-07", "company_id": company, "total": "1.005", "group": "Lab"}
        )
        assert (status, item["details"], "_period" in item) == (200, "Lab", False)
        (old,) = {
            c.invoice_id
            for c in world.expected_usage(JULY).charges
            if c.company_id == company and c.resource_group != "Lab"
        }
        assert post(pax8, "invoices", {"action": "credit_and_rebill", "invoice_id": old, "share": "0.8"})[0] == 200
        shown = pax8.session.get(
            f"{pax8.sandbox.url}/control/usage", params={"month": "2026-07"}, timeout=TIMEOUT
        ).json()
        assert Decimal(str(shown["clients"][company]["total"])) == world.expected_usage(JULY).clients[company].total
        assert post(pax8, "charge", {"month": "2026-07", "colour": "red"}) == (400, {"error": "an item has no colour; it has "
            "product_id, product_name, quantity, unit, price, cost, total, cost_total, currency, group, term, billed_by_pax8"})  # fmt: skip
        assert post(pax8, "assign", {"group_id": "no", "company_id": company})[0] == 400
