"""`pax8-pipeline tenants workspace`: the workspace.yaml of a deployment that serves all tenants."""

from __future__ import annotations

import os

import click

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.orchestration.workspace import code_servers, modules
from pax8_pipeline.settings.tenant_folder import tenant_names, tenants_root


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline tenants workspace > workspace.yaml\n"
    "  pax8-pipeline tenants workspace --host 'tenant-{name}' > workspace.yaml"
)
@click.option("--host", metavar="PATTERN", help="Each tenant has a code server: its host, with {name} in it.")
@click.option("--port", type=click.IntRange(1, 65535), default=4000, show_default=True, help="Port of code servers.")
def workspace(host: str | None, port: int) -> None:
    """Print a workspace.yaml with one code location for each tenant.

    Without --host, Dagster's web server and daemon each start a code server for every tenant by themselves.
    """
    root = tenants_root(os.environ)
    names = tenant_names(root)
    if not names:
        raise ConfigError(f"no tenants in {root}: `pax8-pipeline tenants add NAME` makes one")
    if host is not None and "{name}" not in host:
        raise ConfigError("--host: must contain {name}: two tenants never share a code server")
    click.echo(modules(names) if host is None else code_servers(names, host, port), nl=False)
