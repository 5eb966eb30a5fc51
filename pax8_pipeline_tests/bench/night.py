"""A night of a large partner, whole: 20,000 subscriptions, read, planned and reported; the second one has no changes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pax8_pipeline_tests.bench.fixed_cost import CLI, DONE
from pax8_pipeline_tests.bench.rounds import Figure, Say, Taken, process
from pax8_pipeline_tests.bench.world import served

GROUP = "A night of 20,000 subscriptions without changes"
COMPANIES, SUBSCRIPTIONS, USAGE = 2000, 20_000, 41


def measure(folder: Path, rounds: int, say: Say) -> Iterator[Figure]:
    """Yield its time with and without the vendors' part, its memory, and its calls."""
    data = folder / "data"
    with served(folder / "world", COMPANIES, SUBSCRIPTIONS, USAGE) as vendors:
        shutil.copytree(vendors.mappings, data / "mappings")
        # The emulated Halo has no limit here: the first night may read 500 clients one by one without waiting.
        (data / "policy.yaml").write_text("halo: {requests_per_5_minutes: 1000000}\n", encoding="utf-8")
        environment = {**vendors.environment, "PAX8_PIPELINE_DATA": str(data)}
        say(f"{GROUP}: the first night")
        first = process([*CLI, "run", "--dry-run"], environment, codes=DONE)
        say(f"  {first.seconds:.1f} s; {vendors.calls()}")
        nights: list[Taken] = []
        asking: list[float] = []
        calls: list[float] = []
        for number in range(min(rounds, 3)):
            before = vendors.calls()["halo"]
            nights.append(process([*CLI, "run", "--dry-run"], environment, codes=DONE))
            calls.append(vendors.calls()["halo"] - before)
            asking.append(_seconds_of_vendors(data / "dagster_home" / "history"))
            say(f"  night {number + 2}: {nights[-1].seconds:.1f} s, {asking[-1]:.1f} s of them with the vendors")
    ours = [night.seconds - asked for night, asked in zip(nights, asking, strict=True)]
    yield Figure(GROUP, "beside the vendors' answers", "s", {"product": ours, "with the vendors": asking}, target=10.0)
    yield Figure(GROUP, "memory", "MB", {"product": [night.peak_mb for night in nights]}, target=500.0)
    yield Figure(GROUP, "calls of Halo, lists only", "calls", {"product": calls})


def _seconds_of_vendors(history: Path) -> float:
    """Return how long the steps of the newest run took that ask a vendor."""
    newest = max((history / "runs").glob("*-*.db"), key=lambda file: file.stat().st_mtime)
    with sqlite3.connect(newest) as connection:
        rows = connection.execute(
            "SELECT step_key, max(timestamp), min(timestamp) FROM event_logs WHERE dagster_event_type IN "
            "('STEP_START', 'STEP_SUCCESS') AND (step_key LIKE 'pax8__%' OR step_key LIKE 'halo__%') GROUP BY step_key"
        ).fetchall()
    return sum(_seconds(end) - _seconds(start) for _, end, start in rows)


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
