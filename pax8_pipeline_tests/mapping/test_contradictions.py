"""A contradiction about a client blocks both sides, seats and usage; what is shared on purpose stays allowed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.snapshots import dicts
from pax8_pipeline_tests.mapping.test_client_matches import client
from pax8_pipeline_tests.support.checks import check
from pax8_pipeline_tests.support.usage_data import METER, OTHER, UsageData, arrears, policy, usage_plan
from pax8_pipeline_tests.support.vendor_data import (
    COMPANY,
    SUB,
    company,
    invoice,
    licence,
    line,
    manual_line,
    subscription,
)

SECOND = "c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a99"
LOOSE = "c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a98"
KEYS = [f"PAX8-USAGE 2026-07 {COMPANY}", f"PAX8-USAGE 2026-07 {OTHER}"]


def link(licence_id: int) -> list[dict[str, Any]]:
    return [{"id": licence_id, "licence_id": licence_id, "qty_free": 0, "minimum_qty": 0}]


def vendor_data(**changes: Any) -> UsageData:
    """Two companies, 231 and 232, each with five seats to add and a month of usage."""
    made = UsageData(
        subscriptions=[
            subscription(quantity=25),
            subscription(id=SECOND, companyId=OTHER, quantity=25),
            subscription(id=METER, price=0, quantity=1),
        ],
        licences=[licence(), licence(id=4128, client_id=232, snowid=SECOND)],
        recurring=[
            invoice([line()]),
            invoice([line(id=24968, quantity_subscriptions=link(4128))], id=-95, client_id=232),
        ],
        clients=[client(231, currencyisocode="USD"), client(232, currencyisocode="USD")],
        items=[[arrears(), arrears(2, companyId=OTHER, companyName="Other Bakery", details="Other Bakery")]],
    )
    return replace(made, **changes)


def actions(folder: Path, made: UsageData) -> tuple[Warehouse, set[str]]:
    """The rows of the plan that would be written."""
    warehouse = made.load(folder, policy=policy())
    usage = usage_plan(warehouse, policy())
    with warehouse.connect() as connection:
        seats = dicts(
            connection.execute(
                "SELECT row_id, class FROM billing.plan WHERE action <> 'none' AND verdict NOT LIKE 'usage%'"
            )
        )
    return warehouse, {r["row_id"] for r in [*usage.values(), *seats] if r["class"] == "safe"}


def matches(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    with warehouse.connect() as connection:
        return {r["company_id"]: r for r in dicts(connection.execute("SELECT * FROM reconciled.client_matches"))}


ALL, NONE = {SUB, SECOND, *KEYS}, set[str]()
BY_ID = {"client_map": [(COMPANY, 231)]}


def with_licence(**changes: Any) -> UsageData:
    return vendor_data(licences=[licence(**changes), licence(id=4128, client_id=232, snowid=SECOND)])


def with_invoice(of: int) -> UsageData:
    return vendor_data(recurring=[invoice([line()], client_id=of), vendor_data().recurring[1]])


def mapped(*row: int | None) -> UsageData:
    """The mapping file points a subscription of company 231 at something of client 232."""
    spare = manual_line(id=24970, qty_order=20)
    free = invoice([line(id=24968, quantity_subscriptions=link(4128)), spare], id=-95, client_id=232)
    return vendor_data(subscription_map=[(SUB, *row)], recurring=[vendor_data().recurring[0], free])


CASES: dict[str, tuple[UsageData, set[str]]] = {
    "all agree": (vendor_data(), ALL),
    "a licence of the other company's client": (with_licence(client_id=232), NONE),
    "an inactive licence there, another one here": (
        vendor_data(licences=[licence(), licence(id=4100, client_id=232, is_active=False), vendor_data().licences[1]]),
        ALL,
    ),
    "a recurring invoice of the other company's client": (with_invoice(232), NONE),
    "a licence of a client nobody else is": (with_licence(client_id=77), {SECOND, KEYS[1]}),
    "a mapped licence of the other client": (mapped(None, None, 4128), NONE),
    "a mapped line of the other client": (mapped(None, 24970, None), NONE),
    "a mapped recurring invoice of the other client": (mapped(-95, None, None), NONE),
    "mapping file and externalId name one client": (
        vendor_data(**BY_ID, companies=[company(), company(id=OTHER, name="Other Bakery", externalId="231")]),
        NONE,
    ),
    "mapping file and custom field name one client": (
        vendor_data(**BY_ID, clients=[client(231, field=OTHER, currencyisocode="USD"), vendor_data().clients[1]]),
        NONE,
    ),
    "mapping file and external link name one client": (
        vendor_data(**BY_ID, clients=[client(231, link=OTHER, currencyisocode="USD"), vendor_data().clients[1]]),
        NONE,
    ),
    "the licence of a company without a client": (
        vendor_data(**BY_ID, licences=[licence(), licence(id=4128, client_id=231, snowid=SECOND)]),
        NONE,
    ),
    "one client on purpose, licences agree": (
        vendor_data(
            client_map=[(COMPANY, 231), (OTHER, 231)],
            licences=[licence(), licence(id=4128, client_id=231, snowid=SECOND)],
            recurring=[invoice([line(), line(id=24968, quantity_subscriptions=link(4128))])],
        ),
        ALL,
    ),
    "one client on purpose, a licence does not agree and one has no company": (
        vendor_data(
            client_map=[(COMPANY, 231), (OTHER, 231)],
            subscriptions=[*vendor_data().subscriptions, subscription(id=LOOSE, companyId=None)],
            licences=[
                licence(),
                licence(id=4128, client_id=232, snowid=SECOND),
                licence(id=4129, client_id=77, snowid=LOOSE),
            ],
            recurring=[invoice([line(), line(id=24968, quantity_subscriptions=link(4128))])],
        ),
        NONE,
    ),
    "one client on purpose, a licence does not agree": (
        vendor_data(
            client_map=[(COMPANY, 231), (OTHER, 231)],
            recurring=[invoice([line(), line(id=24968, quantity_subscriptions=link(4128))])],
        ),
        NONE,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_of_both_companies(name: str, tmp_path: Path) -> None:
    made, written = CASES[name]
    assert actions(tmp_path, made)[1] == written


def test_the_client_that_is_billed_for_another_is_no_contradiction(tmp_path: Path) -> None:
    """Company 231's licence and recurring invoice are on its payer, 90, whom no company is."""
    clients = [client(231, currencyisocode="USD", client_to_invoice_recurring=90), vendor_data().clients[1], client(90)]
    made = vendor_data(
        clients=clients,
        licences=[licence(client_id=90), vendor_data().licences[1]],
        recurring=[invoice([line()], client_id=90), vendor_data().recurring[1]],
    )
    warehouse, written = actions(tmp_path, made)
    assert {r["state"] for r in matches(warehouse).values()} == {"matched"}
    assert {SUB, SECOND} <= written


