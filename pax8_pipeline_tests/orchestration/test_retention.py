"""What is older than the retention goes by itself, and after that nothing grows but what must be kept for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

import pax8_pipeline
from pax8_pipeline.billing import old_plans
from pax8_pipeline.orchestration import retention
from pax8_pipeline.reports import old_reports
from pax8_pipeline.settings import Policy, load_settings
from pax8_pipeline.settings.sections.trust import Trust
from pax8_pipeline.warehouse import old_reads
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.models import RAW_TABLES, all_models
from pax8_pipeline.warehouse.schema import is_derived
from pax8_pipeline_tests.bench.copied_nights import LastNight
from pax8_pipeline_tests.support.assets import planned as with_plan
from pax8_pipeline_tests.support.history import memory_instance
from pax8_pipeline_tests.support.vendor_data import TODAY, VendorData, planned, subscription
from pax8_pipeline_tests.support.warehouse_files import let_go

DAYS = 7
QUICK_TRUST = Policy(trust=Trust(suggest_after_nights=1))  # plans are needed for 62 days then, for last month's report
EVERY, NIGHTS = 6, 20  # a night every six days
STEADY = 13  # by then it is 78 days

PRUNED = {
    *(f"{schema}.{name}" for schema, names in RAW_TABLES.items() for name in names),
    *old_reads.RECORDS, "billing.plan", "billing.plan_lines",
}  # fmt: skip
KEPT = {
    "billing.plans", "billing.approvals", "billing.ledger", "billing.documents", "billing.writers", "billing.findings",
    "billing.month_closings", "billing.closed_month_rows", "billing.acknowledged", "meta.schema_versions",
    "monthly.items", "monthly.rows", "monthly.sums", "monthly.months", "monthly.forecasts",
}  # fmt: skip
RECORDED = {
    "meta.clocks": "('run-1', 'Halo', $t, $t, $t, $t::DATE, true)",
    "meta.halo_instances": "('run-1', $t, '1', '1', 'a', 'b', NULL)",
    "meta.typed_rows": "('run-1', 'staging.companies', $t, 1, 1, NULL)",
    "meta.usage_probes": "('s1', $t, false)",
    "meta.usage_line_reads": "('2026-08', 'u1', $t::DATE, $t::DATE, $t, 1, 1, 1)",
}


@dataclass
class Nights:
    """Rows of each table, and the bytes of the file, after each night with its pruning."""

    rows: list[dict[str, int]]
    size: list[int]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Nights like one with a thousand rows that cannot be compressed, each pruned with a retention of a week."""
    folder = tmp_path_factory.mktemp("nights")
    warehouse = VendorData(subscriptions=[subscription(quantity=25)]).load(folder)
    planned(warehouse)
    let_go()
    with warehouse.transaction() as connection:
        moment = connection.execute("SELECT min(loaded_at) FROM meta.snapshots").fetchall()[0][0]
        for table, row in RECORDED.items():
            connection.execute(f"INSERT INTO {table} VALUES {row}", {"t": moment})
        connection.execute(
            "INSERT INTO pax8.subscriptions SELECT s.* REPLACE (md5(i::VARCHAR) AS object_id, "
            "repeat(md5((i * 7)::VARCHAR) || md5((i * 11)::VARCHAR), 4) AS payload) "
            "FROM (FROM pax8.subscriptions LIMIT 1) s, range(1000) r(i)"
        )
    night, found = LastNight.of(warehouse), Nights([], [])
    for number in range(NIGHTS):
        day = TODAY - timedelta(days=EVERY * (NIGHTS - number))
        with warehouse.connect():
            night.copy(warehouse, day)
            old_reads.prune(warehouse, day, DAYS)
            old_plans.prune(warehouse, old_plans.oldest_plan(day, DAYS, QUICK_TRUST))
            old_reads.prune_records(warehouse, day, DAYS)
            found.rows.append(rows_of(warehouse))
        found.size.append(warehouse.path.stat().st_size)
    return found


def rows_of(warehouse: Warehouse) -> dict[str, int]:
    with warehouse.connect() as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            for table in sorted(PRUNED | KEPT)
        }


def test_every_table_with_history_is_pruned_or_kept_for_a_reason_that_the_documents_say() -> None:
    history = {table for table, model in all_models().items() if not is_derived(model) or model.schema == "monthly"}
    assert history == PRUNED | KEPT
    assert not PRUNED & KEPT
    text = (Path(pax8_pipeline.__file__).parents[1] / "docs" / "operating.md").read_text(encoding="utf-8")
    missing = [table for table in (KEPT | PRUNED) - raw_tables() if f"`{table}`" not in text]
    assert missing == []


def raw_tables() -> set[str]:
    return {f"{schema}.{name}" for schema, names in RAW_TABLES.items() for name in names}


def test_no_table_grows_after_the_retention_but_the_heads_of_plans(nights: Nights) -> None:
    steady, last = nights.rows[STEADY], nights.rows[-1]
    growing = {table for table in last if last[table] > steady[table]}
    assert growing == {"billing.plans"}
    assert steady["pax8.subscriptions"] > 2000, "the newest night, and those of a week"
    assert steady["billing.plan"] > 10, "the plans of two months"
    assert nights.rows[STEADY]["meta.usage_probes"] > 1


