"""A warehouse of an older version is upgraded with all its rows after a copy; one of a newer version is refused."""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pax8_pipeline.billing.ledger.ledger import Ledger
from pax8_pipeline.billing.model import Entry
from pax8_pipeline.commands.doctor import local
from pax8_pipeline.errors import PipelineError, WarehouseTooNew
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse import schema
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.models import all_models
from pax8_pipeline.warehouse.schema import SCHEMA_VERSION, is_derived
from pax8_pipeline_tests import record_schema
from pax8_pipeline_tests.support.billing import change
from pax8_pipeline_tests.support.cli import quick
from pax8_pipeline_tests.support.vendor_data import VendorData, planned
from pax8_pipeline_tests.support.warehouse_files import copied, empty_warehouse, prepared_folder, release

Rows = dict[str, list[dict[str, Any]]]
VALUES = {
    "BIGINT": 7, "INTEGER": 7, "BOOLEAN": True, "DATE": date(2026, 8, 20), "TIMESTAMP": datetime(2026, 8, 20, 6, 30),
}  # fmt: skip
OLDER = list(range(1, SCHEMA_VERSION))
OPEN = "import duckdb, sys; duckdb.connect(sys.argv[1])"


def made_by_version(path: Path, version: int) -> Path:
    """Make a file as that version made it, with one row in each table with history and a derived table of that time."""
    release()
    return copied(_file_of_version(version), path).path


@cache
def _file_of_version(version: int) -> Path:
    path = prepared_folder() / f"version-{version}.duckdb"
    with duckdb.connect(str(path)) as connection:
        for name in ("pax8", "halo", "billing", "meta", "staging"):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
        connection.execute(record_schema.recorded(version).read_text())
        connection.execute("CREATE TABLE staging.companies AS SELECT 'of an old shape' AS name")
        columns = connection.execute(
            "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index), "
            "list(data_type ORDER BY column_index) FROM duckdb_columns() WHERE NOT internal GROUP BY 1 ORDER BY 1"
        ).fetchall()
        for table, names, types in columns:
            row = [_value(table, name, type_) for name, type_ in zip(names, types, strict=True)]
            if table == "meta.schema_versions":
                row = [version, datetime(2026, 8, 20), "0.0.1"]
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    return path


def _value(table: str, name: str, type_: str) -> Any:
    return Decimal("12.34") if type_.startswith("DECIMAL") else VALUES.get(type_, f"{name} of {table}")


def stored(path: Path) -> Rows:
    """Return all rows of all tables with history, as another program reads the file."""
    release()
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = [f"{schema}.{name}" for schema, name in connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name NOT IN ('staging', 'reconciled')"
        ).fetchall()]  # fmt: skip
        return {table: connection.execute(f"FROM {table}").df().to_dict("records") for table in tables}


