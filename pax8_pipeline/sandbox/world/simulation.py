"""What a day brings when the clock plays it: people change seats, cancel, renew, buy again; Pax8 and Halo work.

Random but seeded events, one day at a time. The scripted day is in `scenario.py`. Everything on a day is drawn from
(seed, date), so a world that was played to a date is always the same.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

from pax8_pipeline.sandbox.core.clock import month_start
from pax8_pipeline.sandbox.halo.nightly import nightly
from pax8_pipeline.sandbox.oracle.subscriptions import KNOWN_STATUSES, KNOWN_TERMS
from pax8_pipeline.sandbox.pax8 import invoices
from pax8_pipeline.sandbox.pax8.invoice_items import YEARS_OF_TERM
from pax8_pipeline.sandbox.pax8.store import Row
from pax8_pipeline.sandbox.world.generate_pax8 import SEATS, term_end
from pax8_pipeline.sandbox.world.recorder import EventRecorder
from pax8_pipeline.sandbox.world.systems import Systems

SEATS_CHANGE = 0.012  # chance of a subscription per day
CANCEL = 0.001
REBUY = 0.25  # chance that a cancelled subscription is bought again at once
NEW = 0.01  # chance of a company per day


def play_day(world: Systems) -> None:
    """Set the clock to the morning of the next day, with everything that happens until then."""
    world.clock.set(world.today + timedelta(days=1))
    rng = random.Random(f"{world.seed}|{world.today}")
    recorder = EventRecorder(world, rng)
    for row in list(world.pax8.subscriptions.values()):
        _play_subscription(world, recorder, rng, row)
    _buy_new(world, recorder, rng)
    if world.today.day >= invoices.GENERATED_ON and not invoices.month_is_generated(world.pax8, world.today):
        invoices.generate(world.pax8, month_start(world.today))
    world.pax8.touch()
    nightly(world.halo)


def _play_subscription(world: Systems, recorder: EventRecorder, rng: random.Random, row: Row) -> None:
    """One subscription's day."""
    today = world.today.isoformat()
    if row["status"] == "PendingCancel" and row["endDate"] and row["endDate"] < today:
        recorder.change("ended", row, _verdict_if_billed(world, row, "cancel"), status="Cancelled")
        return
    if row["status"] not in ("Active", "Converted") or not row["price"]:
        return
    if row["billingTerm"] not in KNOWN_TERMS or row["status"] not in KNOWN_STATUSES:
        return
    _renew(world, recorder, row)
    draw = rng.random()
    if draw < CANCEL:
        _cancel(world, recorder, rng, row)
    elif draw < CANCEL + SEATS_CHANGE:
        _change_seats(world, recorder, rng, row)


def _renew(world: Systems, recorder: EventRecorder, row: Row) -> None:
    """Start another term, under the same subscription id, of a commitment that ended yesterday."""
    held = row["commitment"]
    if not held or held["endDate"] >= world.today.isoformat():
        return
    start = date.fromisoformat(row["startDate"])
    end = term_end(start, YEARS_OF_TERM.get(row["billingTerm"], 1), world.today)
    renewed = dict(held, endDate=end.isoformat())
    recorder.change("renewal", row, world.oracle.verdict(row["id"]), commitment=renewed)


def _change_seats(world: Systems, recorder: EventRecorder, rng: random.Random, row: Row) -> None:
    delta = rng.choice((-2, -1, 1, 1, 2, 3))
    new_quantity = max(1, row["quantity"] + delta)
    if new_quantity == row["quantity"]:
        return
    kind = "increase" if new_quantity > row["quantity"] else "decrease"
    before = row["quantity"]
    world.pax8.change_subscription(row["id"], {"quantity": new_quantity})
    verdict = world.oracle.verdict(row["id"])
    recorder.record(kind, row, verdict, before={"quantity": before}, after={"quantity": new_quantity})


def _cancel(world: Systems, recorder: EventRecorder, rng: random.Random, row: Row) -> None:
    """Cancel as of yesterday or to the end of the commitment. Some are bought again under a new id."""
    held = row["commitment"]
    if held and rng.random() < 0.7:
        end = held["endDate"]
        verdict = _verdict_if_billed(world, row, "pending_cancel")
        recorder.change("pending_cancel", row, verdict, status="PendingCancel", endDate=end)
        return
    yesterday = (world.today - timedelta(days=1)).isoformat()
    verdict = _verdict_if_billed(world, row, "cancel")
    recorder.change("cancel", row, verdict, status="Cancelled", endDate=yesterday)
    if rng.random() < REBUY:
        new = recorder.buy(row["companyId"], row["productName"], quantity=row["quantity"], price=row["price"])
        recorder.record("rebuy_new", new, world.oracle.verdict(new["id"]), details={"instead_of": row["id"]})


def _buy_new(world: Systems, recorder: EventRecorder, rng: random.Random) -> None:
    for company in list(world.pax8.companies.values()):
        if company["status"] == "Deleted" or rng.random() >= NEW:
            continue
        good = rng.choice(SEATS)
        new = recorder.buy(company["id"], good.name, quantity=rng.randrange(1, 12))
        recorder.record("new_subscription", new, world.oracle.verdict(new["id"]))


def _verdict_if_billed(world: Systems, row: Row, verdict: str) -> str:
    """Return `verdict` when a Halo line follows the subscription and nothing else prevents it."""
    current = world.oracle.verdict(row["id"])
    return verdict if current in ("in_step", "increase", "decrease", "pending_cancel") else current
