"""A plan in the warehouse: guardrails hold it, its ledger settles it, and only a whole read makes it good."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.ledger.ledger import Ledger, states
from pax8_pipeline.billing.model import Entry, State
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.settings import Policy
from pax8_pipeline_tests.support.billing import WAIT
from pax8_pipeline_tests.support.many_cases import combine
from pax8_pipeline_tests.support.plans import safe_changes
from pax8_pipeline_tests.support.vendor_data import (
    SUB,
    VendorData,
    invoice,
    licence,
    line,
    manual_line,
    plan_context,
    planned,
    subscription,
)


def test_a_client_over_its_limit_is_held_and_the_figures_stand_on_the_row(tmp_path: Path) -> None:
    policy = Policy.model_validate({"guardrails": {"client": {"money_delta": 100}}})
    row = planned(VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path), policy=policy)[0]
    assert (row["class"], row["reason"]) == ("blocked", "guardrail_client")
    assert "110.00 USD a month moved, limit money_delta is 100" in row["sentence"]


def test_a_run_over_its_limit_is_held_whole(tmp_path: Path) -> None:
    policy = Policy.model_validate({"guardrails": {"run": {"lines_changed": 0}}})
    warehouse = VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path)
    plan = plans.make_plan(warehouse, plan_context(policy=policy))
    assert plan.held
    assert "limit lines_changed is 0" in plan.held
    with warehouse.connect() as connection:
        assert safe_changes(connection, plan.plan_id) == []


def test_a_plan_from_another_runs_reads_is_not_complete(tmp_path: Path) -> None:
    warehouse = VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path, run_id="yesterday")
    plan = plans.make_plan(warehouse, plan_context(run_id="today"))
    assert not plan.complete
    assert "pax8.subscriptions" in (plan.problem or "")


ENDED = {"status": "Cancelled", "endDate": "2026-08-19"}
SETTLE: dict[str, tuple[VendorData, VendorData, str]] = {
    # what was planned from, what Halo shows afterwards, what the open write becomes
    "count reached": (
        VendorData(subscriptions=[subscription(quantity=25)]),
        VendorData(licences=[licence(count=25)]),
        "verified",
    ),
    "count as before": (VendorData(subscriptions=[subscription(quantity=25)]), VendorData(), "failed"),
    "count is a third": (
        VendorData(subscriptions=[subscription(quantity=25)]),
        VendorData(licences=[licence(count=7)]),
        "drifted",
    ),
    "line and licence off": (
        VendorData(subscriptions=[subscription(**ENDED)]),
        VendorData(licences=[licence(is_active=False)], recurring=[invoice([line(isinactive=True)])]),
        "verified",
    ),
    "line off, licence on": (
        VendorData(subscriptions=[subscription(**ENDED)]),
        VendorData(recurring=[invoice([line(isinactive=True)])]),
        "failed",
    ),
    "manual reached": (
        VendorData(
            subscriptions=[subscription(quantity=25)],
            licences=[],
            recurring=[invoice([manual_line()])],
            subscription_map=[(SUB, -94, 24967, None)],
        ),
        VendorData(licences=[], recurring=[invoice([manual_line(qty_order=25)])]),
        "verified",
    ),
}


OPEN: tuple[State, ...] = ("claimed", "sent", "unknown")
CASES = [(name, state) for name in SETTLE for state in OPEN]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, State], list[dict[str, Any]]]:
    """What each open write became: all of them are planned, left open, read again and settled together."""
    folder = tmp_path_factory.mktemp("cases")
    before = combine({case: SETTLE[case[0]][0] for case in CASES})
    warehouse = before.load(folder)
    plan = plans.make_plan(warehouse, plan_context())
    with warehouse.connect() as connection:
        changes = safe_changes(connection, plan.plan_id)
    case_of = {change.row_id: before.case_of({"row_id": change.row_id}) for change in changes}
    assert sorted(case_of.values()) == sorted(CASES)
    Ledger(warehouse, "run-1").record(plan.plan_id, [Entry(change, case_of[change.row_id][1]) for change in changes])
    after = combine({case: SETTLE[case[0]][1] for case in CASES})
    after.load(folder, run_id="run-2")
    rows = Ledger(warehouse, "run-2").settle(WAIT)
    with warehouse.connect() as connection:
        assert states(connection, plan.plan_id) == Counter(row["state"] for row in rows)
        assert connection.execute("SELECT count(*) FROM billing.ledger").fetchall() == [(2 * len(CASES),)]
    assert Ledger(warehouse, "run-3").settle(WAIT) == []
    return before.split(rows)


@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("name", SETTLE)
def test_an_open_write_is_settled_by_reading(
    name: str, state: State, settled: dict[tuple[str, State], list[dict[str, Any]]]
) -> None:
    assert [row["state"] for row in settled[name, state]] == [SETTLE[name][2]]
