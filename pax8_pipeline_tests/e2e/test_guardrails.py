"""Guardrails on the real path: Pax8 says something wild over HTTP, and the warehouse's plan is held where it must be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.nightly import night, rows
from pax8_pipeline_tests.support.operator import TODAY, Operator, desk

YESTERDAY = "2026-08-19"


def clients_of(world: World) -> dict[int, list[str]]:
    """The subscriptions that are billed and in step, by Halo client."""
    verdicts, found = world.expected_verdicts(), defaultdict(list)
    for subscription_id in world.links.lines:
        row = world.pax8.subscriptions[subscription_id]
        if period_of(world, subscription_id) in (8, 9):
            continue  # nobody knows how many months these are: a change there is held by itself
        if verdicts[subscription_id] == "in_step" and row["status"] == "Active" and row["quantity"] > 0:
            found[world.halo_ids(subscription_id)["client_id"]].append(subscription_id)
    return dict(found)


def period_of(world: World, subscription_id: str) -> int:
    """Halo's code for how often the subscription's recurring invoice is made."""
    header = world.halo.recurring_invoices[world.links.lines[subscription_id].recurring_invoice_id]
    return int(header["period"])


def client_with(world: World, lines: int, most: int | None = None) -> list[str]:
    """The subscriptions of one client that has so many lines."""
    return next(s for s in clients_of(world).values() if lines <= len(s) <= (most or lines))


def cancel(world: World, subscriptions: Iterable[str]) -> None:
    for subscription_id in subscriptions:
        world.pax8.change_subscription(subscription_id, {"status": "Cancelled", "endDate": YESTERDAY})


def seats(world: World, subscriptions: Iterable[str], more: int) -> None:
    for subscription_id in subscriptions:
        quantity = world.pax8.subscriptions[subscription_id]["quantity"]
        world.pax8.change_subscription(subscription_id, {"quantity": quantity + more})


def lose(world: World, subscriptions: Iterable[str]) -> None:
    """Pax8 lists them no more."""
    for subscription_id in subscriptions:
        del world.pax8.subscriptions[subscription_id]
    world.pax8.touch()


def bystander(world: World, but: Iterable[str]) -> str:
    """A seat more for somebody who has nothing to do with it; returns the subscription."""
    others = (own for own in clients_of(world).values() if not set(own) & set(but) and len(own) >= 2)
    chosen = next(others)[0]
    seats(world, [chosen], 1)
    return chosen


def everybody(world: World) -> list[str]:
    return [s for own in clients_of(world).values() for s in own]


@dataclass(frozen=True)
class Case:
    """What Pax8 says, under which policy, whom it is about, and what comes of it: written, client held or run held."""

    whom: Callable[[World], list[str]]
    what: Callable[[World, Iterable[str]], None]
    comes: str
    policy: str = ""
    named: str = ""


CASES = {
    "one of three lines ends": Case(lambda w: client_with(w, 3)[:1], cancel, "written"),
    # Two of three lines are 67 %, more than the limit of 50 %, but a percentage says nothing of three lines.
    "two of three lines change": Case(lambda w: client_with(w, 3)[:2], lambda w, s: seats(w, s, 1), "written"),
    "all three lines end, inside the absolute limits": Case(lambda w: client_with(w, 3), cancel, "written"),
    "all three lines end, one more than allowed": Case(
        lambda w: client_with(w, 3), cancel, "client held", "guardrails: {client: {lines_ended: 2}}", "lines_ended"
    ),
    "two of three lines change where percent counts from none on": Case(
        lambda w: client_with(w, 3)[:2], lambda w, s: seats(w, s, 1), "client held",
        "guardrails: {client: {pct_above_lines: 0}}", "lines_changed_pct",
    ),
    "one line of three gets seats as never before": Case(
        lambda w: client_with(w, 3)[:1], lambda w, s: seats(w, s, 40_000), "client held",
        "guardrails: {run: {money_delta: null}}", "money_delta",
    ),
    "the same, and the run's own limit is on": Case(
        lambda w: client_with(w, 3)[:1], lambda w, s: seats(w, s, 40_000), "run held", named="money_delta"
    ),
    "one client ends whole": Case(lambda w: client_with(w, 6, 25), cancel, "client held", named="lines_ended"),
    "everything ends: a total wipe": Case(everybody, cancel, "run held", named="lines_ended"),
    "a total wipe, ends unlimited": Case(
        everybody, cancel, "run held", "guardrails: {run: {lines_ended: null}}", "lines_changed_pct"
    ),
    "every quantity moves by one": Case(everybody, lambda w, s: seats(w, s, 1), "run held", named="lines_changed_pct"),
    "a wipe in slices that no client's limit sees": Case(
        lambda w: [s for own in clients_of(w).values() for s in own[:2]], cancel, "run held", named="lines_ended"
    ),
}  # fmt: skip


# In small: every limit in memory, billing/test_guardrails.py.
IN_SHORT = ("two of three lines change", "all three lines end, one more than allowed", "the same, and the run's own limit is on",
            "a wipe in slices that no client's limit sees")  # fmt: skip


def written(at: Operator) -> set[str]:
    return {row["row_id"] for row in rows(at, "SELECT row_id FROM billing.ledger_state WHERE state = 'verified'")}


@pytest.mark.whole
@pytest.mark.parametrize("name", CASES if WHOLE else IN_SHORT)
def test_what_goes_over_a_limit_is_held_and_nothing_else(name: str, tmp_path: Path) -> None:
    case, world = CASES[name], World(8, TODAY, companies=45, subscriptions=200)
    (tmp_path / "policy.yaml").write_text(case.policy, encoding="utf-8")
    whom = case.whom(world)
    other = {bystander(world, whom)} if len(whom) < 30 else set()
    case.what(world, whom)
    with desk(tmp_path, world) as at:
        plan, _ = night(at)
        held = {
            row["row_id"]: str(row["sentence"])
            for row in rows(at, "SELECT row_id, sentence FROM billing.plan WHERE reason LIKE 'guardrail_%'")
        }
        assert (plan.held is not None) is (case.comes == "run held")
        if case.comes == "written":
            assert at.in_step()
            assert (written(at), held) == ({*whom, *other}, {})
        elif case.comes == "client held":
            assert written(at) == other
            assert held.keys() == set(whom)
        else:
            assert at.posts() == []
            assert held.keys() == {*whom, *other}
        message = [plan.held or ""] if case.comes == "run held" else list(held.values())
        assert all(case.named in sentence for sentence in message)


def test_a_list_without_most_subscriptions_is_no_list_and_ends_nothing(tmp_path: Path) -> None:
    """Absence is never a cancellation: what is missing is not even planned."""
    world = World(8, TODAY, companies=45, subscriptions=200)
    with desk(tmp_path, world) as at:
        night(at)
        lose(world, everybody(world)[:120])
        plan, outcome = night(at)
        assert (plan.complete, outcome) == (False, None)
        assert "pax8.subscriptions" in str(plan.problem)
        assert at.posts() == []


@pytest.mark.whole
@pytest.mark.parametrize("missing", [1, 10] if WHOLE else [10])
def test_a_few_subscriptions_gone_from_the_list_end_nothing(missing: int, tmp_path: Path) -> None:
    world = World(8, TODAY, companies=45, subscriptions=200)
    with desk(tmp_path, world) as at:
        night(at)
        gone = everybody(world)[:missing]
        lines = {s: world.halo_ids(s)["line_id"] for s in gone}
        lose(world, gone)
        plan, outcome = night(at)
        listed = rows(
            at, "SELECT row_count FROM meta.snapshots WHERE table_name = 'pax8.subscriptions' ORDER BY loaded_at"
        )
        assert [row["row_count"] for row in listed] == [200, 200 - missing]
        assert plan.complete
        assert outcome is not None
        assert outcome.states == {}
        assert not any(world.halo_state()["lines"][line]["isinactive"] for line in lines.values())
