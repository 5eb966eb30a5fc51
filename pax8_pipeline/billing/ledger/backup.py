"""The ledger's backup: stored as Parquet beside each applied plan, and put back when the warehouse was lost.

Contains: what of billing's memory must outlive the warehouse file, and how it comes back. Does not contain: raw and
derived tables (the vendors still have those), the published copy (`warehouse/publish.py`).

A backup is one folder, `<data>/backups/<plan id>/`: a Parquet file per table and `manifest.json`, which is written
last, so that a folder with a manifest is whole whatever it is called. Each holds the whole ledger up to its moment.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pax8_pipeline.errors import PipelineError
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.text.textfiles import flush
from pax8_pipeline.warehouse.connection import Connection, Warehouse, quoted
from pax8_pipeline.warehouse.models import model

SCHEMA = "pax8-pipeline/backup/1"
BACKUPS = 60
_MANIFEST = "manifest.json"

# Table -> which rows. The plan just applied is kept whole; of earlier ones the rows that could be written, because
# undo, approvals and "what a person undid" hang on those alone and a year of no-ops would weigh more than all else.
_TABLES = {
    "billing.plans": "SELECT * FROM billing.plans",
    "billing.plan": "SELECT * FROM billing.plan WHERE plan_id = $plan_id OR (action <> 'none' AND plan_id IN "
    "(SELECT plan_id FROM billing.ledger UNION SELECT plan_id FROM billing.approvals))",
    "billing.approvals": "SELECT * FROM billing.approvals",
    "billing.ledger": "SELECT * FROM billing.ledger",
    "billing.documents": "SELECT * FROM billing.documents",
    "billing.writers": "SELECT * FROM billing.writers",
}
# Backups of earlier versions do not have these.
_NEWER = ("billing.documents", "billing.writers")


@dataclass(frozen=True)
class Restored:
    """What came back from which folder; `rows` by table."""

    folder: Path
    plan_id: str
    rows: Mapping[str, int]

    @property
    def sentence(self) -> str:
        """What happened, for the person who reads the log."""
        return (
            f"the warehouse had no ledger: {plural(self.rows['billing.ledger'], 'entry', 'entries')}, "
            f"{plural(self.rows['billing.approvals'], 'approval')} and {plural(self.rows['billing.plans'], 'plan')} were put back from {self.folder}"
        )


def backup(warehouse: Warehouse, plan_id: str, folder: Path, *, keep: int = BACKUPS) -> Path:
    """Write the ledger and what it hangs on into `folder/<plan_id>` and delete all but the newest `keep` backups.

    The folder appears whole or not at all; one of the same plan is replaced. Raises PipelineError when it cannot be
    written: what was applied is in the ledger all the same.
    """
    home, fresh = folder / plan_id, folder / f".{plan_id}.new"
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        _write(warehouse, plan_id, fresh)
        _put_in_place(fresh, home)
        _forget_old(folder, keep)
    except (OSError, duckdb.Error) as error:
        raise PipelineError(
            f"the ledger could not be backed up to {home}: {error}. What was written to Halo is recorded in "
            f"{warehouse.path}; copy that file to a safe place until backups work again"
        ) from error
    return home


def restore(warehouse: Warehouse, folder: Path) -> Restored | None:
    """Load the newest backup of `folder` into a warehouse whose ledger is empty; None when there is nothing to do.

    To be called before anything else of a run, so that writes left open are settled by reading, and what was written,
    approved or undone is known. Raises PipelineError when the newest backup cannot be read: an older one would have
    forgotten writes, so that choice is a person's.
    """
    if not folder.is_dir():
        return None
    with warehouse.connect() as connection:
        if connection.execute("SELECT count(*) FROM billing.ledger").fetchall() != [(0,)]:
            return None
    newest = next(_backups(folder), None)
    if newest is None:
        return None
    manifest, home = newest
    try:
        with warehouse.transaction() as connection:
            for table in _TABLES:
                if table in manifest["rows"] or table not in _NEWER:
                    _load(connection, table, home, manifest["rows"][table])
    except (OSError, KeyError, ValueError, duckdb.Error) as error:
        raise PipelineError(
            f"{warehouse.path} has no ledger and its newest backup {home} cannot be read: {error}. Mend it, or move it "
            "away to start from the backup before it (writes made since are then not remembered)"
        ) from error
    return Restored(home, manifest["plan_id"], manifest["rows"])


def _write(warehouse: Warehouse, plan_id: str, fresh: Path) -> None:
    rows: dict[str, int] = {}
    # One transaction: the tables of a backup are of one moment.
    with warehouse.transaction() as connection:
        for table, query in _TABLES.items():
            values = {"plan_id": plan_id} if "$plan_id" in query else {}
            path = fresh / f"{table}.parquet"
            counted = connection.execute(f"COPY ({query}) TO '{quoted(path)}' (FORMAT parquet)", values).fetchall()
            rows[table] = int(counted[0][0])
            flush(path)
    manifest = {"schema": SCHEMA, "plan_id": plan_id, "written_at": datetime.now(UTC).isoformat(), "rows": rows}
    path = fresh / _MANIFEST
    path.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    flush(path)


def _put_in_place(fresh: Path, home: Path) -> None:
    """Rename; a folder that was there steps aside first and goes last, so that one whole backup is there throughout."""
    aside = home.with_name(f".{home.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if home.exists():
        home.rename(aside)
    fresh.rename(home)
    flush(home.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _backups(folder: Path) -> Iterator[tuple[dict[str, Any], Path]]:
    """Give every whole backup, the newest first; a folder without a manifest was never finished."""
    found = []
    for path in folder.glob(f"*/{_MANIFEST}"):
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            found.append((str(manifest["written_at"]), path.parent, manifest))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PipelineError(f"{path} is not the manifest of a backup: {error}; mend it or move it away") from error
    for _, home, manifest in sorted(found, key=lambda f: (f[0], f[1].name), reverse=True):
        yield manifest, home


def _forget_old(folder: Path, keep: int) -> None:
    for number, (_, home) in enumerate(_backups(folder)):
        if number >= keep:
            shutil.rmtree(home)


def _load(connection: Connection, table: str, home: Path, rows: int) -> None:
    """Add the rows of one file that are not there yet; a column that the file is older than stays empty."""
    source = f"read_parquet('{quoted(home / f'{table}.parquet')}')"
    found = connection.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0]
    if found != rows:
        raise ValueError(f"{table} holds {plural(found, 'row')}, its manifest says {rows}")
    key = ", ".join(model(table).key)
    connection.execute(
        f"INSERT INTO {table} BY NAME SELECT * FROM {source} WHERE ({key}) NOT IN (SELECT ({key}) FROM {table})"
    )
