"""Runs one check as Dagster runs it, on a warehouse made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from pax8_pipeline.assets.describe import asset_key
from pax8_pipeline.checks import registry, rule
from pax8_pipeline.resources.resources import FixedSettings, WarehouseResource
from pax8_pipeline.settings import Policy, Settings, load_settings
from pax8_pipeline_tests.warehouse.books import TODAY

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Checked:
    """What a check said. `holds`: what depends on the asset would not run."""

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
    """Settings of a data folder on the day of the books."""
    made = load_settings({"PAX8_PIPELINE_DATA": str(folder), "PAX8_PIPELINE_TODAY": TODAY.isoformat()})
    return made if policy is None else Settings(made.data, made.today, policy, made.write_mode, made.environment)


def check(name: str, table: str, folder: Path, policy: Policy | None = None) -> Checked:
    """Evaluate one check of the product in a run of its own."""
    rules = [r for r in registry.RULES if (r.name, r.table) == (name, table)]
    return evaluate(rules[0], settings_of(folder, policy))


def evaluate(of: rule.Rule, settings: Settings) -> Checked:
    """Evaluate a rule, its asset being there already."""
    assets = [dg.AssetSpec(asset_key(t)) for t in (of.table, *of.also)]
    made = rule.build([of])
    job = dg.define_asset_job("checking", selection=dg.AssetSelection.checks(made))
    resources = {"settings": FixedSettings(settings), "warehouse": WarehouseResource()}
    defs = dg.Definitions(assets=assets, asset_checks=[made], jobs=[job], resources=resources)
    ran = defs.resolve_job_def("checking").execute_in_process(run_config=QUIET, raise_on_error=False)
    (found,) = ran.get_asset_check_evaluations()
    metadata = {key: value.value for key, value in found.metadata.items()}
    metadata.update({k: v.records for k, v in found.metadata.items() if isinstance(v, dg.TableMetadataValue)})
    return Checked(found.passed, found.severity.value, found.description or "", metadata, not ran.success)
