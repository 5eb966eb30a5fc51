"""The changes of a plan that are written without a person."""

from __future__ import annotations

from pax8_pipeline.billing.model import Change
from pax8_pipeline.billing.planning import planner
from pax8_pipeline.warehouse.connection import Connection


def safe_changes(connection: Connection, plan_id: str) -> list[Change]:
    """Return the writes of a stored plan that may be sent, ordered by recurring invoice."""
    return [change for change in planner.all_changes(connection, plan_id) if change.cls == "safe"]
