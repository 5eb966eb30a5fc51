"""`prune` deletes by retention, says what went, and keeps what is still needed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pax8_pipeline.commands.prune import prune_all
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.cli import quick

YEARS_LATER = (datetime.now(UTC).date() + timedelta(days=800)).isoformat()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A live data folder with two reads of companies; the first is no longer the newest."""
    settings = load_settings({"PAX8_PIPELINE_DATA": str(tmp_path / "data"), "PAX8_PIPELINE_TODAY": YEARS_LATER})
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.ensure_schema()
    for rows in (3, 2):
        objects = snapshots.raw_objects("/companies", [{"id": f"c{n}"} for n in range(rows)])
        snapshots.store(warehouse, [snapshots.Read("pax8.companies", objects)], "run")
    return settings


def _rows(settings: Settings) -> int:
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        return int(connection.execute("SELECT count(*) FROM pax8.companies").fetchall()[0][0])


def test_old_snapshots_go_and_the_newest_complete_read_stays(settings: Settings) -> None:
    assert prune_all(settings, 400, dry_run=True).raw_rows == 3
    assert _rows(settings) == 5
    assert prune_all(settings, 400, dry_run=False).raw_rows == 3
    assert _rows(settings) == 2
    assert prune_all(settings, 400, dry_run=False).raw_rows == 0


def test_nothing_young_goes(settings: Settings) -> None:
    assert prune_all(settings, 1000, dry_run=False).raw_rows == 0
    assert _rows(settings) == 5


def test_the_command_says_what_went_and_takes_the_retention_of_the_policy(settings: Settings, tmp_path: Path) -> None:
    (settings.data / "policy.yaml").write_text("retention_days: 700\n")
    dry = quick(tmp_path, "prune", "--dry-run", PAX8_PIPELINE_TODAY=YEARS_LATER)
    assert dry.out == (
        "Older than 700 days, would be deleted: 0 runs with their events and logs, 0 leftover event files, "
        "3 rows of raw snapshots, 1 record.\n"
    )
    longer = quick(tmp_path, "prune", "--days", "900", "--json", PAX8_PIPELINE_TODAY=YEARS_LATER)
    assert json.loads(longer.out)["raw_rows"] == 0
    done = quick(tmp_path, "prune", "--json", PAX8_PIPELINE_TODAY=YEARS_LATER)
    assert json.loads(done.out) == {
        "dry_run": False, "older_than_days": 700, "runs": 0, "leftover_files": 0, "raw_rows": 3, "parquet_files": 0,
        "plan_rows": 0, "records": 1, "report_files": 0,
    }  # fmt: skip


def test_a_folder_without_a_warehouse_has_nothing_to_prune(tmp_path: Path) -> None:
    settings = load_settings({"PAX8_PIPELINE_DATA": str(tmp_path)})
    assert prune_all(settings, 1, dry_run=False).raw_rows == 0
    assert not settings.warehouse_path.exists()
