"""What a run comes to, on one screen: the result, the money, the largest rows with their next steps.

Here belongs: choosing and wording, as plain lines that fit a width. Not here: the line of one row (`row_lines`), printing (`commands.run_report`), the
whole plan (`plan_report`). Names come from outside: who prints the lines makes them safe for a terminal.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.findings import FindingTotals
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.row_lines import FULL_WIDTH, by_money, heading, row_lines
from pax8_pipeline.text.plurals import plural

LARGEST = 8
ALL_ROWS = "pax8-pipeline plan show --details"
ONE_ROW = "One in full: `pax8-pipeline explain CLIENT`"
SCREEN = (
    30  # lines that a run prints at most, at 60 columns too, where a row takes two lines: then there are fewer rows
)
_FEWEST = 3
_AMOUNT = 14

Row = Mapping[str, Any]

_MONEY = (
    ("up", "increases a month", True),
    ("down", "decreases a month", True),
    ("net", "net a month", True),
    ("lost_a_month", "not billed, a month", False),
    ("overcharged_a_month", "billed too much, a month", False),
    ("usage", "usage to bill", False),
    ("lost_once", "usage not billed", False),
    ("without_company", "  of it without a company", False),
    ("overcharged_once", "usage billed too much", False),
)


def headline(sentence: str, only_findings: bool, found: FindingTotals, width: int) -> list[str]:
    """Return the result in one sentence, with the count of findings in place of their money.

    What holds a run is never shortened: nothing else on the screen says it.
    """
    if only_findings or (found.count and found.sentence in sentence):
        new = f" ({found.new} new)" if found.new else " (none new)"
        verb = "finding waits" if found.count == 1 else "findings wait"
        sentence = f"{sentence.split(found.sentence)[0].rstrip('; ')}; {found.count} {verb} for a person{new}"
    return _wrapped(sentence, width)


def money_lines(money: Mapping[str, Mapping[str, str]], found: FindingTotals, width: int) -> list[str]:
    """Return what the plan moves and what is at stake, a column for each currency; nothing where all is zero."""
    columns = {currency: _sums(currency, money.get(currency, {}), found) for currency in _currencies(money, found)}
    shown = dict(list(columns.items())[: max(1, (width - 28) // _AMOUNT)])
    rows = [row for row in _MONEY if any(sums.get(row[0]) for sums in shown.values())]
    if not rows:
        return []
    lines = ["Money".ljust(28) + "".join(currency.rjust(_AMOUNT) for currency in shown)]
    for name, label, signed in rows:
        amounts = (_amount(sums.get(name, Decimal(0)), signed) for sums in shown.values())
        lines.append(f"  {label}".ljust(28) + "".join(text.rjust(_AMOUNT) for text in amounts))
    if rest := list(columns)[len(shown) :]:
        lines.append(f"  also {', '.join(rest)}: see the report")
    return lines


def _currencies(money: Mapping[str, Any], found: FindingTotals) -> list[str]:
    named = [*money, *found.lost_a_month, *found.lost_once, *found.overcharged_a_month, *found.overcharged_once]
    at_stake = Counter(dict.fromkeys(named, 0))
    for sums in (found.lost_a_month, found.lost_once, found.overcharged_a_month, found.overcharged_once):
        for name, amount in sums.items():
            at_stake[name] += int(amount)
    return sorted(at_stake, key=lambda name: (-at_stake[name], name))


def _sums(currency: str, money: Mapping[str, str], found: FindingTotals) -> dict[str, Decimal]:
    up, down = Decimal(money.get("up", "0")), -abs(Decimal(money.get("down", "0")))
    none = Decimal(0)
    return {
        "up": up,
        "down": down,
        "net": up + down,
        "usage": Decimal(money.get("usage", "0")),
        "lost_a_month": found.lost_a_month.get(currency, none),
        "overcharged_a_month": found.overcharged_a_month.get(currency, none),
        "lost_once": found.lost_once.get(currency, none),
        "without_company": found.without_company.get(currency, none),
        "overcharged_once": found.overcharged_once.get(currency, none),
    }


def _amount(amount: Decimal, signed: bool) -> str:
    return formatting.money(amount, signed=signed)


def is_news(row: Row) -> bool:
    """True for a row that is held since today, or that was written by this plan."""
    return bool(row["is_new"] or row["state"])


def is_quiet(rows: Sequence[Row]) -> bool:
    """True when nothing was written, nothing is new and nothing waits to be written or approved."""
    return not any(is_news(row) or row["class"] in ("safe", "needs_approval") for row in rows)


def largest(
    rows: Sequence[Row], width: int, *, room: int = SCREEN, count: int = LARGEST, all_rows: str = ALL_ROWS
) -> list[str]:
    """Return a title and the rows with the most money, each with its next step; nothing where there is none.

    `room`: how many lines there are for all of it; at least three rows are shown. `all_rows`: the command that shows the
    others.
    """
    listed = [row for row in rows if row["class"] != "no_op" and not row.get("acknowledged")]
    if not listed:
        return []
    others = 3 if width >= FULL_WIDTH else 2  # this title, how many more there are, how to read on
    count = _count(by_money(listed)[:count], width, room - others)
    title = "1 row" if len(listed) == 1 else f"{min(count, len(listed))} largest rows"
    shown = by_money(listed)[:count]
    if any(row["is_new"] for row in shown):
        title += ", * = new"
    return [heading(title, shown, width), *chosen(listed, width, count=count, all_rows=all_rows)]


def _count(rows: Sequence[Row], width: int, room: int) -> int:
    """Return how many of the rows fit in `room` lines; at least _FEWEST."""
    count, used = 0, 0
    for lines_of_row in row_lines(rows, width):
        used += len(lines_of_row)
        if used > room and count >= _FEWEST:
            break
        count += 1
    return count


def chosen(rows: Sequence[Row], width: int, *, count: int, all_rows: str = ALL_ROWS) -> list[str]:
    """Return up to `count` rows with the most money on top, how many more there are, and how to read on about one."""
    shown = by_money(rows)[:count]
    found = [line for lines_of_row in row_lines(shown, width) for line in lines_of_row]
    if rest := len(rows) - len(shown):
        new = sum(bool(row["is_new"]) for row in rows) - sum(bool(row["is_new"]) for row in shown)
        found += _with_command(f"+{rest:,} more{f' ({new:,} new)' if 0 < new < rest else ''}:", all_rows, width)
    return [*found, ONE_ROW] if shown and width >= FULL_WIDTH else found


def lines(
    sentence: str,
    only_findings: bool,
    money: Mapping[str, Any],
    found: FindingTotals,
    rows: Sequence[Row],
    width: int,
    *,
    proof: str = "",
    all_rows: str = ALL_ROWS,
    below: int = 0,
) -> list[str]:
    """Return the summary of a run. On a quiet night (`is_quiet`) it has no rows and no empty lines: about eight lines.

    `proof`: a text that stands below the result. `all_rows`: the command that shows every row. `below`: how many lines
    follow; with them it is a SCREEN at most, unless what holds the run is longer.
    """
    head = [*headline(sentence, only_findings, found, width), *_wrapped(proof, width)]
    sums = money_lines(money, found, width)
    if is_quiet(rows):
        return [*head, *sums, *_still_held(rows, width, all_rows)]
    above = [line for part in (head, sums) if part for line in (*part, "")]
    rest = largest(rows, width, room=SCREEN - len(above) - 1 - below, all_rows=all_rows)
    return [*above, *rest, ""] if rest else above


def _still_held(rows: Sequence[Row], width: int, all_rows: str) -> list[str]:
    held = sum(row["class"] == "blocked" for row in rows)
    if not held:
        return []
    return _with_command(f"Nothing new; {plural(held, 'row stays', 'rows stay')} held:", all_rows, width)


def _with_command(text: str, command: str, width: int) -> list[str]:
    """Return a text with the command that follows it, on a line of its own where both do not fit one."""
    line = f"{text} `{command}`"
    return [line] if len(line) <= width else [text, f"  `{command}`"]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
