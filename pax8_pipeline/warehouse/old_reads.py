"""Deletes what vendors sent, and the records of runs about it, once it is older than the retention.

What a later run still needs stays, whatever its age: the newest complete read of each list (and of each part of one), usage
that the newest read of its month no longer lists, and the last answer for each thing that was asked. Plans are in
`billing.old_plans`, Parquet files in `lake`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import RAW_TABLES
from pax8_pipeline.warehouse.snapshots import newest_snapshots

# What counts of these stands in many reads of a month (warehouse/sql/views/newest_usage.sql), not only in the newest one.
_MANY_READS = ("usage_summaries", "usage_lines")
# Of these the day of the first read counts, years later too.
_FIRST_READS = ("pax8.invoice_items",)

# Table -> its time, and which old rows a later run still needs.
_RECORDS = {
    "meta.clocks": ("read_at", ""),
    "meta.halo_instances": ("asked_at", "QUALIFY row_number() OVER (ORDER BY asked_at DESC) = 1"),
    "meta.typed_rows": (
        "counted_at",
        "QUALIFY row_number() OVER (PARTITION BY table_name, problem IS NULL ORDER BY counted_at DESC) = 1",
    ),
    "meta.usage_probes": (
        "probed_at",
        "QUALIFY row_number() OVER (PARTITION BY subscription_id, found ORDER BY probed_at DESC) = 1",
    ),
    "meta.usage_line_reads": (
        "asked_at",
        "QUALIFY row_number() OVER (PARTITION BY month, summary_id ORDER BY asked_at DESC, usage_date DESC) = 1",
    ),
}
RECORDS = (*_RECORDS, "meta.snapshots")


def oldest_day(today: date, retention_days: int) -> datetime:
    """Return the moment (UTC) before which something is older than the retention."""
    return datetime.combine(today - timedelta(days=retention_days), datetime.min.time())


def prune(warehouse: Warehouse, today: date, retention_days: int, *, dry_run: bool = False) -> int:
    """Delete raw rows older than the retention; return how many. With `dry_run` they are only counted."""
    limit = oldest_day(today, retention_days)
    with warehouse.transaction() as connection:
        needed = [row["snapshot_id"] for row in newest_snapshots(connection).values()]
        return sum(
            _delete(connection, f"{schema}.{name}", _old_rows(schema, name), [limit, needed], dry_run=dry_run)
            for schema, names in RAW_TABLES.items()
            for name in names
        )


def prune_records(warehouse: Warehouse, today: date, retention_days: int, *, dry_run: bool = False) -> int:
    """Delete what runs recorded of reads, clocks and probes before the retention; return how many rows.

    To be called after `prune`: the record of a read stays while rows of it are stored. With `dry_run` they are only
    counted.
    """
    limit = oldest_day(today, retention_days)
    count = 0
    with warehouse.transaction() as connection:
        for table, (moment, needed) in _RECORDS.items():
            exceptions = f"AND rowid NOT IN (SELECT rowid FROM {table} {needed})" if needed else ""
            count += _delete(connection, table, f"{moment} < ? {exceptions}", [limit], dry_run=dry_run)
        newest = [row["snapshot_id"] for row in newest_snapshots(connection).values()]
        count += _delete(connection, "meta.snapshots", _OLD_READS, [limit, newest, _FIRST_READS], dry_run=dry_run)
    return count


def _old_rows(schema: str, name: str) -> str:
    condition = "loaded_at < ? AND NOT list_contains(?, snapshot_id)"
    if name not in _MANY_READS:
        return condition
    counted = f"SELECT snapshot_id, object_id FROM newest.{schema}_{name}"
    return f"{condition} AND (snapshot_id, object_id) NOT IN ({counted})"


_OLD_READS = "loaded_at < ? AND NOT list_contains(?, snapshot_id) AND NOT list_contains(?, table_name) " + " ".join(
    f"AND snapshot_id NOT IN (SELECT snapshot_id FROM {schema}.{name})"
    for schema, names in RAW_TABLES.items()
    for name in names
    if name in _MANY_READS
)


def _delete(connection: Connection, table: str, condition: str, values: list[object], *, dry_run: bool) -> int:
    verb = "SELECT count(*)" if dry_run else "DELETE"
    rows = connection.execute(f"{verb} FROM {table} WHERE {condition}", values).fetchall()
    return int(rows[0][0]) if rows else 0
