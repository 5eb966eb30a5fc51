"""Usage of the last months as an SVG picture: stacked columns of what each client is charged, one plot per currency.

Here belongs: drawing, with the same text for the same figures. Not here: the figures (reports/usage_columns.sql).
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from pax8_pipeline.reports import formatting
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

CLIENTS = 7
_PLOTS = 3  # more currencies than that nobody looks at in one picture
_COLOURS = ("#2f6f9f", "#e08e45", "#5a9e6f", "#b5484f", "#7d6aa8", "#8c7355", "#c98bb0", "#a7b0b8")
_NAME_LENGTH = 26
_WIDTH, _HEIGHT = 720, 250  # of the picture and of one plot in it
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 176, 30, 40  # margins of a plot: figures, names of clients, title, months
_TICKS = 5

Row = Mapping[str, Any]


def usage_svg(connection: Connection) -> str | None:
    """Return the picture as SVG, None where there is no usage yet."""
    rows = dicts(connection.execute(load_sql("reports/usage_columns.sql"), {"clients": CLIENTS}))
    return draw(rows) if rows else None


def as_link(svg: str) -> str:
    """Return a picture as the address that a page or Markdown can hold."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")


def draw(rows: Sequence[Row]) -> str:
    """Draw rows of currency, month, client, place, amount and is_estimate; those of one currency share a plot."""
    currencies = sorted({row["currency"] for row in rows}, key=lambda c: (-_sum(rows, c), c))[:_PLOTS]
    months = sorted({row["month"] for row in rows})
    height = _HEIGHT * len(currencies)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="10" fill="#333">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        # An estimate is hatched: white lines over its column.
        '<pattern id="so-far" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="3" height="6" fill="#fff" fill-opacity="0.55"/></pattern>',
    ]
    for number, currency in enumerate(currencies):
        own = [row for row in rows if row["currency"] == currency]
        parts += [f'<g transform="translate(0 {number * _HEIGHT})">', *_plot(currency, own, months), "</g>"]
    return "\n".join([*parts, "</svg>"])


def _sum(rows: Sequence[Row], currency: str) -> float:
    return float(sum(row["amount"] for row in rows if row["currency"] == currency))


@dataclass(frozen=True)
class _Scale:
    """Where months and amounts stand in a plot. Doubles are good enough for a picture."""

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


def _plot(currency: str, rows: Sequence[Row], months: Sequence[str]) -> Iterator[str]:
    scale = _scale(rows, months)
    yield f'<text x="{_LEFT}" y="16" font-size="13">Usage by month, {escape(currency)}</text>'
    yield from _axes(rows, scale)
    clients = list(dict.fromkeys(row["client"] for row in sorted(rows, key=lambda r: (r["place"], r["client"]))))
    above, below = dict.fromkeys(months, 0.0), dict.fromkeys(months, 0.0)
    for number, client in enumerate(clients):
        colour = _COLOURS[min(number, len(_COLOURS) - 1)]
        yield from _legend(number, client, colour)
        for row in (row for row in rows if row["client"] == client):
            ends = above if row["amount"] >= 0 else below
            start, ends[row["month"]] = ends[row["month"]], ends[row["month"]] + float(row["amount"])
            yield from _column(row, scale, start, ends[row["month"]], colour)


def _axes(rows: Sequence[Row], scale: _Scale) -> Iterator[str]:
    right = _WIDTH - _RIGHT
    for number in range(round((scale.highest - scale.lowest) / scale.step) + 1):
        amount = scale.lowest + number * scale.step
        y, line = scale.y(amount), "#888" if abs(amount) < scale.step / 2 else "#e6eaee"
        digits = 0 if scale.step >= 1 else 2
        yield f'<line x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="{line}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 3:.1f}" text-anchor="end">{amount + 0.0:,.{digits}f}</text>'
    so_far = {row["month"] for row in rows if row["is_estimate"]}
    for month in scale.months:
        x = scale.x(month) + scale.slot / 2
        yield f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 14}" text-anchor="middle" font-size="9">{month}</text>'
        if month in so_far:
            yield f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 26}" text-anchor="middle" font-size="9">so far</text>'


def _legend(number: int, client: str, colour: str) -> Iterator[str]:
    x, y = _WIDTH - _RIGHT + 12, _TOP + 8 + number * 18
    name = client if len(client) <= _NAME_LENGTH else f"{client[: _NAME_LENGTH - 3]}..."
    yield f'<rect x="{x}" y="{y}" width="10" height="10" fill="{colour}"/><text x="{x + 15}" y="{y + 9}">{escape(name)}</text>'


def _column(row: Row, scale: _Scale, start: float, end: float, colour: str) -> Iterator[str]:
    top, bottom = sorted((scale.y(start), scale.y(end)))
    place = f'x="{scale.x(row["month"]) + scale.slot * 0.14:.1f}" y="{top:.1f}" width="{scale.slot * 0.72:.1f}" height="{bottom - top:.1f}"'
    title = f"{row['client']}, {row['month']}: {formatting.money(row['amount'], row['currency'])}"
    yield f'<rect {place} fill="{colour}"><title>{escape(title)}</title></rect>'
    if row["is_estimate"]:
        yield f'<rect {place} fill="url(#so-far)"/>'
