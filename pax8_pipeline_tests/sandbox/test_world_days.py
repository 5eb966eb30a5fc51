"""The clock: what days bring, and that they bring the same each time."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from pax8_pipeline.sandbox.core.clock import WorldClock, add_months, add_years, month_end
from pax8_pipeline.sandbox.pax8.invoices import visible
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.text import jsontext

TODAY = date(2026, 7, 30)


@pytest.fixture(scope="module")
def played() -> World:
    world = World(4, TODAY)
    world.play_to(date(2026, 10, 6))
    return world


def test_playing_on_gives_the_same_world_each_time(played: World) -> None:
    other = World(4, TODAY)
    for _ in range((date(2026, 10, 6) - TODAY).days):
        other.play_day()
    assert jsontext.dumps(other.to_json()) == jsontext.dumps(played.to_json())


def test_two_months_bring_every_kind_of_change(played: World) -> None:
    kinds = Counter(event.kind for event in played.story)
    assert kinds.keys() >= {"increase", "decrease", "cancel", "pending_cancel", "renewal", "new_subscription"}


def test_the_latest_event_of_a_subscription_has_the_verdict_it_still_has(played: World) -> None:
    verdicts = played.expected_verdicts()
    latest = {event.subscription_id: event for event in played.story}
    for key, event in latest.items():
        if event.expected_verdict in ("increase", "decrease", "cancel", "unbilled"):
            assert verdicts[str(key)] == event.expected_verdict, event


def test_each_change_leaves_a_snapshot_of_the_whole_subscription(played: World) -> None:
    event = next(event for event in played.story if event.kind == "increase")
    snapshots = played.pax8.snapshots(str(event.subscription_id))
    quantities = [row["quantity"] for row in snapshots]
    assert event.before["quantity"] in quantities
    assert event.after["quantity"] in quantities
    assert {row["id"] for row in snapshots} == {event.subscription_id}


def test_a_snapshot_keeps_what_was_true_then() -> None:
    world = World(4, TODAY, companies=4)
    key = next(key for key in world.pax8.subscriptions if key not in world.pax8.history)
    first = world.pax8.subscriptions[key]["quantity"]
    for quantity in (first + 1, first + 5):
        world.pax8.change_subscription(key, {"quantity": quantity})
    assert [row["quantity"] for row in world.pax8.snapshots(key)] == [first, first + 1, first + 5]


def test_an_invoice_is_made_on_the_4th_and_seen_on_the_5th() -> None:
    world = World(4, TODAY)
    world.play_to(date(2026, 8, 3))
    assert not [row for row in world.pax8.invoices.values() if row["invoiceDate"] == "2026-08-01"]
    world.play_to(date(2026, 8, 4))
    assert [row for row in world.pax8.invoices.values() if row["invoiceDate"] == "2026-08-01"]
    assert not [row for row in visible(world.pax8) if row["invoiceDate"] == "2026-08-01"]
    world.play_to(date(2026, 8, 5))
    assert [row for row in visible(world.pax8) if row["invoiceDate"] == "2026-08-01"]


def test_halo_bills_its_recurring_invoices_by_itself(played: World) -> None:
    made = [row for row in played.halo.invoices.values() if row["recurring_invoice_id"]]
    assert {row["invoice_date"][:7] for row in made} >= {"2026-08", "2026-09", "2026-10"}


def test_a_person_can_bill_in_halo_what_was_unbilled(played: World) -> None:
    key = next(key for key, verdict in played.expected_verdicts().items() if verdict == "unbilled")
    ids = played.bill_in_halo(key)
    assert ids["licence_id"] in played.halo.licences
    assert played.oracle.verdict(key) == "in_step"


def test_the_clock_does_not_run_back() -> None:
    world = World(4, TODAY, companies=2)
    with pytest.raises(ValueError, match="does not run back"):
        world.play_to(date(2026, 7, 1))


def test_real_time_may_run_within_a_day_but_not_past_it() -> None:
    clock = WorldClock(date(2026, 8, 1))
    seconds = iter((0.0, 90.0, 10.0**6))
    clock.run(lambda: next(seconds))
    assert clock.now().isoformat() == "2026-08-01T06:01:30+00:00"
    assert clock.now().date() == date(2026, 8, 1)


def test_calendar_helpers_know_short_months() -> None:
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 1)
    assert month_end(date(2024, 2, 3)) == date(2024, 2, 29)
    assert add_years(date(2024, 2, 29), 1) == date(2025, 2, 28)
