"""One whole daily run over a large world, with the time and the peak memory of each step.

    python -m pax8_pipeline_tests.bench.stages

The vendors are emulated in a process of their own, without latency and without rate limits on either side, so that
what is measured is ours. Sizes can be given: `--companies 200 --subscriptions 2000 --usage 100`.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.table import Table

from pax8_pipeline_tests.bench.world import served

# Steps that ask a vendor; everything else is the job's own overhead.
_VENDORS = ("pax8", "halo")
_NO_LIMIT = 1_000_000


class Memory:
    """The resident memory of this process, sampled until the block ends."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, int]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        process = psutil.Process()
        while not self._done.wait(0.05):
            self._samples.append((time.time(), process.memory_info().rss))

    def peak(self, start: float = 0.0, end: float = float("inf")) -> float:
        """The most MB seen between two times (seconds since 1970)."""
        return max((rss for at, rss in self._samples if start - 0.1 <= at <= end + 0.1), default=0) / 1e6


@click.command()
@click.option("--companies", default=2000, show_default=True)
@click.option("--subscriptions", default=20000, show_default=True)
@click.option("--usage", default=1000, show_default=True)
def bench(companies: int, subscriptions: int, usage: int) -> None:
    """Measure one daily run over a large synthetic world."""
    with (
        tempfile.TemporaryDirectory() as name,
        served(Path(name), companies, subscriptions, usage) as vendors,
    ):
        measure({**vendors.environment, "PAX8_PIPELINE_DATA": name, "HALO_WRITE_MODE": "apply"})


def measure(environment: dict[str, str]) -> None:
    """Run once and print what each step took."""
    os.environ.update(environment)
    from pax8_pipeline.orchestration.instance import open_instance
    from pax8_pipeline.orchestration.resources import HaloResource, Pax8Resource
    from pax8_pipeline.orchestration.runs import run_daily_sync
    from pax8_pipeline.settings import load_settings

    settings = load_settings()
    resources = {"pax8": Pax8Resource(rate_limit=_NO_LIMIT), "halo": HaloResource(rate_limit=_NO_LIMIT)}
    with open_instance(settings) as instance:
        with Memory() as memory:
            start = time.time()
            result = run_daily_sync(settings, apply=True, instance=instance, resources=resources)
            took = time.time() - start
        steps = [
            (step.step_key, step.start_time, step.end_time)
            for step in instance.get_run_step_stats(result.run_id)
            if step.start_time and step.end_time
        ]
    table = Table(title=f"{took:.1f} s, peak {memory.peak():.0f} MB, success: {result.success}")
    for heading in ("step", "seconds", "peak MB"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for key, started, ended in sorted(steps, key=lambda step: step[1]):
        table.add_row(key, f"{ended - started:.2f}", f"{memory.peak(started, ended):.0f}")
    asked = sum(ended - started for key, started, ended in steps if key.split("__")[0] in _VENDORS)
    Console().print(table)
    print(f"reading the vendors {asked:.1f} s, everything else {took - asked:.1f} s; {result.outcome}")
    for error in result.errors:
        print(f"error: {error}")


if __name__ == "__main__":
    bench()
