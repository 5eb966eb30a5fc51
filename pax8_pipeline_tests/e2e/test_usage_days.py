"""A usage month from its first days to its invoice and beyond, night by night, over HTTP: each client is billed once.

The sandbox's own oracle (`usage`) says what the invoices should come to; amounts are taken from the emulated
Halo's invoices, apart from the product. In `make test` the month is read on four days around its invoice; `make proofs` reads it daily for
35 days. Left out against the real job: Dagster and the checks (see `nightly`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.sandbox.oracle.usage import ExpectedUsage
from pax8_pipeline.sandbox.pax8.switches import UNASSIGNED_SHAPES
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.text import jsontext
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.nightly import PlannedWorld, night, open_entries, rows
from pax8_pipeline_tests.support.operator import Operator, desk

MONTH = "2026-07"
_WIDE = "{lines_changed_pct: null, lines_changed: null, lines_ended: null, money_delta: null}"
POLICY = f"usage: {{first_month: {MONTH}}}\nguardrails: {{run: {_WIDE}, client: {_WIDE}}}\n"


def served(folder: Path, today: date) -> Iterator[Operator]:
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    world = World(5, today, companies=20, subscriptions=80, usage=12, unassigned=UNASSIGNED_SHAPES)
    warehouse = Warehouse(folder / "warehouse.duckdb")
    warehouse.ensure_schema()
    with desk(folder, world) as made, warehouse.connect():  # held open: each night opens it many times
        yield made


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Operator]:
    yield from served(tmp_path, date(2026, 7, 12) if WHOLE else date(2026, 8, 3))


@pytest.fixture(scope="module")
def july_billed(tmp_path_factory: pytest.TempPathFactory) -> PlannedWorld:
    """The month billed in one night, the day after its approval."""
    folder = tmp_path_factory.mktemp("july")
    for at in served(folder, date(2026, 8, 6)):
        plan, outcome = night(at, usage=True)
        assert outcome is not None
        assert (plan.complete, outcome.problems) == (True, [])
        world = at.sandbox.world
        assert billed(world) == wanted(world.expected_usage(MONTH))
        text = jsontext.dumps(world.to_json())
    return PlannedWorld(text, folder)


@pytest.fixture
def after_july(july_billed: PlannedWorld, tmp_path: Path) -> Iterator[Operator]:
    with july_billed.desk(tmp_path / "data") as at, Warehouse(at.folder / "warehouse.duckdb").connect():
        yield at


def billed(world: World, month: str = MONTH) -> dict[str, tuple[int, list[Decimal]]]:
    """Halo's unvoided usage invoices of a month: by reference the client and the line amounts, smallest first."""
    found: dict[str, tuple[int, list[Decimal]]] = {}
    for row in world.halo.invoices.values():
        reference = str(row.get("reference") or "")
        if reference.startswith(f"PAX8-USAGE {month} ") and not row.get("voided"):
            assert reference not in found, f"billed twice: {reference}"
            assert not row.get("posted")
            amounts = [Decimal(line["qty_order"]) * Decimal(line["unit_price"]) for line in row["lines"]]
            found[reference] = (row["client_id"], sorted(amounts))
    return found


def wanted(expected: ExpectedUsage) -> dict[str, tuple[int, list[Decimal]]]:
    return {
        f"PAX8-USAGE {expected.month} {company}": (usage.client_id, sorted(usage.lines.values()))
        for company, usage in expected.clients.items()
        if usage.total > 0
    }


def documents(at: Operator, verdict: str) -> list[dict[str, Any]]:
    query = "SELECT * FROM billing.plan WHERE verdict = ? AND plan_id = (SELECT arg_max(plan_id, made_at) FROM billing.plans)"
    return rows(at, query, verdict)


@pytest.mark.whole
def test_a_month_read_daily_ends_in_one_invoice_for_each_client(at: Operator) -> None:
    world = at.sandbox.world
    while world.today < (date(2026, 8, 16) if WHOLE else date(2026, 8, 7)):
        world.play_day()
        plan, outcome = night(at, usage=True)
        assert plan.complete, f"{world.today}: {plan.problem}"
        assert outcome is not None
        assert outcome.problems == [], world.today
        if world.today < date(2026, 8, 5):
            assert billed(world) == {}, f"{world.today}: billed before Pax8 approved its invoice"
    expected = world.expected_usage(MONTH)
    assert len(expected.clients) > 5
    assert expected.unassigned
    assert billed(world) == wanted(expected)

    # The estimate of the last day of the month was near: what vendors posted late is all that came on top.
    invoices = len(world.halo.invoices)
    night(at, usage=True)
    assert (len(world.halo.invoices), open_entries(at)) == (invoices, 0)
    unbilled = sum(
        r["unbilled_per_month"] for r in documents(at, "usage_unassigned") if r["row_id"].startswith(f"usage {MONTH}")
    )
    assert unbilled == sum((row["charges"] for row in expected.unassigned), Decimal(0))


def test_a_group_assigned_later_is_billed_once_as_its_own(after_july: Operator) -> None:
    at, world = after_july, after_july.sandbox.world
    before = billed(world)
    expected = world.expected_usage(MONTH)
    group = next(g for g in world.pax8.groups.values() if g["_assignment"] in ("missing", "null", "empty", "dangling"))
    amount = sum(row["charges"] for row in expected.unassigned if row["resource_group"] == group["resourceGroup"])
    company = next(
        c
        for c in world.links.clients
        if c not in expected.clients
        and world.halo.clients[world.links.clients[c].client_id]["currencyisocode"] == group["currencyCode"]
    )
    world.assign_group(group["id"], company)
    for _ in range(2):
        night(at, usage=True)
    added = {key: value for key, value in billed(world).items() if key not in before}
    assert {key: sum(lines) for key, (_, lines) in added.items()} == {f"PAX8-USAGE {MONTH} {company}": amount}
    assert before.items() <= billed(world).items()


def test_a_credited_and_replaced_invoice_becomes_one_adjustment_that_waits(after_july: Operator) -> None:
    at, world = after_july, after_july.sandbox.world
    before = billed(world)
    world.credit_and_rebill(invoice_month=date(2026, 8, 1), share=Decimal("1.5"))
    for _ in range(2):
        night(at, usage=True)
        (row,) = [r for r in documents(at, "usage_adjustment") if r["row_id"].startswith(f"PAX8-USAGE {MONTH}")]
        assert (row["class"], row["row_id"].endswith("-adj1")) == ("needs_approval", True)
        company = row["row_id"].split()[2].removesuffix("-adj1")
        was = sum(before[f"PAX8-USAGE {MONTH} {company}"][1])
        assert row["money_per_month"] == world.expected_usage(MONTH).clients[company].total - was
    assert billed(world) == before


def test_the_same_invoice_cheaper_is_reported_and_nothing_is_written(after_july: Operator) -> None:
    at, world = after_july, after_july.sandbox.world
    before = billed(world)
    world.credit_and_rebill(invoice_month=date(2026, 8, 1), share=Decimal("0.5"))
    night(at, usage=True)
    (row,) = documents(at, "usage_credit")
    assert (row["class"], row["action"], row["money_per_month"] < 0) == ("blocked", "none", True)
    assert billed(world) == before
