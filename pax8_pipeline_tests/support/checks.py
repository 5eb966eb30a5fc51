"""Evaluates one check, with or without Dagster around it, on a warehouse made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from pax8_pipeline.orchestration.assets.specs import asset_key
from pax8_pipeline.orchestration.checks import check as product
from pax8_pipeline.orchestration.checks import registry
from pax8_pipeline.orchestration.resources import FixedSettings, WarehouseResource
from pax8_pipeline.orchestration.write_permission import Permission
from pax8_pipeline.settings import Policy, Settings, load_settings
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.built_tables import build_all
from pax8_pipeline_tests.support.vendor_data import TODAY
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse, hold_open

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def warehouse_with(folder: Path, reads: Sequence[snapshots.Read] = (), tables: Sequence[str] = ()) -> Warehouse:
    """Return a warehouse with some reads, and with only the named tables built from them."""
    made = empty_warehouse(folder / "warehouse.duckdb")
    hold_open(made)
    if reads:
        snapshots.store(made, reads, "run-1")
    if tables:
        build_all(made, tables, build.variables(TODAY, Policy()))
    return made


@dataclass(frozen=True)
class Checked:
    """The outcome of a check. `holds`: what depends on the asset would not run."""

    passed: bool
    severity: str
    description: str
    metadata: dict[str, Any]
    holds: bool

    @property
    def count(self) -> int:
        return int(self.metadata["count"])

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [dict(record.data) for record in self.metadata.get("rows", [])]


def settings_of(folder: Path, policy: Policy | None = None) -> Settings:
    """Settings of a data folder on the day of the vendor data."""
    made = load_settings({"PAX8_PIPELINE_DATA": str(folder), "PAX8_PIPELINE_TODAY": TODAY.isoformat()})
    return made if policy is None else Settings(made.data, made.today, policy, made.write_mode, made.environment)


def check(name: str, table: str, folder: Path, policy: Policy | None = None) -> Checked:
    """Evaluate one check of the product. `test_check` proves that Dagster does what `holds` says."""
    (found,) = [r for r in registry.CHECKS if (r.name, r.table) == (name, table)]
    return evaluate_directly(found, settings_of(folder, policy))


def evaluate_directly(of: product.Check, settings: Settings) -> Checked:
    """Evaluate a check without a run."""
    warehouse = Warehouse(settings.warehouse_path)
    if not warehouse.path.exists():
        warehouse_with(warehouse.path.parent)
    with warehouse.connect() as connection:
        shown = product.result(
            of, of.evaluate(product.CheckContext(connection, settings, datetime.now(UTC).replace(tzinfo=None)))
        )
    holds = not shown.passed and of.blocking and shown.severity is product.ERROR
    return _checked(bool(shown.passed), shown.severity.value, shown.description, shown.metadata, holds)


def evaluate(of: product.Check, settings: Settings) -> Checked:
    """Evaluate a check in Dagster; its asset exists already."""
    assets = [dg.AssetSpec(asset_key(t)) for t in (of.table, *of.depends_on)]
    made = product.build([of])
    job = dg.define_asset_job("checking", selection=dg.AssetSelection.checks(made))
    resources = {"settings": FixedSettings(settings), "warehouse": WarehouseResource(), "permission": Permission()}
    defs = dg.Definitions(assets=assets, asset_checks=[made], jobs=[job], resources=resources)
    ran = defs.resolve_job_def("checking").execute_in_process(run_config=QUIET, raise_on_error=False)
    (found,) = ran.get_asset_check_evaluations()
    return _checked(found.passed, found.severity.value, found.description, found.metadata, not ran.success)


def _checked(passed: bool, severity: str, description: str | None, shown: Mapping[str, Any], holds: bool) -> Checked:
    plain = {key: getattr(value, "value", value) for key, value in shown.items()}
    plain.update({k: v.records for k, v in shown.items() if isinstance(v, dg.TableMetadataValue)})
    return Checked(passed, severity, description or "", plain, holds)
