"""The job `month_end` compares a month, and its checks say what is open."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from pax8_pipeline.definitions import build_defs
from pax8_pipeline_tests.support.month_data import MonthData, rows_of, seats
from pax8_pipeline_tests.support.usage_data import policy
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
