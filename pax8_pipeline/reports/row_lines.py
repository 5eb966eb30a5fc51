"""Rows of a plan as lines of a terminal: amount, what it is, whom and what it is about, and the next step.

A line from 80 columns on. On a narrower screen a line without the product, or two lines where the client does not fit.
Names are shortened by whole words: a word is never cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.cells import cell_len

from pax8_pipeline.billing.verdicts import label_of
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.next_steps import short_step

Row = Mapping[str, Any]

# A narrower screen has no room for a name beside all the rest.
FULL_WIDTH = 80
_GAP = "  "
_ENOUGH_WORDS = 2  # of a client's name, so that it is not taken for another one
# Where there is little room, a longer label takes it from the names of its own row, not from those of all rows.
_WIDEST_LABEL, _MUCH_ROOM = 20, 100
# Words that say nothing at the end of a shortened name.
_CONNECTING = {"of", "for", "and", "with", "the", "in", "a", "&", "-", "+", "/"}


@dataclass(frozen=True)
class _Cells:
    mark: str
    amount: str
    label: str
    client: str
    product: str
    step: str


def at_stake(row: Row) -> Decimal:
    """Return the amount of a row, whichever of the three it has; its sign is not for comparing."""
    known = row.get("at_stake") or row["unbilled_per_month"] or row["money_per_month"]
    return abs(Decimal(known or 0))


def by_money(rows: Sequence[Row]) -> list[Row]:
    """Return the rows, the most money first."""
    return sorted(
        rows, key=lambda row: (row["class"] == "no_op", -at_stake(row), str(row["client_name"]), str(row["row_id"]))
    )


def row_lines(rows: Sequence[Row], width: int) -> list[list[str]]:
    """Return the lines of each row: one, and below FULL_WIDTH two where the client has no room in the first."""
    cells = [_cells(row) for row in rows]
    amount = max((len(cell.amount) for cell in cells), default=0)
    if width < FULL_WIDTH:
        return [_narrow(cell, amount, width) for cell in cells]
    aligned = [len(cell.label) for cell in cells if width >= _MUCH_ROOM or len(cell.label) <= _WIDEST_LABEL]
    label, step = max(aligned, default=0), _step_width(rows)
    return [[_one_line(cell, amount, label, step, width)] for cell in cells]


def heading(title: str, rows: Sequence[Row], width: int) -> str:
    """Return the line above the rows: a title, and `next step` where the steps of `row_lines` begin, or end on a narrow
    screen.
    """
    size = _step_width(rows) if width >= FULL_WIDTH else 0
    return f"{title}{'next step'.ljust(size).rjust(width - len(title))}".rstrip()


def _step_width(rows: Sequence[Row]) -> int:
    return max([len("next step"), *(len(short_step(row)) for row in rows)])


def _cells(row: Row) -> _Cells:
    stake = at_stake(row)
    client, product = _names(row)
    return _Cells(
        mark="*" if row["is_new"] else " ",
        amount=formatting.money(stake, row["currency"]) if stake else "",
        label=label_of(str(row["verdict"])),
        client=client,
        product=product,
        step=short_step(row),
    )


def _names(row: Row) -> tuple[str, str]:
    """Return the client and the product; of usage without a company only the group, which is what a person looks for."""
    client = str(row["client_name"] or row["company_name"] or "")
    product = str(row["product_name"] or "").removeprefix("Usage of ")  # the label says that it is usage
    group = _group(row) if row["verdict"] == "usage_unassigned" else ""
    return ("", group) if group else (client, product)


def _group(row: Row) -> str:
    evidence = json.loads(row.get("evidence") or "{}")
    return f"{evidence['resource_group']}, {evidence['month']}" if evidence.get("resource_group") else ""


def _one_line(cell: _Cells, amount: int, label: int, step: int, width: int) -> str:
    start = f"{cell.mark} {cell.amount.rjust(amount)}{_GAP}{cell.label.ljust(label)}{_GAP}"
    room = width - len(start) - len(_GAP) - step
    names = fitted_names(cell.client, cell.product, room)
    return f"{start}{names}{' ' * (room - cell_len(names))}{_GAP}{cell.step}".rstrip()


def _narrow(cell: _Cells, amount: int, width: int) -> list[str]:
    start = f"{cell.mark} {cell.amount.rjust(amount)}{_GAP}"
    room = width - len(start) - len(cell.step)
    client = _words(cell.client or cell.product, room - len(cell.label) - 2 * len(_GAP))
    if client and len(client.split()) >= min(_ENOUGH_WORDS, len((cell.client or cell.product).split())):
        text = f"{cell.label}{_GAP}{client}"
        return [f"{start}{text}{' ' * (room - cell_len(text))}{cell.step}".rstrip()]
    beside = len(cell.label) + len(_GAP) <= room
    step = "" if beside else f"{cell.step}: "
    below = fitted_names(cell.client, cell.product, width - len(start) - len(step))
    first = f"{start}{cell.label.ljust(room)}{cell.step}" if beside else f"{start}{cell.label}"
    return [first.rstrip(), f"{' ' * len(start)}{step}{below}"]


def fitted_names(client: str, product: str, room: int) -> str:
    """Return `client: product` in at most `room` cells, shortened by whole words from the end of each.

    The client keeps as many words as leave room for one word of the product. Where not even one word fits, "...".
    """
    if not client or not product:
        return _words(client or product, room)
    for name in _shorter(client):
        rest = _words(product, room - cell_len(name) - 2)
        if rest not in ("", "..."):
            return f"{name}: {rest}"
    return _words(client, room)


def _words(text: str, room: int) -> str:
    """Return as many whole words as fit; "..." where not even one does, empty where that has no room either."""
    fitting = (shorter for shorter in _shorter(text) if cell_len(shorter) <= room)
    return next(fitting, "..." if text.strip() and room >= len("...") else "")


def _shorter(text: str) -> Iterator[str]:
    """Yield a text, then the same without its last word, and so on; never with a connecting word at its end."""
    words = text.split()
    for count in range(len(words), 0, -1):
        if count == len(words) or words[count - 1].lower() not in _CONNECTING:
            shorter = " ".join(words[:count])
            yield shorter if count == len(words) else shorter.rstrip(",;:-")
