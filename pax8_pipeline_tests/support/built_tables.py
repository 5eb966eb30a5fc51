"""Builds derived tables, and copies what this process built before from the same input.

A table is known by its query, the variables it reads and what its inputs hold, so that a test pays only for the tables
that its own change reaches. DuckDB needs some 20 ms of the processor to plan one query, however few the rows are.
`test_built_tables` proves that both ways give the same tables.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pax8_pipeline.warehouse import build
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import RAW_TABLES, model

_COMMENT = re.compile(r"--[^\n]*")
_TABLE = re.compile(r"\b(newest|pax8|halo|staging|reconciled|billing|meta)\.([a-z_0-9]+)\b(?!\()")
_RAW = tuple(f"{schema}.{name}" for schema, names in RAW_TABLES.items() for name in names)
_TEXT = re.compile(r"'[^']*'")
# Of these many reads count; of the others only the newest whole one does, by the views of schema `newest`.
_MANY_READS = ("pax8.usage_summaries", "pax8.usage_lines", "halo.client_details")
_UNKNOWN = "unknown"  # whatever reads this is built each time
_MAPPINGS = ("staging.mapping_clients", "staging.mapping_subscriptions", "staging.mapping_items")


_BUILD = build.build  # as it is when nobody has put something else in its place
_ROOM = 4000  # tables; a small one takes a third of a megabyte


def build_all(warehouse: Warehouse, tables: Sequence[str], values: Mapping[str, Any]) -> None:
    """Build the tables in this order; each one ends as `build.build` leaves it."""
    with warehouse.connect() as connection:
        stored = _stored_tables(connection)
        keys = _input_keys(connection)
        ready: list[tuple[str, str]] = []
        for table in tables:
            if table.startswith("reconciled.") and "staging.rejects" not in keys:
                _take(connection, ready, stored)
                ready.clear()
                keys["staging.rejects"] = _hash(connection.execute("FROM staging.rejects ORDER BY ALL").fetchall())
            key = _key(table, values, keys)
            keys[table] = key or ""
            if key in stored:
                ready.append((table, key))
                continue
            _take(connection, ready, stored)
            ready.clear()
            rejects = build.build(warehouse, table, values).rejects
            if key:
                _put(connection, table, key, rejects)
        _take(connection, ready, stored)


def build_one(warehouse: Warehouse, table: str, values: Mapping[str, Any]) -> build.Built:
    """Do what `build.build` does, for a run that builds its tables one by one: each input is known by what it holds now."""
    with warehouse.connect() as connection:
        stored = _stored_tables(connection)
        key = _key(table, values, _contents(connection, _reads(table)[0]))
        if key not in stored:
            built = _BUILD(warehouse, table, values)
            if key:
                _put(connection, table, key, built.rejects)
            return built
        _take(connection, [(table, key)], stored)
        (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
        reasons = connection.execute("SELECT reason FROM staging.rejects WHERE table_name = ?", [table]).fetchall()
        counted = Counter(str(reason).split(":", 1)[0] for (reason,) in reasons)
        ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        return build.Built(table, rows, len(reasons), tuple(ordered))


def _contents(connection: Connection, inputs: Sequence[str]) -> dict[str, str]:
    """A fingerprint of each input as it is now."""
    raw = [table for table in _RAW if table in inputs or _reads_of(table) in inputs]
    keys = _raw_keys(connection, raw) if raw else {}
    for name in inputs:
        if name not in keys and name != _UNKNOWN:
            keys[name] = _hash(connection.execute(f"FROM {name} ORDER BY ALL").fetchall())
    return keys


def _stored_tables(connection: Connection) -> set[str]:
    """What this process has stored; a full store is emptied."""
    connection.execute("ATTACH IF NOT EXISTS ':memory:' AS stored")
    names = connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'stored'").fetchall()
    if len(names) < _ROOM:
        return {str(name) for (name,) in names}
    connection.execute("DETACH stored")
    connection.execute("ATTACH ':memory:' AS stored")
    return set()


def _take(connection: Connection, ready: Sequence[tuple[str, str]], stored: set[str]) -> None:
    """Fill tables from the store."""
    if not ready:
        return
    connection.begin()
    connection.execute("DELETE FROM staging.rejects WHERE list_contains(?, table_name)", [[t for t, _ in ready]])
    for table, key in ready:
        connection.execute(model(table).ddl(replace=True))
        connection.execute(f"INSERT INTO {table} FROM stored.{key}")
        if f"{key}_rejects" in stored:
            connection.execute(f"INSERT INTO staging.rejects FROM stored.{key}_rejects")
    connection.commit()


def _put(connection: Connection, table: str, key: str, rejects: int) -> None:
    """Store a copy of a table, and what was rejected on the way."""
    if rejects:
        copy = f"CREATE TABLE stored.{key}_rejects AS FROM staging.rejects WHERE table_name = ?"
        connection.execute(copy, [table])
    connection.execute(f"CREATE TABLE stored.{key} AS FROM {table}")


def _input_keys(connection: Connection) -> dict[str, str]:
    """A fingerprint of each table that nothing here builds. Ids and times of a read count by their order alone."""
    keys = _raw_keys(connection, _RAW)
    for table in _MAPPINGS:
        keys[table] = _hash(connection.execute(f"FROM {table}").fetchall())
    return keys


def _raw_keys(connection: Connection, tables: Sequence[str]) -> dict[str, str]:
    """Fingerprints of raw tables, and of what is known of the reads of each."""
    # Which of several reads of one thing is the newer one counts; the order of reads of different things does not.
    snapshots = connection.execute(
        "SELECT snapshot_id, table_name, scope, row_number() OVER (PARTITION BY table_name, scope, complete "
        "ORDER BY loaded_at DESC, snapshot_id DESC) AS age, * EXCLUDE (snapshot_id, table_name, scope, run_id, loaded_at) "
        "FROM meta.snapshots ORDER BY table_name, scope, complete, age"
    ).fetchall()
    read = {row[0]: row[1:] for row in snapshots}
    keys: dict[str, str] = {}
    for table in tables:
        seen = {i: row[:3] for i, row in read.items() if row[0] == table and (table in _MANY_READS or row[2] == 1)}
        rows = connection.execute(
            f"SELECT snapshot_id, endpoint, object_id, payload FROM {table} WHERE list_contains(?, snapshot_id)",
            [list(seen)],
        ).fetchall()
        keys[table] = _hash([(seen[row[0]], row[1:]) for row in rows])
        scopes = {(row[1], *row[3:]) for row in read.values() if row[0] == table}
        keys[_reads_of(table)] = _hash(sorted(scopes, key=repr))
    return keys


def _reads_of(table: str) -> str:
    return f"the reads of {table}"


def _key(table: str, values: Mapping[str, Any], keys: Mapping[str, str]) -> str | None:
    """The name of the stored copy; None when it is not known what an input holds."""
    inputs, variables = _reads(table)
    known = [keys.get(name, "") for name in inputs]
    if not all(known):
        return None
    return f"t{_hash((table, model(table), known, [values.get(name) for name in variables]))}"


@cache
def _reads(table: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tables and the variables that a query reads."""
    query = _COMMENT.sub("", "\n".join(model(table).queries))
    inputs: set[str] = set()
    for schema, name in _TABLE.findall(_TEXT.sub("", query)):
        found = name.replace("_", ".", 1) if schema == "newest" else f"{schema}.{name}"
        if found == "meta.snapshots":
            inputs |= {_reads_of(t) for t in _RAW if f"'{t}'" in query} or {_UNKNOWN}
        elif schema in RAW_TABLES and found not in _MANY_READS:
            inputs.add(_UNKNOWN)
        else:
            inputs.add(found)
    if "loaded_at" in query and not inputs & set(_MANY_READS):
        inputs.add(_UNKNOWN)
    return tuple(sorted(inputs)), model(table).variables


def _hash(what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:32]
