"""What is wrong with usage as a whole, so that none of it is billed; seats do not depend on it.

It decides about the data that a plan is made from. The check `usage_billed_twice` shows the rows, with the same query. What
is wrong with one company's month is in billing/planning/usage/document_verdicts.sql. Usage that does not add up stops
the whole run before a plan is made (the check `usage_adds_up`).
"""

from __future__ import annotations

from typing import Any

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql

REASON = "usage_check"
_CHARGES = "class IN ('safe', 'needs_approval') AND list_contains($usage, action)"


def hold_usage(connection: Connection) -> None:
    """Block every charge in the temporary table plan_rows when a check of all usage fails, and say which."""
    values = {"usage": list(registry.usage_actions())}
    charges = _count(connection, f"SELECT count(*) FROM plan_rows WHERE {_CHARGES}", values)
    found = usage_stops(connection) if charges else []
    if found:
        connection.execute(
            "UPDATE plan_rows SET class = 'blocked', reason = $reason, sentence = $sentence, unbilled_per_month = greatest(money_per_month, 0) "
            f"WHERE {_CHARGES}",
            {**values, "reason": REASON, "sentence": f"no usage is billed: {'; '.join(found)}"},
        )


def usage_stops(connection: Connection) -> list[str]:
    """Return a sentence for each check of all usage that fails."""
    twice = _count(connection, f"SELECT count(*) FROM ({load_sql('billing/planning/usage_billed_twice.sql')})")
    return (
        [f"{plural(twice, 'usage key is', 'usage keys are')} on more than one Halo invoice (usage_billed_twice)"]
        if twice
        else []
    )


def _count(connection: Connection, query: str, values: dict[str, Any] | None = None) -> int:
    return int(connection.execute(query, values or {}).fetchall()[0][0])
