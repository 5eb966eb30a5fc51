"""The results of a bench: a table for people, a chart, and JSON."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from pax8_pipeline_tests.bench.rounds import Figure

_CHART = "chart.svg.j2"
_WIDTH = 420  # of the chart's bars, pixels


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {
        "date": date.today().isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "dagster": version("dagster"),
        "duckdb": duckdb.__version__,
    }


def as_json(figures: Sequence[Figure], rounds: int) -> str:
    """Return everything that was measured."""
    rows = [{**asdict(f), "medians": f.medians, "ratios": f.ratios, "reached": f.reached} for f in figures]
    return json.dumps({"machine": machine(), "rounds": rounds, "figures": rows}, indent=1)


def as_markdown(figures: Sequence[Figure]) -> str:
    """Return one table for each group: the median of each way, the ratio of the others to the first, the target."""
    parts = []
    for group in dict.fromkeys(f.group for f in figures):
        parts.append(
            f"### {group}\n\n| what | product | beside it | ratio | target |\n| --- | --- | --- | --- | --- |\n"
        )
        own = [f for f in figures if f.group == group]
        parts.extend(_rows(figure) for figure in own)
        parts.append("\n")
        notes = [f"{f.title}: {f.note}." for f in own if f.note]
        parts.append("".join(f"{note}\n" for note in notes) + ("\n" if notes else ""))
    return "".join(parts).rstrip() + "\n"


def _rows(figure: Figure) -> str:
    (ours, value), *others = figure.medians.items()
    product = f"{number(value)} {figure.unit}" + ("" if ours in ("product", figure.title) else f" ({ours})")
    rows = []
    for index, (name, other) in enumerate(others or [("", math.nan)]):
        beside = "" if math.isnan(other) else f"{name}: {number(other)} {figure.unit}"
        ratio = "" if math.isnan(other) else f"{number(figure.ratios[name])}"
        first = index == 0
        rows.append(
            f"| {figure.title if first else ''} | {product if first else ''} | {beside} | {ratio} "
            f"| {_target(figure) if first else ''} |\n"
        )
    return "".join(rows)


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    limit = f"{number(figure.target)} {'times' if figure.of_ratio else figure.unit}"
    return f"{limit}: {'reached' if figure.reached else 'not reached'}"


def number(value: float) -> str:
    """Return a number with three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def chart(figures: Sequence[Figure]) -> str:
    """Return an SVG picture: for each figure, how many times as much the others take as the product."""
    bars = [
        {"label": f"{f.group}: {f.title}, {f.unit}", "name": name, "ratio": number(ratio), "width": _width(ratio)}
        for f in figures
        for name, ratio in f.ratios.items()
        if not name.startswith("product")  # its own other way is in the table only
    ]
    folder = Path(__file__).parent
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True)
    return environment.get_template(_CHART).render(bars=bars, middle=_width(1.0), full=_WIDTH)


def _width(ratio: float) -> float:
    """Return the end of a bar: 1/16 of the product's is at the left, 16 times at the right."""
    return round((min(max(math.log2(ratio), -4), 4) + 4) / 8 * _WIDTH, 1)
