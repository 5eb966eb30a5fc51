"""The demo's day: one event of each kind, each with the verdict it should get, inside the default guardrails."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from pax8_pipeline.sandbox.oracle.subscriptions import VERDICTS
from pax8_pipeline.sandbox.pax8.switches import UNASSIGNED_SHAPES
from pax8_pipeline.sandbox.world.world import DEMO_TODAY, World

WRITTEN = {"increase", "decrease", "cancel"}
MONTHS = {"Monthly": 1, "Annual": 12}


@pytest.fixture(scope="module")
def world() -> World:
    return World.demo()


def test_every_kind_of_event_happens(world: World) -> None:
    kinds = Counter(event.kind for event in world.story)
    assert kinds == {
        "increase": 1,
        "increase_manual": 1,
        "decrease": 1,
        "cancel": 1,
        "cancel_manual": 1,
        "pending_cancel": 1,
        "trial": 1,
        "annual": 1,
        "two_of_one_product": 1,
        "two_of_one_product_twin": 1,
        "rebuy_old": 1,
        "rebuy_new": 1,
        "unmatched_company": 2,
        "unassigned_usage": 6,
        "unbilled": 1,
        "billed_by_pax8": 1,
        "currency_mismatch": 1,
        "ambiguous": 1,
        "line_inactive": 1,
        "unknown_term": 1,
        "unknown_status": 1,
        "computed_elsewhere": 1,
        "stuck_pending": 1,
    }


@pytest.mark.parametrize("day", [DEMO_TODAY, *(date(2026, 9, 1) + timedelta(days=n) for n in range(6))])
def test_the_oracle_agrees_with_each_event_on_any_day_of_a_month(day: date) -> None:
    world = World.demo(day)
    verdicts = world.expected_verdicts()
    for event in world.story:
        assert event.day == day.isoformat()
        if event.expected_verdict == "unassigned_usage":
            continue
        assert event.expected_verdict in VERDICTS
        assert verdicts[str(event.subscription_id)] == event.expected_verdict, event.kind


def test_only_what_the_story_tells_is_out_of_step(world: World) -> None:
    recorded = {event.subscription_id for event in world.story}
    usual = ("in_step", "billed_by_pax8", "unknown_period")
    odd = {key for key, verdict in world.expected_verdicts().items() if verdict not in usual}
    assert odd <= recorded


def test_the_expected_end_state_differs_from_now_in_the_written_events_only(world: World) -> None:
    now, then = world.halo_state(), world.expected_halo()
    changed = {
        (table, key) for table in ("lines", "licences") for key in now[table] if now[table][key] != then[table][key]
    }
    assert then.keys() == now.keys()
    recorded: set[tuple[str, int]] = set()
    for event in world.story:
        row = world.pax8.subscriptions[str(event.subscription_id)]
        halo = event.halo
        if event.expected_verdict in ("increase", "decrease"):
            if "licence_id" in halo:
                recorded.add(("licences", halo["licence_id"]))
                assert then["licences"][halo["licence_id"]]["count"] == row["quantity"]
            else:
                recorded.add(("lines", halo["line_id"]))
                assert then["lines"][halo["line_id"]]["qty_order"] == row["quantity"]
        elif event.expected_verdict == "cancel":
            recorded.add(("lines", halo["line_id"]))
            assert then["lines"][halo["line_id"]]["isinactive"] is True
            if "licence_id" in halo:
                recorded.add(("licences", halo["licence_id"]))
                assert then["licences"][halo["licence_id"]]["is_active"] is False
    assert changed == recorded


def test_events_stay_inside_the_default_guardrails(world: World) -> None:
    written = [event for event in world.story if event.expected_verdict in WRITTEN]
    clients = Counter(event.halo["client_id"] for event in written)
    assert max(clients.values()) == 1
    lines = len(world.links.lines)
    assert len(written) <= 0.2 * lines
    assert sum(event.expected_verdict == "cancel" for event in written) <= 25
    money = []
    for event in written:
        row = world.pax8.subscriptions[str(event.subscription_id)]
        seats = row["quantity"] - event.before.get("quantity", 0)
        money.append(abs(Decimal(seats) * row["price"]))
    assert max(money) <= 2500
    assert sum(money) <= 10000


def test_each_shape_of_unassigned_usage_is_there(world: World) -> None:
    events = [event for event in world.story if event.kind == "unassigned_usage"]
    assert sorted(event.details["shape"] for event in events) == sorted(UNASSIGNED_SHAPES)
    assert len({event.details["resource_group"] for event in events}) == len(events)


def test_a_company_nobody_mapped_has_a_client_of_the_same_name_to_tempt_a_guess(world: World) -> None:
    event = next(event for event in world.story if event.kind == "unmatched_company")
    assert event.company_id not in world.links.clients
    assert event.company_name in {row["name"] for row in world.halo.clients.values()}


def test_a_rebuy_is_a_new_id_beside_an_old_line_that_still_bills(world: World) -> None:
    old = next(event for event in world.story if event.kind == "rebuy_old")
    new = next(event for event in world.story if event.kind == "rebuy_new")
    rows = world.pax8.subscriptions
    first, second = rows[str(old.subscription_id)], rows[str(new.subscription_id)]
    assert (first["productId"], first["companyId"]) == (second["productId"], second["companyId"])
    assert first["endDate"] == (world.today - timedelta(days=1)).isoformat()
    assert "line_id" not in new.halo


@pytest.mark.parametrize(("days", "verdict"), [(-1, "cancel"), (0, "pending_cancel"), (1, "pending_cancel")])
def test_the_last_paid_day_must_be_over_before_a_line_ends(days: int, verdict: str) -> None:
    world = World(3, DEMO_TODAY, companies=10)
    key = next(key for key, row in world.pax8.subscriptions.items() if row["status"] == "Active")
    end = (world.today + timedelta(days=days)).isoformat()
    world.pax8.change_subscription(key, {"status": "Cancelled", "endDate": end})
    assert world.oracle.verdict(key) == verdict


def test_a_world_too_small_for_the_story_says_so() -> None:
    with pytest.raises(ValueError, match="too small"):
        World.demo(companies=20)