def test_who_contradicts_whom_is_shown_with_the_money(tmp_path: Path) -> None:
    warehouse, _ = actions(tmp_path, with_licence(client_id=232))
    found = matches(warehouse)
    assert {r["state"] for r in found.values()} == {"contradicted"}
    assert found[COMPANY]["contradiction"] == "licence 4127 belongs to client 232"
    assert found[OTHER]["contradiction"] == "client 232 is claimed by Example Dental too (licence 4127)"
    with warehouse.connect() as connection:
        rows = dicts(connection.execute("SELECT verdict, reason FROM reconciled.subscriptions WHERE price > 0"))
        (usage,) = connection.execute(
            "SELECT DISTINCT sentence FROM reconciled.usage WHERE company_id = ?", [OTHER]
        ).fetchall()
    assert {r["verdict"] for r in rows} == {"client_mismatch"}
    assert "contradicted: client 232 is claimed by Example Dental too" in usage[0]
    seen = check("unmatched_companies", "reconciled.client_matches", tmp_path)
    assert (seen.count, seen.metadata["money"]) == (3, "1,100.00 USD a month not billed")
    assert seen.description.startswith(
        "2 Pax8 companies are not matched with certainty to a Halo client (3 subscriptions)"
    )
    assert "licence 4127" in seen.description
