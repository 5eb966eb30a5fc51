"""Three months, day by day, by itself: trust mode `auto`, wide limits, and Halo making invoices and pro rata at night.

In `make test` it is six days around a change of month; `make proofs` plays all 92.

Each day the world lives (seats, cancellations, renewals, purchases), Halo does its own night's work, the whole sync
runs over HTTP, and a person puts what is not billed yet on a Halo line. The sandbox's oracle says what Halo has to
hold; money is worked out from Halo's rows before and after, apart from the product. Saved up against 92 runs of the
command line: Dagster, checks and usage (see `nightly`), and one warehouse stays open from the first day to the last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pax8_pipeline.sandbox.halo.quantities import billed_quantity, line_is_live, linked_price, months_of
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.nightly import night, open_entries, rows
from pax8_pipeline_tests.support.operator import Operator, desk

FIRST, DAYS = (date(2026, 8, 20), 92) if WHOLE else (date(2026, 8, 27), 6)
_LIMITS = (
    "{lines_changed_pct: null, lines_changed: null, lines_ended: null, money_delta: null, "
    "money_up: null, money_down: null, seats_up: null, seats_down: null}"
)
POLICY = f"trust: {{default: auto}}\nguardrails: {{run: {_LIMITS}, client: {_LIMITS}}}\n"
# What a sync or a person still has to do something about.
UNDONE = {"increase", "decrease", "cancel", "unbilled"}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Operator]:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    world = World(8 if WHOLE else 3, FIRST, companies=35, subscriptions=180)
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.ensure_schema()
    with desk(tmp_path, world) as made, warehouse.connect():
        yield made


def money_a_month(world: World) -> Decimal:
    """What Halo's recurring invoices bill a month, worked out from its rows."""
    total = Decimal(0)
    for header in world.halo.recurring_invoices.values():
        for line in header["lines"]:
            if line_is_live(line, world.today):
                price, _ = linked_price(world.halo, line)
                total += billed_quantity(world.halo, line) * price / months_of(header["period"])
    return total


def planned_money(at: Operator, plan_id: str) -> Decimal:
    query = "SELECT coalesce(sum(money_per_month), 0) AS money FROM billing.plan WHERE class = 'safe' AND plan_id = ?"
    return Decimal(rows(at, query, plan_id)[0]["money"])


def bill_what_is_not_billed(world: World, folder: Path) -> int:
    """What a person does after reading the report: a line in Halo, a row in the mapping file where ids do not tell."""
    unbilled = sorted(s for s, verdict in world.expected_verdicts().items() if verdict == "unbilled")
    for subscription_id in unbilled:
        world.bill_in_halo(subscription_id)
    world.write_mappings(folder / "mappings")
    return len(unbilled)


def a_day(at: Operator) -> Counter[str]:
    """Play one day and its night, hold Halo against the truth, and count what happened."""
    world = at.sandbox.world
    world.play_day()
    before = money_a_month(world)
    plan, outcome = night(at)
    assert plan.complete, f"{world.today}: {plan.problem}"
    assert outcome is not None, f"{world.today}: {plan.held}"
    assert outcome.problems == [], world.today
    assert outcome.verified == plan.rows_safe, world.today
    assert at.in_step(), world.today
    assert open_entries(at) == 0, world.today
    moved = money_a_month(world) - before
    # The plan keeps six places of a row's money.
    assert abs(moved - planned_money(at, plan.plan_id)) <= Decimal("0.000001") * max(plan.rows_safe, 1), world.today
    billed = bill_what_is_not_billed(world, at.folder)
    assert UNDONE.isdisjoint(world.expected_verdicts().values()), world.today
    return Counter(days=1, written=outcome.verified, billed_by_a_person=billed)


@pytest.mark.whole
@pytest.mark.timeout(600)
def test_three_months_of_nights_leave_halo_as_pax8_says_line_by_line(at: Operator) -> None:
    world = at.sandbox.world
    invoices = len(world.halo.invoices)
    happened: Counter[str] = Counter()
    for _ in range(DAYS):
        happened += a_day(at)
    assert world.today == FIRST + timedelta(days=DAYS)

    # They were no idle ones.
    assert happened["written"] > DAYS
    assert happened["billed_by_a_person"] > DAYS // 10
    actions = {row["action"] for row in rows(at, "SELECT DISTINCT action FROM billing.ledger")}
    assert actions == {"set_licence_count", "set_line_quantity", "end_line"}
    made = [line for number in sorted(world.halo.invoices)[invoices:] for line in world.halo.invoices[number]["lines"]]
    assert sum("rata" in line["item_shortdescription"].lower() for line in made) > DAYS // 10

    # Money written is money planned, currency by currency, and every write was one that a plan called safe.
    safe = "SELECT currency, sum(money_per_month) AS money, count(*) AS n FROM billing.plan WHERE class = 'safe'"
    done = "SELECT currency, sum(money_per_month) AS money, count(*) AS n FROM billing.ledger_state"
    assert rows(at, f"{done} GROUP BY currency ORDER BY currency") == rows(
        at, f"{safe} GROUP BY currency ORDER BY currency"
    )
    assert rows(at, "SELECT DISTINCT state FROM billing.ledger_state") == [{"state": "verified"}]

    # One licence, one line, one quantity: Pax8's.
    verdicts = world.expected_verdicts()
    for subscription_id, link in world.links.lines.items():
        if verdicts[subscription_id] == "in_step" and world.pax8.subscriptions[subscription_id]["status"] == "Active":
            line, licence = world.oracle.line(link), world.halo.licences.get(link.licence_id or 0)
            held = line["qty_order"] if licence is None else licence["count"]
            assert Decimal(held) == Decimal(world.pax8.subscriptions[subscription_id]["quantity"])
