"""Usage of the last months as an SVG chart: stacked columns of what each client is charged, one plot for each currency.

The elements of the picture are in templates/usage_chart.svg.j2.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.rendering import render
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

CLIENTS = 7
_PLOTS = 3  # nobody reads more currencies than that in one picture
_COLOURS = ("#2f6f9f", "#e08e45", "#5a9e6f", "#b5484f", "#7d6aa8", "#8c7355", "#c98bb0", "#a7b0b8")
_NAME_LENGTH = 26
_WIDTH, _HEIGHT = 720, 250  # of the picture and of one plot in it
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 176, 30, 40  # margins of a plot: figures, names of clients, title, months
_TICKS = 5

Row = Mapping[str, Any]


def usage_svg(connection: Connection, *, inline: bool = False) -> str | None:
    """Return the chart as SVG, None where there is no usage yet. `inline`: in the colours of the page around it."""
    rows = dicts(connection.execute(load_sql("reports/usage_columns.sql"), {"clients": CLIENTS}))
    return draw(rows, inline=inline) if rows else None


def as_link(svg: str) -> str:
    """Return a picture as the address that a page or Markdown can hold."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")


def draw(rows: Sequence[Row], *, inline: bool = False) -> str:
    """Draw rows of currency, month, client, place, amount and is_estimate; those of one currency share a plot."""
    currencies = sorted({row["currency"] for row in rows}, key=lambda c: (-_sum(rows, c), c))[:_PLOTS]
    months = sorted({row["month"] for row in rows})
    plots = [
        _plot(currency, [row for row in rows if row["currency"] == currency], months, number * _HEIGHT)
        for number, currency in enumerate(currencies)
    ]
    return render("usage_chart.svg.j2", plots=plots, width=_WIDTH, height=_HEIGHT * len(currencies), inline=inline)


def _sum(rows: Sequence[Row], currency: str) -> float:
    return float(sum(row["amount"] for row in rows if row["currency"] == currency))


@dataclass(frozen=True)
class _Scale:
    """Where months and amounts are in a plot. Doubles are good enough for a picture."""

    months: Sequence[str]
    lowest: float
    highest: float
    step: float

    @property
    def slot(self) -> float:
        """Width of one month; a few months do not fill the whole width."""
        return (_WIDTH - _LEFT - _RIGHT) / max(len(self.months), 4)

    def x(self, month: str) -> float:
        return _LEFT + self.slot * self.months.index(month)

    def y(self, amount: float) -> float:
        share = (amount - self.lowest) / (self.highest - self.lowest)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _scale(rows: Sequence[Row], months: Sequence[str]) -> _Scale:
    def most(sign: int) -> float:
        return max(sum(max(0.0, sign * float(r["amount"])) for r in rows if r["month"] == m) for m in months)

    above, below = most(1), most(-1)
    step = _round_step(max(above + below, 0.01) / _TICKS)
    return _Scale(months, -math.ceil(below / step) * step, max(math.ceil(above / step), 1) * step, step)


def _round_step(least: float) -> float:
    """Return 1, 2 or 5 times a power of ten, at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


def _plot(currency: str, rows: Sequence[Row], months: Sequence[str], top: int) -> dict[str, Any]:
    scale = _scale(rows, months)
    clients = list(dict.fromkeys(row["client"] for row in sorted(rows, key=lambda r: (r["place"], r["client"]))))
    so_far = {row["month"] for row in rows if row["is_estimate"]}
    return {
        "currency": currency,
        "top": top,
        "left": _LEFT,
        "right": _WIDTH - _RIGHT,
        "bottom": _HEIGHT - _BOTTOM,
        "grid": list(_grid(scale)),
        "months": [
            {"text": month, "x": f"{scale.x(month) + scale.slot / 2:.1f}", "so_far": month in so_far}
            for month in scale.months
        ],
        "legend": [
            {"text": _short(client), "y": _TOP + 8 + number * 18, "colour": _colour(number)}
            for number, client in enumerate(clients)
        ],
        "bars": list(_bars(rows, clients, scale)),
    }


def _grid(scale: _Scale) -> Iterator[dict[str, Any]]:
    digits = 0 if scale.step >= 1 else 2
    for number in range(round((scale.highest - scale.lowest) / scale.step) + 1):
        amount = scale.lowest + number * scale.step
        y = scale.y(amount)
        yield {
            "y": f"{y:.1f}",
            "text_y": f"{y + 3:.1f}",
            "is_zero": abs(amount) < scale.step / 2,
            "text": f"{amount + 0.0:,.{digits}f}",
        }


def _short(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 3]}..."


def _colour(number: int) -> str:
    return _COLOURS[min(number, len(_COLOURS) - 1)]


def _bars(rows: Sequence[Row], clients: Sequence[str], scale: _Scale) -> Iterator[dict[str, Any]]:
    """Give the columns, each client's on top of the one before it; credits hang below zero."""
    above, below = dict.fromkeys(scale.months, 0.0), dict.fromkeys(scale.months, 0.0)
    for number, client in enumerate(clients):
        for row in (row for row in rows if row["client"] == client):
            ends = above if row["amount"] >= 0 else below
            start, ends[row["month"]] = ends[row["month"]], ends[row["month"]] + float(row["amount"])
            top, bottom = sorted((scale.y(start), scale.y(ends[row["month"]])))
            yield {
                "x": f"{scale.x(row['month']) + scale.slot * 0.14:.1f}",
                "y": f"{top:.1f}",
                "width": f"{scale.slot * 0.72:.1f}",
                "height": f"{bottom - top:.1f}",
                "colour": _colour(number),
                "title": f"{client}, {row['month']}: {formatting.money(row['amount'], row['currency'])}",
                "so_far": row["is_estimate"],
            }
