"""Where everything stands now: the newest plan, what waits and since when, and the money that is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pax8_pipeline.billing.ledger import ledger
from pax8_pipeline.billing.model import Plan
from pax8_pipeline.billing.planning.planner import latest_plan_id, load_plan
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts


@dataclass(frozen=True)
class PlanStatus:
    """The newest plan, what was written of it, and what is open.

    `waiting`: changes that wait for an approval. `open_money`: rows with `kind`, `currency`, `number`, `amount` (Decimal, None
    when not known) and `since` (date), one for each kind and currency.
    """

    plan: Plan | None = None
    written: Mapping[str, int] = field(default_factory=dict)
    waiting: int = 0
    open_money: Sequence[Mapping[str, Any]] = ()


def plan_status(connection: Connection) -> PlanStatus:
    """Read the newest plan and what is open; an empty status before the first plan."""
    plan_id = latest_plan_id(connection)
    if plan_id is None:
        return PlanStatus()
    rows = dicts(connection.execute(load_sql("reports/status.sql"), {"plan_id": plan_id}))
    return PlanStatus(
        plan=load_plan(connection, plan_id),
        written=ledger.states(connection, plan_id),
        waiting=next((row["number"] for row in rows if row["kind"] == "waiting"), 0),
        open_money=[row for row in rows if row["kind"] != "waiting"],
    )
