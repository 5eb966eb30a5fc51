"""Undo: an inverse plan made from the ledger, through the same gates as any other plan.

What changed since the write is left alone and named. How one action is taken back is in `actions`. An inverse plan
always waits for a person, and what it undid waits too when the next night plans it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.actions.action import Action, TargetAction
from pax8_pipeline.billing.actions.creation import CreationAction, HaloReading
from pax8_pipeline.billing.actions.seat_expectation import SeatExpectation
from pax8_pipeline.billing.actions.target import Target
from pax8_pipeline.billing.applying.ports import HaloGateway
from pax8_pipeline.billing.model import Change, Plan
from pax8_pipeline.billing.planning import planner
from pax8_pipeline.billing.planning.context import PlanContext
from pax8_pipeline.errors import NotFound, PipelineError
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts


@dataclass(frozen=True)
class _VerifiedWrite:
    """One verified write: its plan row, its action, the state of the target before it, and what the ledger says of it."""

    row: Mapping[str, Any]
    action: Action
    before: Mapping[str, Any]
    detail: str


def make_rollback(warehouse: Warehouse, plan_id: str, halo: HaloGateway, now: PlanContext) -> Plan:
    """Plan the way back from every verified write of a plan, reading each target of today from Halo.

    Raises PipelineError when the plan wrote nothing, or is itself a rollback.
    """
    with warehouse.connect() as connection:
        writes = _verified_writes(connection, plan_id)
    if not writes:
        raise PipelineError(f"plan {plan_id} has no verified write to undo")
    if any(w.action.inverse is None and w.action.undo_by_hand(w.detail) is None for w in writes):
        raise PipelineError(f"plan {plan_id} is itself a rollback; run again to plan what Pax8 says")
    rows = [_row(write, halo) for write in writes]
    with warehouse.transaction() as connection:
        return planner.store_rows(connection, rows, now)


def _verified_writes(connection: Connection, plan_id: str) -> list[_VerifiedWrite]:
    planner.load_plan(connection, plan_id)
    rows = dicts(connection.execute(load_sql("billing/verified_writes.sql"), [plan_id]))
    changes = {change.row_id: change for change in planner.all_changes(connection, plan_id)}
    found = []
    for row in rows:
        before, detail = json.loads(row.pop("before_state") or "{}"), row.pop("ledger_detail") or ""
        found.append(_VerifiedWrite(row, registry.action_of(changes[row["row_id"]]), before, detail))
    return found


def _row(write: _VerifiedWrite, halo: HaloGateway) -> dict[str, Any]:
    by_hand = write.action.undo_by_hand(write.detail)
    if by_hand is not None:
        return _row_by_hand(write, *by_hand)
    if isinstance(write.action, CreationAction):
        return _row_of_creation(write, write.action, halo)
    if not isinstance(write.action, TargetAction):
        raise TypeError(f"{write.action.name} has no target")
    target = _read_target(halo, write.action.change)
    possible = write.action.can_be_undone(write.before, target)
    return _inverse_row(write, possible, write.action.undo_expectation(write.before, target))


def _row_by_hand(write: _VerifiedWrite, reason: str, sentence: str) -> dict[str, Any]:
    """Return the row that says why a write is not taken back from here, and what a person does."""
    return {
        **write.row,
        "class": "blocked",
        "verdict": "rollback",
        "action": "none",
        "reason": reason,
        "sentence": sentence,
        "before": write.row["after"],
        "after": write.row["after"],
        "delta": 0,
        "money_per_period": 0,
        "money_per_month": 0,
        "unbilled_per_month": 0,
        "expect": "{}",
        "evidence": json.dumps({"undoes_plan": write.row["plan_id"], "ledger": write.detail}),
    }


def _read_target(halo: HaloGateway, change: Change) -> Target:
    """Read what a change wrote to; nothing of it when the recurring invoice or the licence is gone."""
    try:
        header = halo.recurring_invoice(change.recurring_invoice_id or 0)
        licence = None if change.licence_id is None else halo.licence(change.licence_id)
    except NotFound:
        return Target({"lines": []}, None, None)
    return Target.of(change, header, licence)


def _row_of_creation(write: _VerifiedWrite, action: CreationAction, halo: HaloGateway) -> dict[str, Any]:
    """Return the row that switches a new licence or line off; what Halo shows of it now must be as it was made."""
    found = action.find(_read_around(halo, action))
    possible = len(found) == 1 and not action.differences(found[0])
    if not possible:
        return _inverse_row(write, possible, SeatExpectation())
    row = _inverse_row(write, possible, action.undo_expectation(found[0]))
    states = {"before": write.row["after"], "after": f"{action.describe(found[0])} inactive"}
    return {**row, **action.target_of(found[0]), **states, "target": action.describe(found[0]), "quantity_after": 0}


def _read_around(halo: HaloGateway, action: CreationAction) -> HaloReading:
    """Read what shows the new thing; nothing of it when its recurring invoice is gone."""
    licences = halo.licences_of(action.change.client_id or 0).objects
    if action.makes == "licence":
        return HaloReading(licences=licences)
    try:
        header = halo.recurring_invoice(action.change.recurring_invoice_id or 0)
    except NotFound:
        return HaloReading()
    return HaloReading(licences=licences, recurring_invoices=[header])


def _inverse_row(write: _VerifiedWrite, possible: bool, expected: SeatExpectation) -> dict[str, Any]:
    """Return the plan row that takes one write back, blocked when the target is no longer as the write left it."""
    row, action = write.row, write.action
    return {
        **row,
        "class": "needs_approval" if possible else "blocked",
        "verdict": "rollback",
        "action": action.inverse,
        "reason": "rollback" if possible else "changed_since",
        "sentence": f"takes back plan {row['plan_id']}" if possible else "not undone: it changed since it was written",
        "before": row["after"],
        "after": row["before"],
        "quantity_before": row["quantity_after"],
        "quantity_after": row["quantity_before"],
        "billed_before": row["billed_after"],
        "billed_after": row["billed_before"],
        "delta": -(row["delta"] or 0),
        "money_per_period": -(row["money_per_period"] or 0),
        "money_per_month": -(row["money_per_month"] or 0),
        "unbilled_per_month": 0,
        "expect": json.dumps(expected.to_json(), default=str),
        "evidence": json.dumps({"undoes_plan": row["plan_id"], "before_state": write.before}, default=str),
    }
