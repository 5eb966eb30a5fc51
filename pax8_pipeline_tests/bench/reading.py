"""The whole read of Pax8 beside dlt's REST source and a plain loop: companies, subscriptions, usage of each subscription."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pax8_pipeline_tests.bench.rounds import Figure, Say, Taken, Way, in_turns, process
from pax8_pipeline_tests.bench.world import Vendors, served

# The world of the comparison that began this bench: 101 companies, 1,011 subscriptions.
COMPANIES, SUBSCRIPTIONS, USAGE = 101, 1011, 50
RIVALS = Path(__file__).parent / "rivals"
GROUP = "Reading Pax8"
LATENCIES = (0, 50, 100)  # milliseconds for each answer
# What is compared row by row; everything else that a rival stores has another form.
COMPARED = {
    "companies": ("id", "name", "status"),
    "subscriptions": ("id", "companyId", "productId", "quantity", "price", "status"),
    "usage_summaries": ("id", "subscriptionId", "resourceGroup", "currentCharges"),
}
PRODUCT, RUN, DLT, PLAIN = "product", "product, a whole dry run", "dlt", "plain loop"


def measure(folder: Path, rivals_python: Path, rounds: int, say: Say) -> Iterator[Figure]:
    """Yield the figures at each latency, and under both vendors' limits."""
    with served(folder / "world", COMPANIES, SUBSCRIPTIONS, USAGE) as vendors:
        for milliseconds in LATENCIES:
            vendors.latency(milliseconds / 1000)
            say(f"{GROUP}, {milliseconds} ms for each answer")
            yield _figure(folder, vendors, rivals_python, rounds, say, f"{milliseconds} ms an answer")
    say(f"{GROUP}, under the vendors' limits")
    yield from _under_limits(folder, rivals_python, rounds, say)


def _under_limits(folder: Path, rivals_python: Path, rounds: int, say: Say) -> Iterator[Figure]:
    """Each round and way has vendors of its own: what one used of a limit is not taken from the next."""
    taken: dict[str, list[Taken]] = {}
    for number in range(rounds):
        for position in range(4):
            with served(folder / "limited", COMPANIES, SUBSCRIPTIONS, USAGE, limits=True) as vendors:
                way = _ways(folder, vendors, rivals_python, limits=True)[(position + number) % 4]
                taken.setdefault(way.name, []).extend(in_turns([way], 1, say)[way.name])
    values = {name: [one.seconds for one in taken[name]] for name in (PRODUCT, RUN, DLT, PLAIN)}
    yield Figure(GROUP, "under both vendors' limits", "s", values)


def _figure(folder: Path, vendors: Vendors, rivals_python: Path, rounds: int, say: Say, title: str) -> Figure:
    ways = _ways(folder, vendors, rivals_python)
    taken = in_turns(ways, rounds, say)
    problem = differences(folder, rivals_python)
    note = problem or "the rows of all three are equal"
    return Figure(GROUP, title, "s", {name: [one.seconds for one in goes] for name, goes in taken.items()}, note=note)


def _ways(folder: Path, vendors: Vendors, rivals_python: Path, *, limits: bool = False) -> Sequence[Way]:
    environment = vendors.environment
    unlimited = [] if limits else ["unlimited"]

    def fresh(name: str) -> Path:
        target = folder / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        return target

    def product(_: int) -> Taken:
        return process([sys.executable, "-m", f"{__package__}.product_read", fresh("product"), *unlimited], environment)

    def whole_run(_: int) -> Taken:
        data = fresh("run")
        shutil.copytree(vendors.mappings, data / "mappings")
        command = [sys.executable, "-m", "pax8_pipeline.cli", "run", "--dry-run"]
        return process(command, {**environment, "PAX8_PIPELINE_DATA": str(data)}, codes=(0, 2, 3))

    def rival(name: str, script: str) -> Way:
        return Way(name, lambda _: process([rivals_python, RIVALS / script, fresh(script)], environment))

    return (Way(PRODUCT, product), Way(RUN, whole_run), rival(DLT, "dlt_source.py"), rival(PLAIN, "plain_loop.py"))


def differences(folder: Path, rivals_python: Path) -> str:
    """Return how the rows of the last round differ; empty when all three read the same."""
    _dump([sys.executable, "-m", f"{__package__}.product_read", folder / "product", "dump"])
    _dump([rivals_python, RIVALS / "dlt_source.py", folder / "dlt_source.py", "dump"])
    found: list[str] = []
    for name, members in COMPARED.items():
        ours, dlt, plain = (
            rows_of(folder / where / f"{name}.jsonl", members)
            for where in ("product", "dlt_source.py", "plain_loop.py")
        )
        found.extend(
            f"{name}: {rival} has {len(rows - ours)} other rows and lacks {len(ours - rows)}"
            for rival, rows in ((DLT, dlt), (PLAIN, plain))
            if rows != ours
        )
    return "; ".join(found)


def _dump(command: Sequence[str | Path]) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def rows_of(file: Path, members: Sequence[str]) -> set[tuple[str, ...]]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return {tuple(_text(json.loads(line, parse_float=Decimal).get(member)) for member in members) for line in lines}


def _text(value: Any) -> str:
    """Return numbers of one value as one text: dlt stores 5 as 5.0."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return f"{Decimal(str(value)).normalize():f}"
    return str(value)
