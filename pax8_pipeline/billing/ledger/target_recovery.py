"""What became of writes of lines and licences whose end is not known: the action reads it from what Halo shows now.

Contains: finding those writes and their targets. Does not contain: the decision (`TargetAction.settle`), the same for
usage invoices (`recovery`), writing the ledger (`ledger`).

No waiting is needed, other than for an invoice: such a write states the value, so one that arrives late, or twice, sets
what was wanted anyway, and the next run reads what is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.actions.action import TargetAction
from pax8_pipeline.billing.actions.compare import number
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation
from pax8_pipeline.billing.actions.target import Target
from pax8_pipeline.billing.ledger.recovery import Settlement
from pax8_pipeline.billing.model import Change
from pax8_pipeline.text import jsontext
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

_GONE: Mapping[str, Any] = {"id": 0, "lines": []}


def settle_targets(connection: Connection) -> list[Settlement]:
    """Return what every open write of a line or licence came to, by the newest whole reads of Halo's lists."""
    values = {"documents": [*registry.document_actions(), *registry.creation_actions()]}
    return [_settle(row) for row in dicts(connection.execute(load_sql("billing/ledger/open_targets.sql"), values))]


def _settle(row: Mapping[str, Any]) -> Settlement:
    change = change_of(row)
    try:
        action = registry.action_of(change)
    except (registry.UnknownAction, BadExpectation) as error:
        return Settlement(row["plan_id"], row["row_id"], "drifted", f"not settled by reading: {error}")
    if not isinstance(action, TargetAction):
        raise TypeError(f"{action.name} has no target")
    header = jsontext.loads(row["header"]) if row["header"] else _GONE
    target = Target.of(change, header, jsontext.loads(row["licence"]) if row["licence"] else None)
    detail = f"settled by reading: {action.describe(target)}"
    return Settlement(row["plan_id"], row["row_id"], action.settle(target), detail)


def change_of(row: Mapping[str, Any]) -> Change:
    """Return the planned change of a ledger row; its plan may be gone, then the ledger's own words count."""
    after = row["quantity_after"]
    return Change(
        row_id=row["row_id"],
        action=row["action"],
        cls="",
        client_id=row["client_id"],
        client_name=None,
        subscription_id=row["subscription_id"],
        product_name=None,
        recurring_invoice_id=row["recurring_invoice_id"],
        line_id=row["line_id"],
        licence_id=row["licence_id"],
        before=row["before"],
        after=row["after"],
        quantity_after=number(row["after"]) if after is None else after,
        currency=row["currency"],
        money_per_month=row["money_per_month"] or Decimal(0),
        expect=json.loads(row["expect"] or "{}"),
    )
