"""`pax8-pipeline tenants`: the group of the commands about all tenants; each is a module of this package."""

from __future__ import annotations

import click

from pax8_pipeline.commands.lazy_group import LazyGroup

PLACES = {
    "list": ("tenants.list", "list_tenants"),
    "add": ("tenants.add", "add"),
    "workspace": ("tenants.workspace", "workspace"),
}


@click.group(cls=LazyGroup, places=PLACES)
def tenants() -> None:
    """Work with the folder of all tenants: tenants/ here, or where PAX8_TENANTS says."""
