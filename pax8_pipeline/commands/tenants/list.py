"""`pax8-pipeline tenants list`: the tenants, and how the last run of each ended. No tenant's settings are read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import click

from pax8_pipeline.commands.common import console, json_option, print_json
from pax8_pipeline.orchestration import heartbeat
from pax8_pipeline.settings.tenant_folder import ENV_FILE, tenant_names, tenants_root


@dataclass(frozen=True)
class _Tenant:
    name: str
    folder: Path
    has_env: bool
    last_run: heartbeat.RunEnd | None

    @property
    def state(self) -> str:
        if self.last_run is None:
            return "no run yet" if self.has_env else "no run yet, and no .env"
        ended = "ended well" if self.last_run.success else "failed"
        return f"{self.last_run.job} {ended} {self.last_run.ended_at:%Y-%m-%d %H:%M} UTC"


@click.command("list", epilog="\b\nExamples:\n  pax8-pipeline tenants list\n  pax8-pipeline tenants list --json")
@json_option
def list_tenants(as_json: bool) -> None:
    """List the tenants, and how the last run of each ended."""
    root = tenants_root(os.environ)
    found = [_tenant(root / name) for name in tenant_names(root)]
    if as_json:
        print_json({"schema": "pax8-pipeline/tenants/1", "folder": str(root), "tenants": [_data(one) for one in found]})
        return
    out = console()
    for one in found:
        out.print(f"{one.name:<16}{one.state}", soft_wrap=True)
    if not found:
        out.print(f"No tenants in {root}: `pax8-pipeline tenants add NAME` makes one.", soft_wrap=True)


def _tenant(folder: Path) -> _Tenant:
    return _Tenant(folder.name, folder, (folder / ENV_FILE).is_file(), heartbeat.last_run_in(folder))


def _data(one: _Tenant) -> dict[str, object]:
    last = one.last_run
    return {
        "name": one.name,
        "folder": str(one.folder),
        "has_env": one.has_env,
        "last_run": None
        if last is None
        else {"run_id": last.run_id, "job": last.job, "success": last.success, "ended_at": last.ended_at.isoformat()},
    }
