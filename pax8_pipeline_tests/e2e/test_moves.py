"""Random renewals in the sandbox's world, played over days: each day each line is billed once, without gap and overlap."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pax8_pipeline.sandbox.pax8.store import Row
from pax8_pipeline.sandbox.world.recorder import EventRecorder
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.nightly import night
from pax8_pipeline_tests.support.operator import TODAY, Operator, desk

POLICY = """\
renewals: {hold_endings: true, min_score: 0}
guardrails:
  run: {lines_changed_pct: null, lines_changed: null, lines_ended: null, money_delta: null}
  client: {lines_changed_pct: null, lines_changed: null, lines_ended: null, money_delta: null}
"""
DAYS = 6 if WHOLE else 5
SEEDS = tuple(range(10)) if WHOLE else (1,)


@dataclass
class Renewal:
    """A subscription that ends, the one that carries it on, and when a person accepts that (None: never)."""

    old: Row
    new: Row
    accepted_on: date | None

    def is_accepted(self, today: date) -> bool:
        return self.accepted_on is not None and self.accepted_on <= today

    def quantity(self, today: date) -> int:
        """Whose seats the line must bill. Written without looking at the product."""
        if self.is_accepted(today) and date.fromisoformat(self.new["startDate"]) <= today:
            return int(self.new["quantity"])
        return int(self.old["quantity"])


def plan_renewals(world: World, rng: random.Random) -> list[Renewal]:
    """End some subscriptions in the coming days, each with one that follows some days later or earlier, or overlaps."""
    recorder, renewals = EventRecorder(world, rng), []
    companies: set[str] = set()
    for subscription_id in sorted(world.links.lines):
        old = world.pax8.subscriptions[subscription_id]
        # One renewal for a company: of several, any could be meant.
        runs = old["status"] == "Active" and world.oracle.verdict(subscription_id) == "in_step"
        if old["companyId"] in companies or not runs:
            continue
        companies.add(old["companyId"])
        last = world.today + timedelta(days=rng.randrange(4))
        first = max(world.today, last + timedelta(days=1 + rng.choice((-3, -1, 0, 0, 0, 1, 2))))
        world.pax8.change_subscription(subscription_id, {"status": "PendingCancel", "endDate": last.isoformat()})
        seats = old["quantity"] + rng.choice((-1, 0, 0, 2)) or 1
        new = recorder.buy(old["companyId"], old["productName"], quantity=seats, price=old["price"])
        changes = {"startDate": first.isoformat(), "billingStart": first.isoformat()}
        world.pax8.change_subscription(new["id"], changes)
        waits = rng.choice((1, 1, 2, 3, 5, None))
        accepted_on = None if waits is None else world.today + timedelta(days=waits)
        renewals.append(Renewal(old, new, accepted_on))
    return renewals


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    world = World(8, TODAY, companies=14, subscriptions=34, usage=0, invoice_months=0)
    with desk(tmp_path, world) as at:
        yield at


def accept(at: Operator, renewals: list[Renewal], today: date) -> None:
    due = [renewal.new["id"] for renewal in renewals if renewal.accepted_on == today]
    if due:
        options = [option for new_id in due for option in ("--accept", new_id)]
        done = at.command("renewals", *options, PAX8_PIPELINE_TODAY=today.isoformat())
        assert done.code == 0, done.err


def billed(world: World, renewal: Renewal) -> tuple[bool, Decimal]:
    """Whether the line bills, and how many seats."""
    link = world.links.lines[renewal.old["id"]]
    licence = world.halo.licences.get(link.licence_id or 0)
    line = world.oracle.line(link)
    is_on = not line["isinactive"] and (licence is None or licence["is_active"])
    return is_on, Decimal(line["qty_order"] if licence is None else licence["count"])


@pytest.mark.whole
@pytest.mark.parametrize("seed", SEEDS)
def test_random_renewals_are_billed_without_a_gap_and_without_an_overlap(seed: int, operator: Operator) -> None:
    world = operator.sandbox.world
    renewals = plan_renewals(world, random.Random(seed))
    assert len(renewals) >= 8
    assert len({renewal.accepted_on for renewal in renewals}) >= 3
    lines = sum(len(header["lines"]) for header in world.halo.recurring_invoices.values())
    for _ in range(DAYS):
        today = world.today
        for renewal in renewals:
            over = renewal.old["endDate"] < today.isoformat()
            if over and renewal.old["status"] == "PendingCancel":
                world.pax8.change_subscription(renewal.old["id"], {"status": "Cancelled"})
        operator.env["PAX8_PIPELINE_TODAY"] = today.isoformat()
        night(operator)
        wrong = {
            (today.isoformat(), renewal.old["id"]): (billed(world, renewal), renewal)
            for renewal in renewals
            if billed(world, renewal) != (True, Decimal(renewal.quantity(today)))
        }
        assert wrong == {}
        accept(operator, renewals, today + timedelta(days=1))
        world.clock.set(today + timedelta(days=1))
    # No line was added: nothing can be billed twice.
    assert sum(len(header["lines"]) for header in world.halo.recurring_invoices.values()) == lines
    assert not world.halo.violations
