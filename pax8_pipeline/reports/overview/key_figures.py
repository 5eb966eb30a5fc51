"""The money on one small table, and the two amounts of each currency that are worth a curve over time.

Contains: choosing and labelling. Does not contain: adding up (`figures`, `billing.findings`), layout. The amounts are
those of the report's first screen and of the terminal's summary. Money is Decimal; an amount that is not known is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pax8_pipeline.billing import findings
from pax8_pipeline.billing.findings import FindingTotals
from pax8_pipeline.billing.model import Plan
from pax8_pipeline.billing.planning.planner import chosen_plan_id, load_plan
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.overview.figures import Money, Sums, load_money
from pax8_pipeline.reports.table import Column, Table
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection


@dataclass(frozen=True)
class KeyFigures:
    """The money table, a column for each currency; what is not billed a month and the margin of this month, by currency;
    and in one sentence what waits for a person.
    """

    table: Table
    not_billed: Mapping[str, Decimal]
    margin: Sums
    waits: str


def load_key_figures(connection: Connection) -> KeyFigures:
    """Return the figures of the newest plan that was made from everything. Raises PipelineError before the first plan.

    A plan that only bills some months, or undoes another one, is about a part of the money and is not taken.
    """
    open_rows = findings.open_findings(connection)
    plan = load_plan(connection, chosen_plan_id(connection, open_rows[0]["plan_id"] if open_rows else None))
    found, money = findings.add_up(open_rows), load_money(connection, plan)
    currencies = list(dict.fromkeys([*money.currencies, *plan.money, *found.lost_a_month, *found.lost_once]))
    rows = _rows(plan, money, found, currencies)
    columns = [Column("what", "money"), *(Column(currency, currency) for currency in currencies)]
    return KeyFigures(
        Table("Money", columns, rows),
        {currency: found.lost_a_month.get(currency, Decimal(0)) for currency in currencies},
        money.now.margin,
        _waits(plan, found),
    )


def _rows(plan: Plan, money: Money, found: FindingTotals, currencies: list[str]) -> list[dict[str, str]]:
    month = formatting.month_name(money.now.month)
    known: dict[str, Sums] = {
        f"paid to Pax8, {month}": _of_each(money.now.paid, currencies),
        f"billed to clients, {month}": _of_each(money.now.billed, currencies),
        f"margin, {month}": _of_each(money.now.margin, currencies),
        "not billed, a month": {currency: Decimal(0) for currency in currencies} | dict(found.lost_a_month),
        "usage not billed, once": found.lost_once,
        "billed too much, a month": found.overcharged_a_month,
        "usage billed too much, once": found.overcharged_once,
        "increases of this plan, a month": _of_plan(plan, "up"),
        "decreases of this plan, a month": _of_plan(plan, "down"),
        "usage to bill by this plan": _of_plan(plan, "usage"),
    }
    return [
        {"what": what, **{c: formatting.known_money(sums[c]) if c in sums else "" for c in currencies}}
        for what, sums in known.items()
        if sums
    ]


def _of_each(sums: Sums, currencies: list[str]) -> dict[str, Decimal | None]:
    """Return the amount of each currency, None where it is not known."""
    return {currency: sums.get(currency) for currency in currencies}


def _of_plan(plan: Plan, name: str) -> dict[str, Decimal]:
    sums = {currency: Decimal(of.get(name, "0")) for currency, of in plan.money.items()}
    return {currency: amount for currency, amount in sums.items() if amount}


def _waits(plan: Plan, found: FindingTotals) -> str:
    changes = plural(plan.rows_waiting, "change")
    counted = plural(found.count, "finding")
    new = f" ({found.new} new)" if found.new else ""
    if not plan.rows_waiting and not found.count:
        return "nothing"
    return f"{changes} for an approval, {counted}{new} for a decision"
