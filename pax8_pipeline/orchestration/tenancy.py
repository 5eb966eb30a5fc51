"""What Dagster's names look like for the tenant that this process serves: key prefix, pool, run tags, code location.

A process serves one tenant, or none, for its whole life: PAX8_TENANT selects it before this module is loaded. Without a
tenant there is no prefix, and every name is as it always was. Where a tenant's files are is in `settings.tenant_folder`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings.tenant_folder import check_name, selected, tenant_folder

_found = selected(os.environ)
TENANT: str | None = None if _found is None else check_name(_found)

TENANT_TAG = "pax8/tenant"
PREFIX: tuple[str, ...] = (TENANT,) if TENANT else ()
# Only one process may have a DuckDB file open. dagster.yaml gives each pool one slot; each tenant has its own file.
POOL = f"duckdb-{TENANT}" if TENANT else "duckdb"
RUN_TAGS: Mapping[str, str] = {TENANT_TAG: TENANT} if TENANT else {}

# As in workspace.yaml, and as `orchestration.workspace` writes it for tenants. Dagster gives a module's one set of
# definitions this repository name.
LOCATION = TENANT or "pax8_pipeline"
MODULE = "pax8_pipeline.tenants" if TENANT else "pax8_pipeline.definitions"
ATTRIBUTE = TENANT
REPOSITORY = "__repository__"


def prefixed(*parts: str) -> dg.AssetKey:
    """Return an asset key, with the tenant in front where there is one."""
    return dg.AssetKey([*PREFIX, *parts])


def step_name(table: str) -> str:
    """Return the name of the step that makes the asset of a table, as the configuration of a run names it."""
    return prefixed(*table.split(".")).to_python_identifier()


def require(name: str) -> None:
    """Raise ConfigError when this process serves another tenant than `name`."""
    if name != TENANT:
        raise ConfigError(
            f"this process serves {TENANT or 'no tenant'}, not {name!r}: each tenant needs a process of its own"
        )


def notes_folder(otherwise: Path) -> Path:
    """Return the folder for notes about runs: the tenant's own, on whatever machine this is; else `otherwise`."""
    return tenant_folder(os.environ, TENANT) if TENANT else otherwise
