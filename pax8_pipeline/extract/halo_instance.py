"""Which Halo answered in a run: its version changes without notice, and with it what may be relied on.

Here belongs: asking and keeping it (`meta.halo_instances`). Not here: HTTP. Facts: docs/vendors/halo.md#instance.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol

from pax8_pipeline.errors import VendorError
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.snapshots import dicts

_MEMBERS = ("app_version", "database_version", "hosted_group", "tenant_id")


class TellsInstance(Protocol):
    """A client that can ask which Halo it talks to."""

    def instance_info(self) -> dict[str, Any]:
        """What Halo says of itself."""


def keep_instance(warehouse: Warehouse, run_id: str, client: TellsInstance) -> str:
    """Ask which Halo answers, keep it for this run and return it in words. That it cannot be read stops nothing."""
    told: dict[str, Any] = {}
    problem: str | None = None
    try:
        told = client.instance_info()
    except VendorError as error:
        problem = str(error)
    values = [None if told.get(name) is None else str(told[name])[:200] for name in _MEMBERS]
    with warehouse.transaction() as connection:
        connection.execute(
            f"INSERT INTO meta.halo_instances (run_id, asked_at, {', '.join(_MEMBERS)}, problem) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [run_id, datetime.now(UTC).replace(tzinfo=None), *values, problem],
        )
        return sentence(connection, run_id)


def sentence(connection: Connection, run_id: str) -> str:
    """Say which Halo answered in a run, and whether that is another version than the run before met; "" if not asked."""
    rows = dicts(connection.execute("SELECT * FROM meta.halo_instances ORDER BY asked_at DESC, run_id"))
    found = next((row for row in rows if row["run_id"] == run_id), None)
    if found is None:
        return ""
    if found["problem"] or not found["app_version"]:
        return f"Halo did not say its version ({found['problem'] or 'the answer names none'})"
    earlier = next((r for r in rows if r["asked_at"] < found["asked_at"] and r["app_version"]), None)
    text = f"Halo version {found['app_version']}"
    if earlier and earlier["app_version"] != found["app_version"]:
        text += f", new since the last run (it was {earlier['app_version']})"
    return text
