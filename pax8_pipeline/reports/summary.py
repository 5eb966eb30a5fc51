"""What a run comes to, on one screen: the result, the money, the largest rows, what to do next.

Here belongs: choosing and wording, as plain lines that fit a width. Not here: printing (`commands.run_report`), the
whole plan (`plan_report`). Names come from outside: who prints the lines makes them safe for a terminal.
"""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.findings import FindingTotals
from pax8_pipeline.billing.verdicts import check_of, label_of
from pax8_pipeline.reports import formatting
from pax8_pipeline.text.plurals import plural

LARGEST = 8
ALL_ROWS = "pax8-pipeline plan show --details"
# On a narrower screen each row takes two lines: fewer rows, so that all of it is one screen at 60 columns too.
_FULL_WIDTH, _FEWER = 80, 4
_STEPS = 3
_AMOUNT, _WHAT = 14, 25

Row = Mapping[str, Any]

# What a person does about the rows of a check.
STEPS: dict[str, str] = {
    "unmatched_companies": "map the company: `pax8-pipeline mapping review`, or data/mappings/clients.csv",
    "currency_mismatch": "put the currency right in Halo",
    "unmapped_subscriptions": "add the line in Halo, or link it in data/mappings/subscriptions.csv",
    "needs_decision": "look at the row with `pax8-pipeline explain`, then decide",
    "held_by_policy": "make the change in Halo, or raise the client's trust in policy.yaml",
    "orphaned_licences": "end it in Halo, or acknowledge it",
    "usage_unassigned": "assign the group to a company in the Pax8 portal",
    "usage_held": "remove what holds it (`pax8-pipeline explain`)",
    "usage_corrections": "put the invoice right in Halo, or approve the row",
}

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


def at_stake(row: Row) -> Decimal:
    """Return the amount of a row, whichever of the three it has; its sign is not for comparing."""
    known = row.get("at_stake") or row["unbilled_per_month"] or row["money_per_month"]
    return abs(Decimal(known or 0))


def is_news(row: Row) -> bool:
    """True for a row that is held since today, or that was written by this plan."""
    return bool(row["is_new"] or row["state"])


def largest(rows: Sequence[Row], width: int, *, count: int = LARGEST, all_rows: str = ALL_ROWS) -> list[str]:
    """Return the rows with the most money, a line each (two on a narrow screen), and what to do about them.

    Nothing where there is none. `all_rows` is the command that shows the others.
    """
    listed = [row for row in rows if row["class"] != "no_op" and not row.get("acknowledged")]
    if not listed:
        return []
    title = "1 row" if len(listed) == 1 else f"{min(count, len(listed))} largest rows"
    return [", ".join([title, *_legend(listed, count)]), *row_lines(listed, width, count=count, all_rows=all_rows)]


def row_lines(rows: Sequence[Row], width: int, *, count: int, all_rows: str = ALL_ROWS) -> list[str]:
    """Return up to `count` rows with the most money on top, how many more there are, and what to do about those shown."""
    shown = by_money(rows)[:count]
    found = [line for row in shown for line in _row_lines(row, width)]
    if len(rows) > len(shown):
        found.append(f"+{len(rows) - len(shown):,} more: `{all_rows}`")
    return [*found, *_steps(shown, width)]


def by_money(rows: Sequence[Row]) -> list[Row]:
    """Return the rows, the most money first."""
    return sorted(
        rows, key=lambda row: (row["class"] == "no_op", -at_stake(row), str(row["client_name"]), str(row["row_id"]))
    )


def _legend(rows: Sequence[Row], count: int) -> list[str]:
    marks = {_mark(row) for row in by_money(rows)[:count]}
    return [f"{sign} = {text}" for sign, text in _MARKS.items() if sign in marks]


def _row_lines(row: Row, width: int) -> list[str]:
    """Return the amount, what it is, and whom and what it is about; on a narrow screen the latter below."""
    stake = at_stake(row)
    amount = formatting.money(stake, row["currency"]) if stake else ""
    label = label_of(str(row["verdict"]))
    names = _names(row)
    start = f"{_mark(row)}{amount.rjust(_AMOUNT)}  "
    if width < _FULL_WIDTH:
        return [f"{start}{label}", f"{' ' * len(start)}{_fitted(names, width - len(start))}"]
    head = f"{start}{label.ljust(_WHAT)} "
    return [head + _fitted(names, width - len(head))]


def _names(row: Row) -> str:
    """Return whom a row is about and its product; of usage without a company the group, which is what a person looks for."""
    who = row["client_name"] or row["company_name"] or "no company"
    group = _group(row) if row["verdict"] == "usage_unassigned" else ""
    what = group or row["product_name"]
    return f"{who}: {what}" if what else str(who)


def _group(row: Row) -> str:
    evidence = json.loads(row.get("evidence") or "{}")
    return f"{evidence['resource_group']}, {evidence['month']}" if evidence.get("resource_group") else ""


_MARKS = {"*": "new", "w": "written"}


def _mark(row: Row) -> str:
    return "w" if row["state"] == "verified" else "*" if row["is_new"] else " "


def _fitted(text: str, room: int) -> str:
    """Return as many whole words as fit."""
    return textwrap.shorten(text, max(room, 10), placeholder=" ...") if len(text) > room else text


def _steps(rows: Sequence[Row], width: int) -> Iterator[str]:
    """Yield what to do about the rows, under the labels that the rows have."""
    labels: dict[str, dict[str, None]] = {}
    for row in rows:
        if check := check_of(row["verdict"]):
            labels.setdefault(check, {})[label_of(str(row["verdict"]))] = None
    for check, names in list(labels.items())[:_STEPS]:
        text = f"  {', '.join(names)}: {STEPS.get(check, check)}"
        yield from textwrap.wrap(text, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


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
) -> list[str]:
    """Return the summary of a run. Without news (nothing written, nothing new) it leaves out the rows.

    `proof`: a text that stands below the result. `all_rows`: the command that shows every row.
    """
    parts = [
        [*headline(sentence, only_findings, found, width), *_wrapped(proof, width)],
        money_lines(money, found, width),
    ]
    if any(is_news(row) or row["class"] in ("safe", "needs_approval") for row in rows):
        count = LARGEST if width >= _FULL_WIDTH else _FEWER
        parts.append(largest(rows, width, count=count, all_rows=all_rows))
    else:
        held = sum(row["class"] == "blocked" for row in rows)
        text, command = f"Nothing new; {plural(held, 'row stays', 'rows stay')} held:", f"`{all_rows}`"
        fits = len(f"{text} {command}") <= width
        parts.append(([f"{text} {command}"] if fits else [text, command]) if held else [])
    return [line for part in parts if part for line in (*part, "")]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
