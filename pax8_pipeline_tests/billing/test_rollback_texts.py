"""An undo restores a licence's status and end date only where nobody typed others since."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.applying.apply import Applier
from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.model import Entry
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.billing.rollback import make_rollback
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.snapshots import dicts
from pax8_pipeline_tests.support.billing import TODAY, FakeHalo, FakePax8, MemoryLedger
from pax8_pipeline_tests.support.plans import safe_changes
from pax8_pipeline_tests.support.vendor_data import VendorData, invoice, licence, line, plan_context, subscription

ENDED = {"is_active": False, "status": "Cancelled", "end_date": "2026-08-19T00:00:00"}
BEFORE = {"is_active": True, "status": "Active", "end_date": None, "count": 20}


def undo(folder: Path, now: dict[str, Any]) -> tuple[Warehouse, str, dict[str, Any], FakeHalo]:
    """Plan the way back from an end while the licence looks like `now`."""
    gone = subscription(status="Cancelled", endDate="2026-08-19")
    warehouse = VendorData(subscriptions=[gone]).load(folder)
    plan = plans.make_plan(warehouse, plan_context())
    with warehouse.connect() as connection:
        (change,) = safe_changes(connection, plan.plan_id)
    ledger, state = Ledger(warehouse, "run-1"), json.dumps({"licence": BEFORE, "line": {"isinactive": False}})
    ledger.record(plan.plan_id, [Entry(change, "claimed", "", state)])
    ledger.record(plan.plan_id, [Entry(change, "verified")])
    halo = FakeHalo({-94: invoice([line(isinactive=True)])}, {4127: licence(**{**ENDED, **now})})
    made = make_rollback(warehouse, plan.plan_id, halo, plan_context(run_id="run-2"))
    with warehouse.connect() as connection:
        (row,) = dicts(connection.execute("SELECT * FROM billing.plan WHERE plan_id = ?", [made.plan_id]))
    return warehouse, made.plan_id, row, halo


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ({}, "rollback"),
        ({"end_date": "2026-08-19T00:00:00Z"}, "rollback"),
        ({"status": "Active"}, "rollback"),  # this Halo did not take the status
        ({"status": "On hold, ask Ada"}, "changed_since"),
        ({"end_date": "2026-12-31T00:00:00"}, "changed_since"),
    ],
    ids=str,
)
def test_what_a_person_typed_since_is_not_overwritten(now: dict[str, Any], reason: str, tmp_path: Path) -> None:
    _, _, row, _ = undo(tmp_path, now)
    assert row["reason"] == reason
    assert (row["class"] == "blocked") == (reason == "changed_since")


def test_what_a_person_typed_since_the_undo_was_planned_is_drift(tmp_path: Path) -> None:
    warehouse, plan_id, _, halo = undo(tmp_path, {})
    halo.licence_rows[4127]["status"] = "On hold, ask Ada"
    with warehouse.connect() as connection:
        head, (change,) = plans.load_plan(connection, plan_id), plans.all_changes(connection, plan_id)
    outcome = Applier(halo, FakePax8(), MemoryLedger(), TODAY).apply(
        type(head)(**{**head.__dict__, "expires_at": head.expires_at.replace(year=2999)}), [change]
    )
    assert (outcome.states, halo.attempts) == ({"drifted": 1}, 0)
