"""Who may write: permission has to be said, and a backfill never has it."""

from __future__ import annotations

import pytest

from pax8_pipeline.assets.permission import refusal

SCHEDULE = {"dagster/schedule_name": "daily_sync_schedule"}


@pytest.mark.parametrize(
    ("tags", "apply", "mode", "may"),
    [
        (SCHEDULE, False, "apply", True),
        ({}, True, "apply", True),
        ({}, False, "apply", False),
        (SCHEDULE, False, "dry_run", False),
        ({}, True, "dry_run", False),
        ({"dagster/backfill": "x"}, True, "apply", False),
        ({**SCHEDULE, "dagster/backfill": "x"}, True, "apply", False),
        ({"dagster/asset_partition_range_start": "2026-01-01"}, True, "apply", False),
        ({"dagster/partition": "2026-08-01"}, False, "apply", False),
        ({"dagster/parent_run_id": "x"}, False, "apply", False),
        ({"dagster/parent_run_id": "x", **SCHEDULE}, False, "apply", True),
    ],
)
def test_a_run_writes_only_with_permission_and_in_write_mode(
    tags: dict[str, str], apply: bool, mode: str, may: bool
) -> None:
    assert (refusal(tags, apply=apply, write_mode=mode) is None) is may
