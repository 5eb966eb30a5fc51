"""The first screen of the page: six tiles that say what an owner wants to know first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.findings import FindingTotals
from pax8_pipeline.billing.model import Plan
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.overview.figures import Money, Sums
from pax8_pipeline.text.plurals import plural

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """One large figure, and a few small words behind it."""

    text: str
    note: str = ""


@dataclass(frozen=True)
class Tile:
    """One tile: title and period, large figures, lines below them, and what the figures are. `tone` is good, bad or ""."""

    title: str
    figures: Sequence[Figure]
    about: str
    period: str = ""
    lines: Sequence[str] = ()
    tone: str = ""


def tiles(plan: Plan, money: Money, rows: Sequence[Row], found: FindingTotals | None) -> list[Tile]:
    """Return the tiles of one plan. `found` is None for a plan that is not the newest: its findings are not known."""
    return [*_money_tiles(money), _not_billed(found), _changed(plan, rows), _decisions(plan, rows, found)]


def _money_tiles(money: Money) -> list[Tile]:
    now, before = money.now, money.before
    period = formatting.month_name(now.month)
    usage = formatting.month_name(now.usage_month)
    seats = now.seats
    known = f" Known for {seats.known('margin')}." if seats else ""
    about = (
        "Approved Pax8 invoices dated in the month, your cost. A yearly prepayment counts in full in its month.",
        f"Halo's live lines of Pax8 subscriptions, a month, and invoices for usage of {usage}.",
        f"Billed less cost, by the month, where both are known; not the difference of the two tiles beside it.{known}",
    )
    names = (("Paid to Pax8", "paid"), ("Billed to clients", "billed"), ("Margin", "margin"))
    tones = ("", "", "good")
    return [
        Tile(
            title,
            _amounts(getattr(now, name), money.currencies),
            text,
            period=period,
            lines=[f"{formatting.month_name(before.month)}: {_in_words(getattr(before, name), money.currencies)}"],
            tone=tone,
        )
        for (title, name), text, tone in zip(names, about, tones, strict=True)
    ]


def _amounts(sums: Sums, order: Sequence[str]) -> list[Figure]:
    shown = [currency for currency in order if currency in sums]
    return [Figure(formatting.known_money(sums[c], c)) for c in shown] or [Figure(formatting.NOT_KNOWN)]


def _in_words(sums: Sums, order: Sequence[str]) -> str:
    return ", ".join(formatting.known_money(sums[c], c) for c in order if c in sums) or formatting.NOT_KNOWN


def _not_billed(found: FindingTotals | None) -> Tile:
    about = "Pax8 bills it, and no client is billed for it. Each row below has its next step."
    if found is None:
        return Tile(
            "Not billed to any client", [Figure(formatting.NOT_KNOWN)], "Known for the newest plan only.", period="now"
        )
    figures = [
        *(Figure(formatting.money(amount, c), "a month") for c, amount in _largest(found.lost_a_month)),
        *(Figure(formatting.money(amount, c), "of usage, once") for c, amount in _largest(found.lost_once)),
    ]
    lines = [
        f"{plural(found.losses, 'row')}; {found.new} of all {plural(found.count, 'finding')} new since the last run"
    ]
    if found.unknown:
        lines.append(f"{plural(found.unknown, 'row')} of an amount that is not known")
    if found.overcharged_a_month:
        lines.append(f"Billed too much: {formatting.amounts(found.overcharged_a_month)} a month")
    return Tile("Not billed to any client", figures or [Figure("nothing")], about, period="now", lines=lines,
                tone="bad" if found.losses else "good")  # fmt: skip


def _largest(sums: Mapping[str, Decimal]) -> list[tuple[str, Decimal]]:
    return sorted(((c, amount) for c, amount in sums.items() if amount), key=lambda part: (-part[1], part[0]))


def _changed(plan: Plan, rows: Sequence[Row]) -> Tile:
    written = [row for row in rows if row["state"] == "verified"]
    planned = [row for row in rows if row["class"] in ("safe", "needs_approval") and row["action"] != "none"]
    chosen, verb = (written, "written") if written else (planned, "planned, none written")
    monthly: dict[str, Decimal] = {}
    once: dict[str, Decimal] = {}
    for row in chosen:
        sums = once if registry.is_usage(row["action"]) else monthly
        currency = row["currency"] or "?"
        sums[currency] = sums.get(currency, Decimal(0)) + (row["money_per_month"] or Decimal(0))
    lines = [
        *(f"{formatting.money(amount, c, signed=True)} a month" for c, amount in sorted(monthly.items()) if amount),
        *(f"{formatting.money(amount, c, signed=True)} of usage invoiced" if written else
          f"{formatting.money(amount, c, signed=True)} of usage to invoice" for c, amount in sorted(once.items()) if amount),
    ]  # fmt: skip
    about = (
        "Written to Halo and read back."
        if written
        else f"Write mode {plan.write_mode}: nothing was written by this plan."
    )
    figure = Figure(
        f"{len(chosen):,}", f"{'change' if len(chosen) == 1 else 'changes'} {verb}" if chosen else "changes"
    )
    return Tile("Changed", [figure], about, period="last night", lines=lines)


def _decisions(plan: Plan, rows: Sequence[Row], found: FindingTotals | None) -> Tile:
    open_rows = [row for row in rows if row["class"] == "needs_approval" and row["state"] is None]
    findings = found.count if found else 0
    lines = [
        f"{plural(len(open_rows), 'change')} to approve or to leave",
        f"{plural(findings, 'finding')} that only a person can resolve" if found else "Findings: not known",
        *([f"{found.acknowledged} acknowledged and not counted"] if found and found.acknowledged else []),
    ]
    about = "`pax8-pipeline plan approve`, or `acknowledge` for what may stay as it is.".replace("`", "")
    waits = len(open_rows) + findings
    return Tile("Waiting for a decision", [Figure(f"{waits:,}", "row" if waits == 1 else "rows")], about,
                lines=lines, tone="bad" if waits else "good")  # fmt: skip
