"""The text of a workspace.yaml that serves tenants: one code location each, with the tenant's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

_HEAD = "# One code location for each tenant. Made by `pax8-pipeline tenants workspace`.\n"


def modules(names: Sequence[str]) -> str:
    """Return a workspace whose code servers are started by Dagster's web server and daemon."""
    return _text([{"python_module": _module(name)} for name in names])


def code_servers(names: Sequence[str], host: str, port: int) -> str:
    """Return a workspace whose code servers run by themselves. `host`: with `{name}` where the tenant's name belongs."""
    return _text(
        [{"grpc_server": {"host": host.replace("{name}", name), "port": port, "location_name": name}} for name in names]
    )


def _module(name: str) -> dict[str, str]:
    return {"module_name": "pax8_pipeline.tenants", "attribute": name, "location_name": name}


def _text(entries: list[dict[str, Any]]) -> str:
    return _HEAD + yaml.safe_dump({"load_from": entries}, sort_keys=False)
