"""Usage of the last months as a picture: stacked columns of what each client is charged, one plot per currency.

Here belongs: drawing, without a screen and the same bytes for the same figures. Not here: the figures
(reports/usage_columns.sql). The library is loaded when something is drawn: it is slow to start.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLIENTS = 7
_PLOTS = 3  # more currencies than that nobody looks at in one picture
_COLOURS = ("#2f6f9f", "#e08e45", "#5a9e6f", "#b5484f", "#7d6aa8", "#8c7355", "#c98bb0", "#a7b0b8")
_NAME_LENGTH = 26
_WIDTH, _HEIGHT = 9.0, 3.1  # inches, of the picture and of one plot in it

Row = Mapping[str, Any]


def usage_png(connection: Connection) -> bytes | None:
    """Return the picture as PNG, None where there is no usage yet."""
    rows = dicts(connection.execute(load_sql("reports/usage_columns.sql"), {"clients": CLIENTS}))
    return _drawn(tuple(tuple(row.items()) for row in rows)) if rows else None


@lru_cache(maxsize=2)
def _drawn(rows: tuple[tuple[tuple[str, Any], ...], ...]) -> bytes:
    """Draw once for all who show it in a run."""
    return draw([dict(row) for row in rows])


def as_link(png: bytes) -> str:
    """Return a picture as the address that a page or Markdown can hold."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def draw(rows: Sequence[Row]) -> bytes:
    """Draw rows of currency, month, client, place, amount and is_estimate; those of one currency share a plot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    currencies = sorted({row["currency"] for row in rows}, key=lambda c: (-_sum(rows, c), c))[:_PLOTS]
    months = sorted({row["month"] for row in rows})
    height = _HEIGHT * len(currencies)
    figure = Figure(figsize=(_WIDTH, height), dpi=80)
    # Fixed margins: to have them found takes longer than to draw.
    figure.subplots_adjust(left=0.08, right=0.76, top=1 - 0.3 / height, bottom=0.45 / height, hspace=0.32)
    canvas = FigureCanvasAgg(figure)
    for number, currency in enumerate(currencies, 1):
        axes = figure.add_subplot(len(currencies), 1, number)
        _columns(axes, [row for row in rows if row["currency"] == currency], months)
        axes.set_title(f"Usage by month, {currency}", loc="left", fontsize=10)
    dots, out = io.BytesIO(), io.BytesIO()
    figure.savefig(dots, format="rgba")
    picture = Image.frombytes("RGBA", canvas.get_width_height(), dots.getvalue()).convert("RGB")
    picture.quantize(colors=64, dither=Image.Dither.NONE).save(out, format="png", optimize=True)
    return out.getvalue()


def _sum(rows: Sequence[Row], currency: str) -> float:
    return float(sum(row["amount"] for row in rows if row["currency"] == currency))


def _columns(axes: Axes, rows: Sequence[Row], months: Sequence[str]) -> None:
    """One column a month; an estimate is hatched. Doubles are good enough for a picture."""
    above, below = dict.fromkeys(months, 0.0), dict.fromkeys(months, 0.0)
    clients = list(dict.fromkeys(row["client"] for row in sorted(rows, key=lambda r: (r["place"], r["client"]))))
    for client in clients:
        colour = _COLOURS[min(clients.index(client), len(_COLOURS) - 1)]
        own = {row["month"]: row for row in rows if row["client"] == client}
        heights = [float(own[m]["amount"]) if m in own else 0.0 for m in months]
        bottoms = [(above if h >= 0 else below)[m] for m, h in zip(months, heights, strict=True)]
        bars = axes.bar(range(len(months)), heights, 0.72, bottoms, color=colour, label=_short(client))
        for bar, month in zip(bars, months, strict=True):
            if month in own and own[month]["is_estimate"]:
                bar.set(alpha=0.45, hatch="//", edgecolor="white")
        for month, height in zip(months, heights, strict=True):
            (above if height >= 0 else below)[month] += height
    estimated = {row["month"] for row in rows if row["is_estimate"]}
    labels = [f"{m}\nso far" if m in estimated else m for m in months]
    axes.set_xticks(range(len(months)), labels, fontsize=7)
    axes.set_xlim(-0.6, max(len(months), 4) - 0.4)
    axes.tick_params(axis="y", labelsize=7)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#e6eaee")
    axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def _short(name: str) -> str:
    """A client's name without what the drawing would take for mathematics or for "leave out of the legend"."""
    text = name.replace("$", r"\$").lstrip("_")
    return text if len(text) <= _NAME_LENGTH else f"{text[: _NAME_LENGTH - 3]}..."
