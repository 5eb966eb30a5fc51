"""What stands in the definitions before anything runs: keys, lineage, descriptions, gates."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from pax8_pipeline.definitions import build_defs
from pax8_pipeline.orchestration.assets.overview import OVERVIEW
from pax8_pipeline.orchestration.assets.specs import asset_key, column_lineage, dependencies, tables_read
from pax8_pipeline.warehouse.build import MONTHLY, RECONCILED, STAGING
from pax8_pipeline.warehouse.models import model

GROUPS = {
    "pax8": "companies products subscriptions usage_summaries usage_lines invoices invoice_items draft_items subscription_history",
    "halo": "clients items licences recurring_invoices invoices integration",
    "reconciled": "licence_keys client_matches subscriptions moves discrepancies prices usage_months usage usage_by_month",
    "monthly": "items rows sums months forecasts",
    "billing": "plan writes ledger report",
}


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PAX8_CLIENT_ID", "PAX8_CLIENT_SECRET", "HALO_API_URL", "HALO_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PAX8_PIPELINE_DATA", str(tmp_path))


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs()


@pytest.fixture
def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_everything_loads_and_fits_together_without_credentials() -> None:
    dg.Definitions.validate_loadable(build_defs())


def test_a_policy_that_cannot_be_read_keeps_the_ui_open(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("timezone: [", encoding="utf-8")
    dg.Definitions.validate_loadable(build_defs())


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_the_assets_of_a_group_are_those_of_the_design(group: str, specs: dict[str, dg.AssetSpec]) -> None:
    assert {k for k in specs if k.startswith(f"{group}/")} == {f"{group}/{n}" for n in GROUPS[group].split()}


def test_every_table_has_its_asset_with_description_owner_kinds_and_columns(specs: dict[str, dg.AssetSpec]) -> None:
    for table in (*STAGING, *RECONCILED, *MONTHLY, "pax8.companies", "halo.clients", "billing.plan", "billing.ledger"):
        spec = specs[asset_key(table).to_user_string()]
        schema = spec.metadata["dagster/column_schema"]
        assert [c.name for c in schema.columns] == list(model(table).column_names), table
        assert all(c.description for c in schema.columns), table
        assert model(table).description in (spec.description or ""), table
        assert (spec.group_name, spec.owners) == (table.split(".")[0], ["team:billing"])
        assert spec.kinds


def test_every_asset_is_described_and_grouped(specs: dict[str, dg.AssetSpec]) -> None:
    assert [k for k, s in specs.items() if not s.description or not s.group_name or s.group_name == "default"] == []


def test_the_overview_is_the_first_asset_and_the_first_group(specs: dict[str, dg.AssetSpec]) -> None:
    assert min(specs) == OVERVIEW.to_user_string()
    assert min(str(spec.group_name) for spec in specs.values()) == specs[min(specs)].group_name


def test_lineage_begins_at_the_vendors_and_the_mapping_files_and_ends_in_the_report(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    roots = {k.to_user_string() for k in graph.get_all_asset_keys() if not graph.get(k).parent_keys}
    assert roots == {"pax8_api", "halo_api", "data/mappings"}
    upstream = {k.to_user_string() for k in graph.get_ancestor_asset_keys(dg.AssetKey(["billing", "report"]))}
    assert {"pax8_api", "halo_api", "data/mappings", "pax8/usage_summaries", "billing/plan"} <= upstream


def test_dependencies_follow_the_queries() -> None:
    keys = {k.to_user_string() for k in dependencies(model("staging.client_links"))}
    assert keys == {"halo/clients", "staging/companies"}
    assert "staging/mappings" in {k.to_user_string() for k in dependencies(model("reconciled.client_matches"))}


@pytest.mark.parametrize("table", [*STAGING, *RECONCILED])
def test_every_table_a_contract_names_as_a_source_is_one_its_query_reads(table: str) -> None:
    named = {source.rpartition(".")[0] for column in model(table).columns for source in column.sources}
    assert named <= {*tables_read(model(table)), "halo.clients"}


@pytest.mark.parametrize("table", [*RECONCILED, *MONTHLY, "billing.plan"])
def test_column_lineage_names_columns_that_exist(table: str, specs: dict[str, dg.AssetSpec]) -> None:
    lineage = column_lineage(model(table))
    assert lineage.deps_by_column
    for deps in lineage.deps_by_column.values():
        for dep in deps:
            columns = specs[dep.asset_key.to_user_string()].metadata["dagster/column_schema"].columns
            assert dep.column_name in {c.name for c in columns}, dep


def test_a_column_shows_its_sources_as_links(specs: dict[str, dg.AssetSpec]) -> None:
    """The open-source UI does not show column lineage itself."""
    columns = {
        c.name: c.description for c in specs["reconciled/subscriptions"].metadata["dagster/column_schema"].columns
    }
    assert columns["quantity"] == (
        "Seats Pax8 states\n\nFrom [staging.subscriptions.quantity](/assets/staging/subscriptions)"
    )
    assert "From [staging.mapping_subscriptions.subscription_id](/assets/staging/mappings), " in columns["matched_by"]


def test_every_step_that_opens_the_warehouse_waits_for_its_turn(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    ops = [d.op for d in graph.assets_defs if d.is_executable]
    assert {op.name: op.pool for op in ops if op.pool != "duckdb"} == {}


INVOICES = {
    "pax8/invoices", "pax8/invoice_items", "staging/invoices", "staging/invoice_items", "reconciled/usage_months",
    "reconciled/usage", "reconciled/usage_by_month",
}  # fmt: skip
BACKFILLS = {"usage_backfill": INVOICES, "usage_lines_backfill": INVOICES | {"pax8/usage_lines", "staging/usage_lines"}}


@pytest.mark.parametrize("job", BACKFILLS)
def test_the_sink_is_in_no_job_that_fills_history(job: str, defs: dg.Definitions) -> None:
    keys = defs.resolve_job_def(job).asset_layer.executable_asset_keys
    assert {k.to_user_string() for k in keys} == BACKFILLS[job]


@pytest.mark.parametrize("job", BACKFILLS)
def test_no_month_is_missing_of_what_a_backfill_needs_and_does_not_load(job: str, defs: dg.Definitions) -> None:
    """Else the dialog of the UI says that upstream data is missing, and offers to leave these months out."""
    graph = defs.resolve_asset_graph()
    loaded = defs.resolve_job_def(job).asset_layer.executable_asset_keys
    needed = {parent for key in loaded for parent in graph.get(key).parent_keys} - set(loaded)
    assert [key.to_user_string() for key in needed if graph.get(key).is_partitioned] == []


def test_the_daily_sync_has_everything_but_the_end_of_a_month(defs: dg.Definitions) -> None:
    keys = {k.to_user_string() for k in defs.resolve_job_def("daily_sync").asset_layer.executable_asset_keys}
    months = {k.to_user_string() for k in defs.resolve_job_def("month_end").asset_layer.executable_asset_keys}
    assert months == {"pax8/subscription_history", *(f"monthly/{name}" for name in GROUPS["monthly"].split())}
    assert not keys & months


def test_every_job_runs_in_one_process(defs: dg.Definitions) -> None:
    for name in ("daily_sync", "apply_plan", "month_end", *BACKFILLS):
        assert defs.resolve_job_def(name).executor_def is dg.in_process_executor


def test_the_blocking_checks_are_those_that_must_stop_a_write(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get(key).blocking}
    assert blocking == {
        "incomplete_read", "snapshot_shrank", "duplicate_keys", "plan_complete", "native_integration", "usage_adds_up", "clock",
        "rejected_rows",
    }  # fmt: skip
