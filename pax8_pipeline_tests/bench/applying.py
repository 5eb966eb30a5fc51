"""Many quantity changes in one night, beside a script that sends one write for each change."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pax8_pipeline.clients import halo_config
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.sandbox.server.app import running_sandbox
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.bench.rounds import Figure, Say, Taken, Way, in_turns
from pax8_pipeline_tests.support.nightly import apply_newest, night
from pax8_pipeline_tests.support.operator import TODAY, Operator

GROUP = "Writing to Halo"
PRODUCT, SCRIPT = "product", "one write a change"
CHANGES = 1000
LATENCY_S = 0.05
_WIDE = "{lines_changed_pct: null, lines_changed: null, lines_ended: null, money_delta: null}"
POLICY = f"guardrails: {{run: {_WIDE}, client: {_WIDE}}}\n"  # this is about calls, not about guardrails


def measure(folder: Path, rounds: int, say: Say, changes: int = CHANGES) -> Iterator[Figure]:
    """Yield calls and seconds for so many changes, all of them in Halo at the end."""
    say(f"{GROUP}: {changes:,} changes")
    ways = (
        Way(PRODUCT, lambda n: _night(folder / f"product{n}", changes, ours=True)),
        Way(SCRIPT, lambda n: _night(folder / f"script{n}", changes, ours=False)),
    )
    taken = in_turns(ways, min(rounds, 3), say)
    calls = {name: [one.counts["calls"] / one.counts["changes"] for one in goes] for name, goes in taken.items()}
    seconds = {name: [one.seconds for one in goes] for name, goes in taken.items()}
    last = taken[PRODUCT][-1].counts
    note = f"{last['changes']:.0f} changes; the product also reads before and after each write, the script does not"
    yield Figure(GROUP, "Halo calls a change", "calls", calls, target=0.25, note=note)
    yield Figure(GROUP, f"{LATENCY_S * 1000:.0f} ms an answer", "s", seconds)


def _night(folder: Path, changes: int, *, ours: bool) -> Taken:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    world = changed_world(changes)
    world.write_mappings(folder / "mappings")
    with running_sandbox(world) as sandbox:
        at = Operator(sandbox, folder)
        plan, _ = night(at, apply=False)
        sandbox.requests.clear()
        sandbox.faults.add("latency", times=None, params={"seconds": LATENCY_S})
        begun = time.monotonic()
        if ours:
            apply_newest(at.environment())
        else:
            _one_by_one(at)
        took = time.monotonic() - begun
        if not at.in_step():
            raise RuntimeError("Halo does not hold what Pax8 bills after the writes")
        counts = {"calls": sandbox.requests["halo"], "changes": plan.rows_safe}
    shutil.rmtree(folder)
    return Taken(took, counts=counts)


def changed_world(changes: int) -> World:
    """Return a world in which so many subscriptions have one seat more than Halo bills."""
    world = World(5, TODAY, companies=max(20, changes // 7), subscriptions=max(120, changes * 2))
    billed = [s for s, v in sorted(world.expected_verdicts().items()) if v == "in_step" and s in world.links.lines]
    active = [s for s in billed if world.pax8.subscriptions[s]["status"] == "Active"][:changes]
    for subscription_id in active:
        quantity = world.pax8.subscriptions[subscription_id]["quantity"]
        world.pax8.change_subscription(subscription_id, {"quantity": quantity + 1})
    return world


def _one_by_one(at: Operator) -> None:
    """Write each planned quantity with a call of its own: a licence at once, a line with its recurring invoice read first."""
    settings = load_settings(at.environment())
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        rows = connection.execute(
            "SELECT client_id, licence_id, line_id, recurring_invoice_id, action, CAST(quantity_after AS INTEGER) FROM billing.plan "
            "WHERE class = 'safe' AND action IN ('set_licence_count', 'set_line_quantity')"
        ).fetchall()
    with HaloClient(halo_config(settings, rate_limit=1_000_000)) as halo:
        for client_id, licence_id, line_id, invoice_id, action, quantity in rows:
            if action == "set_licence_count":
                halo.update_licence({"id": licence_id, "client_id": client_id, "count": quantity})
            else:
                halo.update_line({**_line(halo.recurring_invoice(invoice_id), line_id), "qty_order": quantity})


def _line(invoice: dict[str, Any], line_id: int) -> dict[str, Any]:
    return next(line for line in invoice["lines"] if line["id"] == line_id)
