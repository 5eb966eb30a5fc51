"""All Halo calls of one run: a day of a large partner, with pages of 100 and of 1,000 rows, and a partner's first run.

Counted, not timed: one round is enough. Every client stands in the mapping file, as after the first days with
suggestions; otherwise a run also reads up to `matching.client_detail_reads` clients one by one.
"""

from __future__ import annotations

import csv
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pax8_pipeline.billing.model import Plan
from pax8_pipeline.sandbox.server.app import running_sandbox
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.bench.applying import POLICY
from pax8_pipeline_tests.bench.rounds import Figure, Say
from pax8_pipeline_tests.support.nightly import started
from pax8_pipeline_tests.support.operator import TODAY, Operator

GROUP = "Halo calls of a run"
WAY = "product"
ITEM = 81
PROBE_DAYS = 14  # as in the policy


@dataclass(frozen=True)
class Size:
    """A world: `changes` of its subscriptions have one seat more than Halo bills."""

    companies: int = 2000
    subscriptions: int = 20_000
    usage: int = 34
    changes: int = 80


@dataclass(frozen=True)
class CountedRun:
    """What one run called. `reading`, `writing`: how many calls of each kind. `states`: what became of its writes."""

    plan: Plan
    reading: Mapping[str, int]
    writing: Mapping[str, int]
    states: Mapping[str, int]
    documents: int

    @property
    def calls(self) -> int:
        """All Halo calls."""
        return sum(self.reading.values()) + sum(self.writing.values())

    def note(self) -> str:
        """Say what was written, and where the calls went."""
        written = sum(self.states.values())
        kinds = ", ".join(f"{kind} {count}" for kind, count in Counter(self.writing).most_common())
        text = f"{sum(self.reading.values())} to read"
        if written:
            text += f"; {sum(self.writing.values())} to write {written - self.documents} fields and {self.documents} usage invoices: {kinds}"
        return text


def measure(folder: Path, rounds: int, say: Say) -> Iterator[Figure]:
    """Yield the calls of each run. `rounds` is not used: the same run makes the same calls."""
    day = Size()
    for cap, target in ((1000, 80.0), (100, 250.0)):
        title = f"a day with 80 changes and usage, pages of {cap:,}"
        say(f"{GROUP}: {title}")
        counted = count_calls(folder / f"day{cap}", day, page_cap=cap)
        yield Figure(GROUP, title, "calls", {WAY: [float(counted.calls)]}, target=target, note=counted.note())
    say(f"{GROUP}: the first run")
    first = count_calls(folder / "first", Size(2000, 2900, 10, 0), page_cap=1000, apply=False)
    title = "the first run of 2,000 clients, pages of 1,000"
    yield Figure(GROUP, title, "calls", {WAY: [float(first.calls)]}, target=60.0, note=first.note())


def count_calls(folder: Path, size: Size, *, page_cap: int, apply: bool = True, **switches: Any) -> CountedRun:
    """Play one run of a world of this size against a Halo whose pages hold `page_cap` rows. Raises RuntimeError when a
    write did not end as planned.
    """
    world = World(5, TODAY, companies=size.companies, subscriptions=size.subscriptions, usage=size.usage)
    _change_seats(world, size.changes)
    folder.mkdir(parents=True)
    policy = f"{POLICY}usage: {{first_month: '2026-07', default_halo_item_id: {ITEM}}}\n"
    (folder / "policy.yaml").write_text(policy, encoding="utf-8")
    world.write_mappings(folder / "mappings")
    _map_all_clients(world, folder / "mappings" / "clients.csv")
    with running_sandbox(world) as sandbox:
        sandbox.halo.switches.change({"page_cap": page_cap, **switches})
        with started(Operator(sandbox, folder).environment()) as run, run.warehouse.connect():
            run.read()
            run.read_usage(PROBE_DAYS)
            head = run.plan()
            reading = _kinds(sandbox.requests)
            sandbox.requests.clear()
            outcome = run.write(head) if apply else None
        writing = _kinds(sandbox.requests) if apply else {}
        documents = sum(str(d["reference"]).startswith("PAX8-USAGE") for d in world.halo.invoices.values())
    shutil.rmtree(folder)
    states = {str(state): count for state, count in outcome.states.items()} if outcome else {}
    if set(states) - {"verified"}:
        raise RuntimeError(f"not all of it was written: {states}")
    return CountedRun(head, reading, writing, states, documents)


def _change_seats(world: World, changes: int) -> None:
    """Order one seat more for some active subscriptions that Halo bills, anywhere in the world."""
    billed = [s for s, v in sorted(world.expected_verdicts().items()) if v == "in_step" and s in world.links.lines]
    active = [s for s in billed if world.pax8.subscriptions[s]["status"] == "Active"]
    for subscription_id in random.Random(1).sample(active, changes):
        quantity = world.pax8.subscriptions[subscription_id]["quantity"]
        world.pax8.change_subscription(subscription_id, {"quantity": quantity + 1})


def _map_all_clients(world: World, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["pax8_company_id", "halo_client_id", "note"])
        writer.writerows((company, link.client_id, "") for company, link in world.links.clients.items())


def _kinds(requests: Any) -> dict[str, int]:
    """Count Halo's calls by what they are: lists, single reads, writes."""
    kinds: Counter[str] = Counter()
    for request in requests:
        if request.vendor == "halo":
            resource = request.path.rpartition("/api/")[2] or "token"
            single = re.sub(r"/-?\d+$", " one by one", resource)
            kinds[f"{request.method} {single}"] += 1
    return dict(kinds)
