"""The job `month_end` compares a month, and its checks say what is open."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import dagster as dg
import pytest

from pax8_pipeline.definitions import build_defs
from pax8_pipeline.orchestration.resources import Pax8Resource
from pax8_pipeline_tests.support.month_data import MonthData, rows_of, seats, snapshot
from pax8_pipeline_tests.support.usage_data import policy
from pax8_pipeline_tests.support.vendor_data import SUB
from pax8_pipeline_tests.support.vendors import Pax8InMemory
from pax8_pipeline_tests.support.warehouse_files import release


def test_the_job_compares_the_month_of_its_partition_and_warns_of_what_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = MonthData(items=[[seats(quantity=25)]]).load(tmp_path, policy=policy())
    release()
    with dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setenv("PAX8_PIPELINE_DATA", str(tmp_path))
        monkeypatch.setenv("PAX8_PIPELINE_TODAY", "2026-08-20")
        job = build_defs().resolve_job_def("month_end")
        result = job.execute_in_process(instance=instance, partition_key="2026-08-01")
        assert result.success
        checks = {e.check_name: e.passed for e in result.get_asset_check_evaluations()}
    assert checks == {"month_ties": True, "month_agrees": False, "month_stays_closed": True}
    assert [row["class"] for row in rows_of(warehouse).values()] == ["under_billed"]


def test_the_job_reads_the_histories_that_could_explain_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = MonthData(items=[[seats(quantity=10)]]).load(tmp_path, policy=policy())
    release()
    pax8 = Pax8InMemory(histories={SUB: [snapshot(10), snapshot(20, "2026-08-09T10:00:00.000Z")]})
    with dg.DagsterInstance.ephemeral() as instance, patch.object(Pax8Resource, "client", lambda *_: pax8):
        monkeypatch.setenv("PAX8_PIPELINE_DATA", str(tmp_path))
        monkeypatch.setenv("PAX8_PIPELINE_TODAY", "2026-08-20")
        job = build_defs().resolve_job_def("month_end")
        result = job.execute_in_process(instance=instance, partition_key="2026-08-01")
    (made,) = result.asset_materializations_for_node("monthly")[:1]
    assert made.asset_key.to_user_string() == "pax8/subscription_history"
    assert (made.metadata["needed"].value, made.metadata["read"].value) == (1, 1)
    assert [row["class"] for row in rows_of(warehouse).values()] == ["timing"]
