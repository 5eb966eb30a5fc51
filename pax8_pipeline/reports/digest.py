"""A run in six lines of plain text, for a message to people: what was written, what waits, the money, the report."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from pax8_pipeline.billing import findings
from pax8_pipeline.billing.ledger import ledger
from pax8_pipeline.billing.planning.planner import load_plan
from pax8_pipeline.reports import formatting
from pax8_pipeline.text.plaintext import one_line
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts


def digest(connection: Connection, plan_id: str, report: Path) -> str:
    """Return six lines about a stored plan and what was written of it. `report`: where its page is.

    Amounts of different currencies are never added up. Raises PipelineError for an unknown plan.
    """
    plan = load_plan(connection, plan_id)
    states = ledger.states(connection, plan_id)
    written, failed = states.get("verified", 0), sum(states.values()) - states.get("verified", 0)
    found = findings.add_up(findings.open_findings(connection, plan_id))
    rows = dicts(connection.execute(load_sql("reports/digest.sql"), {"plan_id": plan_id}))
    usage = {currency: Decimal(sums.get("usage", "0")) for currency, sums in plan.money.items()}
    largest = rows[0] if rows else None
    return "\n".join(
        [
            f"{plural(written, 'change')} written, {failed} not verified; {plan.rows_safe} planned, "
            f"{plan.rows_waiting} waiting for approval, {plan.rows_blocked} held back",
            f"Seats a month: {_seats(plan.money)}",
            f"Not billed: {formatting.amounts(found.lost_a_month)} a month, {formatting.amounts(found.lost_once)} of usage"
            f" ({plural(found.count, 'finding')}, {found.new} new)",
            f"Usage to bill: {formatting.amounts(usage)}; usage without a company: {formatting.amounts(found.without_company)}",
            f"Largest: {_largest(largest)}",
            f"Report: {report}",
        ]
    )


def _seats(money: Mapping[str, Mapping[str, str]]) -> str:
    parts = []
    for currency in sorted(money):
        up, down = Decimal(money[currency].get("up", "0")), Decimal(money[currency].get("down", "0"))
        if up or down:
            parts.append(f"{formatting.money(up, currency)} more, {formatting.money(abs(down), currency)} less")
    return "; ".join(parts) or "no change"


def _largest(row: dict[str, object] | None) -> str:
    if row is None:
        return "no row with money"
    amount, currency = row["amount"], row["currency"]
    assert isinstance(amount, Decimal)
    return one_line(f"{formatting.money(amount, str(currency or ''))}  {row['who']}: {row['product_name'] or ''}")
