"""The published snapshot as Parquet: one file for each table, tenant and day; read together; pruned."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse import lake
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.models import all_models
from pax8_pipeline_tests.support.vendor_data import VendorData, subscription

DAY = date(2026, 8, 20)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return VendorData(subscriptions=[subscription()]).load(tmp_path_factory.mktemp("lake"))


def write(warehouse: Warehouse, folder: Path, tenant: str, day: date = DAY, run_id: str = "run-1") -> int:
    return lake.write(warehouse, lake.Partition(folder, tenant, day), run_id=run_id, plan_id="plan-1")


def rows(folder: Path, table: str, columns: str) -> list[tuple[object, ...]]:
    query = (
        f"SELECT {columns} FROM read_parquet('{folder}/{table}/*/*/*.parquet', hive_partitioning = true) ORDER BY ALL"
    )
    return duckdb.execute(query).fetchall()


def test_one_query_reads_all_tenants_and_days(warehouse: Warehouse, tmp_path: Path) -> None:
    for tenant in ("acme", "beta"):
        write(warehouse, tmp_path, tenant)
    write(warehouse, tmp_path, "beta", DAY + timedelta(days=1))
    found = rows(tmp_path, "staging/subscriptions", "tenant, CAST(date AS VARCHAR), 1")
    assert found == [("acme", "2026-08-20", 1), ("beta", "2026-08-20", 1), ("beta", "2026-08-21", 1)]


def test_types_are_those_of_the_warehouse(warehouse: Warehouse, tmp_path: Path) -> None:
    write(warehouse, tmp_path, "acme")
    for model in all_models().values():
        if model.schema in lake.SCHEMAS:
            path = lake.Partition(tmp_path, "acme", DAY).file(model.table.replace(".", "/"))
            described = duckdb.execute(f"DESCRIBE FROM read_parquet('{path}', hive_partitioning = false)").fetchall()
            assert [name for name, *_ in described] == [column.name for column in model.columns], model.table
            assert not {"tenant", "date"} & {column.name for column in model.columns}  # the partition's own


def test_a_later_run_of_the_day_replaces_its_files_and_leaves_no_draft(warehouse: Warehouse, tmp_path: Path) -> None:
    files = write(warehouse, tmp_path, "acme")
    assert write(warehouse, tmp_path, "acme", run_id="run-2") == files
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {lake.FILE}
    assert rows(tmp_path, lake.PUBLISHED, "DISTINCT run_id") == [("run-2",)]


def test_what_was_published_names_every_table_with_its_rows(warehouse: Warehouse, tmp_path: Path) -> None:
    write(warehouse, tmp_path, "acme")
    counted = {str(row[0]): row[1] for row in rows(tmp_path, lake.PUBLISHED, "table_name, row_count")}
    assert counted["staging.subscriptions"] == 1
    assert counted.keys() == {m.table for m in all_models().values() if m.schema in lake.SCHEMAS}


def test_a_day_has_its_own_plan_only(warehouse: Warehouse, tmp_path: Path) -> None:
    with warehouse.transaction() as connection:
        for plan in ("plan-1", "plan-2"):
            connection.execute(
                "INSERT INTO billing.plan_lines BY NAME SELECT ? AS plan_id, 'r' AS row_id, 'x' AS ref", [plan]
            )
    write(warehouse, tmp_path, "acme")
    assert rows(tmp_path, "billing/plan_lines", "plan_id") == [("plan-1",)]


def test_a_reader_never_sees_half_a_file(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(warehouse, tmp_path, "acme")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        write(warehouse, tmp_path, "acme", run_id="run-2")
    assert rows(tmp_path, lake.PUBLISHED, "DISTINCT run_id") == [("run-1",)]
    assert rows(tmp_path, "staging/subscriptions", "1") == [(1,)]


def test_pruning_deletes_old_days_of_this_tenant_only(warehouse: Warehouse, tmp_path: Path) -> None:
    old = DAY - timedelta(days=11)
    files = write(warehouse, tmp_path, "acme", old)
    write(warehouse, tmp_path, "acme", DAY - timedelta(days=10))
    write(warehouse, tmp_path, "beta", old)
    assert lake.prune(tmp_path, "acme", DAY, 10, dry_run=True) == files
    assert lake.prune(tmp_path, "acme", DAY, 10) == files
    assert lake.prune(tmp_path, "acme", DAY, 10) == 0
    left = rows(tmp_path, lake.PUBLISHED, "DISTINCT tenant, CAST(date AS VARCHAR)")
    assert left == [("acme", "2026-08-10"), ("beta", "2026-08-09")]


@pytest.mark.parametrize(("policy", "tenant", "folder"), [
    ("", "", None), ("", "acme", "lake"), ("lake: {write: always}", "", "lake"), ("lake: {write: never}", "acme", None),
    ("lake: {folder: /srv/lake}", "acme", "/srv/lake"),
])  # fmt: skip
def test_only_tenants_write_it_unless_the_policy_says_otherwise(
    tmp_path: Path, policy: str, tenant: str, folder: str | None
) -> None:
    (tmp_path / "policy.yaml").write_text(policy)
    settings = load_settings({"PAX8_PIPELINE_DATA": str(tmp_path), "PAX8_TENANT": tenant})
    assert settings.lake_path == (None if folder is None else tmp_path / folder)
