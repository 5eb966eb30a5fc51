"""plan_complete, native_integration, guardrails: what stops the writes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.planning.planner import make_plan
from pax8_pipeline.extract.halo_lists import read_integration
from pax8_pipeline.settings import ClientLimits, Guardrails, Policy, RunLimits
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline_tests.support.checks import Checked, check
from pax8_pipeline_tests.support.vendor_data import VendorData, plan_context, subscription
from pax8_pipeline_tests.support.vendors import HaloInMemory

PLAN = "billing.plan"
OUT_OF_STEP = VendorData(subscriptions=[subscription(quantity=25)])


def planned(
    folder: Path,
    name: str,
    vendor_data: VendorData = OUT_OF_STEP,
    policy: Policy | None = None,
    run_id: str = "run-1",
    **halo: Any,
) -> Checked:
    warehouse = vendor_data.load(folder)
    snapshots.store(warehouse, [read_integration(HaloInMemory(**halo))], run_id)
    make_plan(warehouse, plan_context(policy=policy, run_id=run_id))
    return check(name, PLAN, folder, policy)


@pytest.mark.parametrize("name", ["plan_complete", "native_integration", "guardrails"])
def test_a_plan_of_whole_reads_within_limits_with_the_native_sync_off_may_be_written(name: str, tmp_path: Path) -> None:
    assert planned(tmp_path, name).passed


@pytest.mark.parametrize("name", ["plan_complete", "native_integration"])
def test_without_any_plan_nothing_may_be_written(name: str, tmp_path: Path) -> None:
    assert check(name, PLAN, tmp_path).holds


def test_a_plan_on_lists_of_another_run_stops_the_writes(tmp_path: Path) -> None:
    found = planned(tmp_path, "plan_complete", run_id="run-2")
    assert (found.severity, found.holds) == ("ERROR", True)
    assert "pax8.subscriptions" in found.description


@pytest.mark.parametrize(
    ("accounts", "state"), [([{"id": 1, "integrator_enabled": True}], "on"), ([{"id": 1}], "unknown")]
)
def test_the_native_integration_on_or_unknown_stops_the_writes(
    accounts: list[dict[str, Any]], state: str, tmp_path: Path
) -> None:
    found = planned(tmp_path, "native_integration", accounts=accounts)
    assert (found.severity, found.holds, found.metadata["state"]) == ("ERROR", True, state)


def test_a_policy_that_ignores_the_native_integration_turns_that_into_a_warning(tmp_path: Path) -> None:
    on = [{"id": 1, "integrator_enabled": True}]
    found = planned(tmp_path, "native_integration", policy=Policy(native_integration="ignore"), accounts=on)
    assert (found.passed, found.severity, found.holds) == (False, "WARN", False)


def test_a_run_over_its_limit_is_grave_and_shows_figure_and_limit(tmp_path: Path) -> None:
    policy = Policy(guardrails=Guardrails(run=RunLimits(money_delta=Decimal(100))))
    found = planned(tmp_path, "guardrails", policy=policy)
    assert (found.severity, found.holds, found.metadata["money"]) == ("ERROR", False, "110.00 USD")
    assert "limit money_delta is 100" in found.description


def test_a_client_over_its_limit_is_a_warning_that_stops_nothing_else(tmp_path: Path) -> None:
    policy = Policy(guardrails=Guardrails(client=ClientLimits(money_delta=Decimal(100))))
    found = planned(tmp_path, "guardrails", policy=policy)
    assert (found.passed, found.severity, found.holds) == (False, "WARN", False)
    assert [r["client_name"] for r in found.rows] == ["Example"]