def shapes(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Return the columns of each table and their types, in their order."""
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(
            "SELECT c.schema_name || '.' || c.table_name, list((column_name, data_type) ORDER BY column_index) "
            "FROM duckdb_columns() AS c SEMI JOIN duckdb_tables() USING (table_oid) WHERE NOT c.internal GROUP BY 1"
        ).fetchall()
    return {table: [tuple(column) for column in columns] for table, columns in rows}


def shared(before: Rows, after: Rows) -> Rows:
    """Return the rows of `after` with only the tables and columns of `before`."""
    return {t: [{c: row[c] for c in rows[0]} for row in after[t]] for t, rows in before.items()}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return made_by_version(tmp_path / "warehouse.duckdb", 1)


def test_the_recorded_tables_are_those_of_the_contracts() -> None:
    """Else: raise SCHEMA_VERSION if the present one was released, then python -m pax8_pipeline_tests.record_schema."""
    assert record_schema.recorded(SCHEMA_VERSION).read_text() == record_schema.present_tables()
    assert sorted(int(path.stem) for path in record_schema.SCHEMAS.glob("*.sql")) == [*OLDER, SCHEMA_VERSION]


@pytest.mark.parametrize("version", OLDER)
def test_a_file_of_each_older_version_is_upgraded_with_all_its_rows(
    version: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = made_by_version(tmp_path / "warehouse.duckdb", version)
    before = stored(path)
    with caplog.at_level(logging.WARNING, "pax8_pipeline.progress"):
        Warehouse(path).ensure_schema()
    after = stored(path)
    assert shared(before, after) == before
    made = shapes(path)
    for model in all_models().values():
        assert made[model.table] == [(c.name, c.type) for c in model.columns], model.table
        assert is_derived(model) or len(after[model.table]) == (model.table in before or model.key == ("version",))
    assert [row["version"] for row in after["meta.schema_versions"]][-1] == SCHEMA_VERSION
    copy = tmp_path / "backups" / f"warehouse-version-{version}.duckdb"
    assert stored(copy) == before
    assert f"as it was before: {copy}" in caplog.text
    assert list((tmp_path / "backups").iterdir()) == [copy]


def test_what_is_appended_after_an_upgrade_stands_in_its_own_column(first: Path) -> None:
    """The first version had no `before_state`; the ledger is appended to by position."""
    warehouse = Warehouse(first)
    warehouse.ensure_schema()
    Ledger(warehouse, "run-2").record("plan-2", [Entry(change("set_licence_count", 6), "claimed", "said", "{}")])
    (entry,) = [row for row in stored(first)["billing.ledger"] if row["plan_id"] == "plan-2"]
    assert (entry["detail"], entry["before_state"]) == ("said", "{}")


def test_an_upgraded_file_is_loaded_and_planned_as_a_new_one(first: Path, tmp_path: Path) -> None:
    wanted = planned(VendorData().load(tmp_path / "new", run_id="run-2"), run_id="run-2")
    release()
    Warehouse(first).ensure_schema()
    found = planned(VendorData().load(first.parent, run_id="run-2"), run_id="run-2")
    own = {"plan_id", "evidence"}  # of this plan and its reads
    assert [{k: v for k, v in row.items() if k not in own} for row in found] == [
        {k: v for k, v in row.items() if k not in own} for row in wanted
    ]
    assert (first.parent / "backups").is_dir()


def test_a_new_file_and_one_of_this_version_need_no_copy(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.ensure_schema()
    warehouse.ensure_schema()
    assert len(stored(warehouse.path)["meta.schema_versions"]) == 1
    assert not (tmp_path / "backups").exists()


def test_only_the_newest_copy_stays(first: Path) -> None:
    folder = first.parent / "backups"
    (folder / "plan-1").mkdir(parents=True)
    (folder / "warehouse-version-0.duckdb").write_text("an older copy")
    Warehouse(first).ensure_schema()
    assert {path.name for path in folder.iterdir()} == {"plan-1", "warehouse-version-1.duckdb"}


def test_no_other_process_gets_the_file_between_copy_and_upgrade(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def try_to_open(path: Path) -> None:
        tries.append(subprocess.run([sys.executable, "-c", OPEN, str(first)], check=False, capture_output=True))

    monkeypatch.setattr(schema, "flush", try_to_open)
    Warehouse(first).ensure_schema()
    assert [b"Could not set lock" in done.stderr for done in tries] == [True]


# Killed
# -------------------------------------------------------------------------------------------------------------------

MOMENTS = {
    "the copy is written and has no name yet": "flush",
    "the copy has its name": "bring_up_to_date",
    "all tables are changed": "_make_views",
    "all is done but the commit": "_product_version",
}


def _upgrade_until(path: Path, function: str) -> None:
    setattr(schema, function, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    Warehouse(path).ensure_schema()


@pytest.mark.parametrize("function", MOMENTS.values(), ids=MOMENTS)
def test_a_killed_upgrade_leaves_the_old_file_and_the_next_run_upgrades_it(function: str, first: Path) -> None:
    before, before_shapes = stored(first), shapes(first)
    child = multiprocessing.get_context("fork").Process(target=_upgrade_until, args=(first, function))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    assert (stored(first), shapes(first)) == (before, before_shapes)  # as the older version reads it
    Warehouse(first).ensure_schema()
    assert shared(before, stored(first)) == before
    copies = list((first.parent / "backups").iterdir())
    assert [stored(copy) for copy in copies] == [before]


def test_without_room_for_the_copy_nothing_is_changed(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, before_shapes = stored(first), shapes(first)
    full = tmp_path / "bin" / "cp"
    full.parent.mkdir()
    full.write_text(
        '#!/bin/sh\nprintf half >"$3"\necho "cp: error writing \'$3\': No space left on device" >&2\nexit 1\n'
    )
    full.chmod(0o755)
    monkeypatch.setenv("PATH", f"{full.parent}:{os.environ['PATH']}")
    with pytest.raises(PipelineError, match=r"No space left on device.*were not changed; make room and run again"):
        Warehouse(first).ensure_schema()
    assert (stored(first), shapes(first)) == (before, before_shapes)
    assert list((tmp_path / "backups").iterdir()) == []


# Newer
# -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A data folder whose warehouse a later version changed."""
    path = tmp_path / "newer" / "warehouse.duckdb"
    empty_warehouse(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO meta.schema_versions VALUES (?, '2027-01-01', '9.1.0')", [SCHEMA_VERSION + 1])
    return path


def test_a_newer_file_is_refused_whatever_it_is_opened_for_and_not_changed(newer: Path) -> None:
    content = newer.read_bytes()
    sentence = (
        f"{newer} was changed by pax8-pipeline 9.1.0 (tables of version {SCHEMA_VERSION + 1}; this program knows version "
        f"{SCHEMA_VERSION}): install that version again, or put back the copy from before its first run, which is in "
        f"{newer.parent / 'backups'}"
    )
    with pytest.raises(WarehouseTooNew) as caught:
        Warehouse(newer).ensure_schema()
    assert str(caught.value) == sentence
    for read_only in (True, False):
        with pytest.raises(WarehouseTooNew), Warehouse(newer).connect(read_only=read_only):
            pass
    assert newer.read_bytes() == content


@pytest.mark.parametrize("command", [("run",), ("plan", "show"), ("status",), ("plan", "rollback", "plan-1")])
def test_a_command_ends_with_that_one_sentence(command: tuple[str, ...], newer: Path) -> None:
    credentials = {
        "PAX8_CLIENT_ID": "id", "PAX8_CLIENT_SECRET": "secret-pax8-1234", "HALO_CLIENT_ID": "id",
        "HALO_CLIENT_SECRET": "secret-halo-1234", "HALO_TENANT": "acme", "HALO_API_URL": "http://127.0.0.1:9/api",
        "HALO_AUTH_URL": "http://127.0.0.1:9/auth", "PAX8_API_URL": "http://127.0.0.1:9/v1",
    }  # fmt: skip
    done = quick(newer.parent, *command, PAX8_PIPELINE_DATA=str(newer.parent), **credentials)
    assert done.code == 1
    assert done.err.count("was changed by pax8-pipeline 9.1.0") == 1, done.err
    assert "Traceback" not in done.err


def test_doctor_announces_the_upgrade_of_an_older_file(first: Path) -> None:
    (found,) = local.warehouse(load_settings({"PAX8_PIPELINE_DATA": str(first.parent)}))
    assert (found.level, "the next run copies the file and upgrades it" in found.text) == ("ok", True)
    Warehouse(first).ensure_schema()
    (found,) = local.warehouse(load_settings({"PAX8_PIPELINE_DATA": str(first.parent)}))
    assert (found.level, "older version" in found.text) == ("ok", False)


def test_doctor_names_the_version_that_is_missing(newer: Path) -> None:
    (found,) = local.warehouse(load_settings({"PAX8_PIPELINE_DATA": str(newer.parent)}))
    assert (found.level, found.advice) == ("bad", "")
    assert "install that version again" in found.text


def test_the_copy_that_was_put_back_is_used_by_the_older_program(newer: Path, first: Path) -> None:
    """In the same process: what is known of a file does not count for another one in its place."""
    shutil.copyfile(first, newer.with_name("copy"))
    newer.with_name("copy").replace(newer)
    Warehouse(newer).ensure_schema()
    assert [row["version"] for row in stored(newer)["meta.schema_versions"]] == [SCHEMA_VERSION]
