"""Raw tables to a stored plan, beside the same decisions in pandas."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pax8_pipeline_tests.bench.raw_worlds import change_quantities, multiply, read_raw
from pax8_pipeline_tests.bench.rounds import Figure, Say, Taken, Way, in_turns, process
from pax8_pipeline_tests.bench.world import served

GROUP = "Raw data to plan"
SIZE = 20_000
PRODUCT, PANDAS = "product", "pandas"


def measure(folder: Path, rounds: int, say: Say, copies: Sequence[int] = (1, 10)) -> Iterator[Figure]:
    """Yield the figures for 20,000 subscriptions, and for so many times as many."""
    start = folder / "raw"
    start.mkdir(parents=True)
    with served(folder / "world", SIZE // 10, SIZE, SIZE // 20) as vendors:
        say(f"{GROUP}: reading a world of {SIZE:,} subscriptions")
        file = read_raw(vendors, start)
    change_quantities(file)
    seconds: dict[int, float] = {}
    for times in copies:
        source = folder / f"raw{times}"
        shutil.copytree(start, source)
        multiply(source / file.name, times)
        say(f"{GROUP}: {SIZE * times:,} subscriptions")
        figures = _figures(source / file.name, SIZE * times, rounds if times == 1 else min(rounds, 3), say)
        for figure in figures:
            if figure.unit == "s":
                seconds[times] = figure.medians[PRODUCT]
            yield figure
        shutil.rmtree(source)
    small, large = min(seconds), max(seconds)
    if small != large:
        factor = seconds[large] / seconds[small]
        values = {"product": [factor], "the work": [float(large // small)]}
        yield Figure(
            GROUP, f"{large // small} times the subscriptions", "times the time", values, target=1.1, of_ratio=True
        )


def _figures(file: Path, size: int, rounds: int, say: Say) -> list[Figure]:
    def fresh() -> Path:
        target = file.parent / "work"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        shutil.copytree(file.parent / "mappings", target / "mappings")
        shutil.copy(file, target / file.name)
        return target / file.name

    def product(_: int) -> Taken:
        return process([sys.executable, "-m", f"{__package__}.product_plan", fresh()])

    def pandas(_: int) -> Taken:
        return process([sys.executable, Path(__file__).parent / "rivals" / "pandas_plan.py", file])

    taken = in_turns((Way(PRODUCT, product), Way(PANDAS, pandas)), rounds, say)
    ours = {tuple(pair) for pair in json.loads((file.parent / "work" / "product.json").read_text())}
    theirs = {tuple(pair) for pair in json.loads((file.parent / "pandas.json").read_text())}
    note = f"{len(ours):,} changes; " + ("both find the same" if ours == theirs else _difference(ours, theirs))
    title = f"{size:,} subscriptions"
    return [
        Figure(GROUP, title, "s", {name: [one.seconds for one in goes] for name, goes in taken.items()}, note=note),
        Figure(GROUP, title, "MB", {name: [one.peak_mb for one in goes] for name, goes in taken.items()}),
    ]


def _difference(ours: set[tuple[int, ...]], theirs: set[tuple[int, ...]]) -> str:
    return f"only the product finds {len(ours - theirs):,}, only pandas {len(theirs - ours):,}"
