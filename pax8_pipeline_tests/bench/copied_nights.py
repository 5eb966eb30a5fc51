"""Plays a night that was like the last one: what it read, recorded and planned is stored again, as of another day.

A real night costs seconds; a copy of it makes the same rows in the same tables at a hundredth of that. Its day lies before
the night that is copied, which stays the newest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import RAW_TABLES, model

# Table -> its time. Rows of the night are those of its run, or of the time since the run began.
_BY_RUN = {
    **{f"{schema}.{name}": "loaded_at" for schema, names in RAW_TABLES.items() for name in names},
    "meta.snapshots": "loaded_at",
    "meta.clocks": "read_at",
    "meta.halo_instances": "asked_at",
    "meta.typed_rows": "counted_at",
}
_BY_TIME = {"meta.usage_probes": "probed_at", "meta.usage_line_reads": "asked_at"}
_BY_PLAN = ("billing.plan", "billing.plan_lines")


@dataclass(frozen=True)
class LastNight:
    """The night that is copied: its run, its plan, and when it began (UTC)."""

    run_id: str
    plan_id: str
    started: datetime

    @classmethod
    def of(cls, warehouse: Warehouse) -> LastNight:
        """Return the night that made the newest plan."""
        with warehouse.connect() as connection:
            run_id, plan_id = connection.execute(
                "SELECT run_id, plan_id FROM billing.plans ORDER BY made_at DESC LIMIT 1"
            ).fetchall()[0]
            started = connection.execute(
                "SELECT min(loaded_at) FROM meta.snapshots WHERE run_id = ?", [run_id]
            ).fetchall()[0][0]
        return cls(run_id, plan_id, started)

    def copy(self, warehouse: Warehouse, day: date) -> str:
        """Store it again as a night of `day`, which began at five; return the id of its plan."""
        shift = datetime.combine(day, time(5)) - self.started
        plan_id = f"{day:%Y%m%d}-050000-copy"
        with warehouse.transaction() as connection:
            for table, moment in _BY_RUN.items():
                made = {moment: f'"{moment}" + $shift', "run_id": "$night"}
                if "snapshot_id" in model(table).column_names:
                    made["snapshot_id"] = "md5(snapshot_id || $night)"
                _again(connection, table, made, "run_id = $source", shift=shift, night=plan_id, source=self.run_id)
            for table, moment in _BY_TIME.items():
                made = {moment: f'"{moment}" + $shift'}
                _again(connection, table, made, f"{moment} >= $started", shift=shift, started=self.started)
            for table in _BY_PLAN:
                _again(
                    connection, table, {"plan_id": "$night"}, "plan_id = $source", night=plan_id, source=self.plan_id
                )
            made = {"plan_id": "$night", "run_id": "$night", "made_at": "$made_at", "today": "$day"}
            _again(connection, "billing.plans", made, "plan_id = $source",
                   night=plan_id, made_at=datetime.combine(day, time(5, 30)), day=day, source=self.plan_id)  # fmt: skip
        return plan_id


def _again(connection: Connection, table: str, made: dict[str, str], rows: str, **values: object) -> None:
    """Insert the rows of a table again; the columns of `made` get another value."""
    columns = ", ".join(made.get(name, f'"{name}"') for name in model(table).column_names)
    connection.execute(f"INSERT INTO {table} SELECT {columns} FROM {table} WHERE {rows}", values)
