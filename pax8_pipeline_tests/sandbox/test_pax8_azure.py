"""Azure usage as the emulator puts it on an invoice, up to the staged items (docs/vendors/pax8.md#azure)."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from pax8_pipeline.sandbox.pax8.switches import Pax8Switches
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.pax8_http import serving
from pax8_pipeline_tests.support.usage_data import UsageData
from pax8_pipeline_tests.support.vendor_data import TODAY

ITEMS = "SELECT azure_subscription_id AS guid, subscription_id, product_id, total, problem FROM staging.invoice_items"


def arrears(style: str) -> list[list[dict[str, Any]]]:
    """The Arrears items of each invoice; an invoice keeps the items it was born with."""
    switches = Pax8Switches(azure_items=style, item_ids="all")
    world = World(3, TODAY, companies=4, subscriptions=8, usage=3, invoice_months=1, pax8_switches=switches)
    with serving(world) as pax8:
        invoices = [pax8.all(f"/invoices/{one['id']}/items") for one in pax8.all("/invoices", sort="invoiceDate,asc")]
    return [[item for item in items if item["term"] == "Arrears"] for items in invoices]


def total(items: list[list[dict[str, Any]]]) -> Decimal:
    return sum((Decimal(one["total"]) for some in items for one in some), Decimal(0))


def test_a_meters_charge_comes_as_equal_items_of_two_azure_subscriptions_and_both_are_staged(
    tmp_path: Path,
) -> None:
    whole, parts = arrears("by_group"), arrears("by_guid")
    assert total(parts) == total(whole)
    with UsageData(items=[[one for some in parts for one in some]]).load(tmp_path).connect() as connection:
        staged = connection.execute(ITEMS).fetchall()
    assert len(staged) == sum(map(len, parts)) > sum(map(len, whole))
    assert sum(row[3] for row in staged) == total(whole)
    assert {row[4] for row in staged} == {None}
    assert len({row[0] for row in staged} - {None}) >= 2
    equal = Counter(row[1:4] for row in staged if row[0])
    assert max(equal.values()) == 2, "one subscription, product and amount, and two Azure subscriptions"