def test_the_file_does_not_grow_after_the_retention(nights: Nights) -> None:
    assert max(nights.size[STEADY:]) <= max(nights.size[:STEADY])


def test_what_was_written_or_approved_stays_in_old_plans(tmp_path: Path) -> None:
    warehouse = VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path)
    planned(warehouse)
    with warehouse.transaction() as connection:
        source = connection.execute("SELECT plan_id FROM billing.plans").fetchall()[0][0]
        for name in ("old-written", "old-open"):
            for table in ("plans", "plan"):
                made = ", made_at - INTERVAL 900 DAY AS made_at" if table == "plans" else ""
                connection.execute(
                    f"INSERT INTO billing.{table} SELECT * REPLACE ('{name}' AS plan_id{made}) FROM billing.{table} "
                    f"WHERE plan_id = '{source}'"
                )
        connection.execute(
            "INSERT INTO billing.plan SELECT * REPLACE ('no-op' AS row_id, 'none' AS action) FROM billing.plan "
            "WHERE plan_id = 'old-written'"
        )
        connection.execute(
            "INSERT INTO billing.approvals VALUES (1, now()::TIMESTAMP, 'Ada', 'old-written', 'c', 'approve', NULL, NULL)"
        )
    before = old_plans.oldest_plan(TODAY, 400, Policy())
    assert old_plans.prune(warehouse, before, dry_run=True) == 2
    assert old_plans.prune(warehouse, before) == 2
    with warehouse.connect() as connection:
        found = connection.execute("SELECT plan_id, row_id <> 'no-op' FROM billing.plan ORDER BY 1").fetchall()
        assert connection.execute("SELECT count(*) FROM billing.plans").fetchall() == [(3,)]
    assert found == [(source, True), ("old-written", True)]


def test_reports_of_old_plans_go_and_what_people_put_beside_them_stays(tmp_path: Path) -> None:
    names = [
        f"plan-{day}-050000-abc.{ending}" for day in ("20260601", "20260801") for ending in ("html", "csv", "json")
    ]
    for name in (*names, "august.xlsx", "plan-of-mine.csv"):
        (tmp_path / name).touch()
    today = date(2026, 8, 20)
    assert old_reports.prune(tmp_path, today, 400, dry_run=True) == 2
    assert old_reports.prune(tmp_path, today, 400) == 2, "CSV and JSON of the first of June"
    assert old_reports.prune(tmp_path, today, 60) == 1
    assert {file.name for file in tmp_path.iterdir()} == {*names[3:], "august.xlsx", "plan-of-mine.csv"}


def test_the_published_copy_has_the_plans_of_the_last_weeks(tmp_path: Path) -> None:
    warehouse = VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path)
    planned(warehouse)
    night = LastNight.of(warehouse)
    copies = [night.copy(warehouse, TODAY - timedelta(days=days)) for days in (80, 20)]
    warehouse.publish(tmp_path / "published.duckdb")
    with Warehouse(tmp_path / "published.duckdb").connect(read_only=True) as connection:
        plans = {row[0] for row in connection.execute("SELECT plan_id FROM billing.plan").fetchall()}
        heads = connection.execute("SELECT count(*) FROM billing.plans").fetchall()
    assert (plans, heads) == ({night.plan_id, copies[1]}, [(3,)])


def test_a_run_deletes_what_is_too_old_by_itself(tmp_path: Path) -> None:
    harness, old_plan = with_plan(tmp_path)
    old_page = harness.settings.reports_path / "plan-20200101-050000-abc.html"
    old_page.parent.mkdir(parents=True, exist_ok=True)
    old_page.touch()
    with Warehouse(harness.settings.warehouse_path).transaction() as connection:
        for table, moment in (
            ("billing.plans", "made_at"),
            ("pax8.subscriptions", "loaded_at"),
            ("meta.snapshots", "loaded_at"),
        ):
            connection.execute(f"UPDATE {table} SET {moment} = {moment} - INTERVAL 900 DAY")
    messages: list[str] = []
    result = harness.sync(apply=False, messages=messages)
    assert result.success
    assert any(message.startswith("retention: Older than 400 days, deleted: ") for message in messages)
    assert not old_page.exists()
    with Warehouse(harness.settings.warehouse_path).connect() as connection:
        plans = connection.execute("SELECT DISTINCT plan_id FROM billing.plan").fetchall()
        heads = connection.execute("SELECT plan_id FROM billing.plans ORDER BY made_at").fetchall()
        reads = connection.execute("SELECT DISTINCT run_id FROM pax8.subscriptions").fetchall()
    assert (plans, heads) == ([(result.plan_id,)], [(old_plan,), (result.plan_id,)])
    assert reads == [(result.run_id,)]


def test_a_young_installation_is_not_searched_and_a_failure_does_not_fail_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load_settings({"PAX8_PIPELINE_DATA": str(tmp_path)})
    warehouse = VendorData(subscriptions=[subscription()]).load(tmp_path)
    planned(warehouse)
    assert retention.after_run(settings, memory_instance()) is None
    warehouse_of_text = load_settings({"PAX8_PIPELINE_DATA": str(tmp_path / "other")})
    warehouse_of_text.warehouse_path.parent.mkdir()
    warehouse_of_text.warehouse_path.write_text("this is no database")
    assert retention.after_run(warehouse_of_text, memory_instance()) is None
    assert "run `pax8-pipeline prune`" in caplog.text
