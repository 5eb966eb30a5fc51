"""Stores which Halo answered in a run. Its version changes without notice, and its behaviour may change with it.

The table is `meta.halo_instances`. HTTP is in `pax8_pipeline.halo`. Facts: docs/vendors/halo.md#instance.
"""

from __future__ import annotations

from typing import Any, Protocol

from pax8_pipeline.clock import utc_now
from pax8_pipeline.errors import VendorError
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.snapshots import dicts

_MEMBERS = ("app_version", "database_version", "hosted_group", "tenant_id")


class InstanceSource(Protocol):
    """A client that can ask which Halo it talks to."""

    def instance_info(self) -> dict[str, Any]:
        """What Halo says about itself."""


def store_instance(warehouse: Warehouse, run_id: str, client: InstanceSource) -> str:
    """Store which version answers in this run, or the VendorError, and return a sentence about it."""
    instance: dict[str, Any] = {}
    problem: str | None = None
    try:
        instance = client.instance_info()
    except VendorError as error:
        problem = str(error)
    values = [None if instance.get(name) is None else str(instance[name])[:200] for name in _MEMBERS]
    with warehouse.transaction() as connection:
        connection.execute(
            f"INSERT INTO meta.halo_instances (run_id, asked_at, {', '.join(_MEMBERS)}, problem) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [run_id, utc_now(), *values, problem],
        )
        return describe_instance(connection, run_id)


def describe_instance(connection: Connection, run_id: str) -> str:
    """Return which Halo answered in a run, and whether its version is new; "" if the run did not ask."""
    rows = dicts(connection.execute("SELECT * FROM meta.halo_instances ORDER BY asked_at DESC, run_id"))
    this_run = next((row for row in rows if row["run_id"] == run_id), None)
    if this_run is None:
        return ""
    if this_run["problem"] or not this_run["app_version"]:
        return f"Halo did not say its version ({this_run['problem'] or 'the answer names none'})"
    earlier = next((r for r in rows if r["asked_at"] < this_run["asked_at"] and r["app_version"]), None)
    text = f"Halo version {this_run['app_version']}"
    if earlier and earlier["app_version"] != this_run["app_version"]:
        text += f", new since the last run (it was {earlier['app_version']})"
    return text
