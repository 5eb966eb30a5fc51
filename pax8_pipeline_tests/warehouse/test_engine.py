"""One engine per process: files are shared while used, and free for other processes the moment nobody uses them."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from pax8_pipeline.errors import PipelineError, WarehouseBusy
from pax8_pipeline.warehouse import engine
from pax8_pipeline.warehouse.connection import Warehouse

WRITE = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('INSERT INTO t VALUES (2)')"


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A file with one table of one row, whose name needs quoting."""
    made = Warehouse(tmp_path / "it's a warehouse.duckdb", patience=0)
    with made.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS x")
    return made


def rows(warehouse: Warehouse) -> list[int]:
    with warehouse.connect(read_only=True) as connection:
        return [x for (x,) in connection.execute("FROM t ORDER BY x").fetchall()]


def other_process(warehouse: Warehouse) -> int:
    command = [sys.executable, "-c", WRITE, str(warehouse.path)]
    return subprocess.run(command, check=False, capture_output=True).returncode


def test_another_process_gets_the_file_as_soon_as_the_last_user_here_is_done(warehouse: Warehouse) -> None:
    with warehouse.connect(), warehouse.connect():
        assert other_process(warehouse) != 0
    assert not warehouse.path.with_name(warehouse.path.name + ".wal").exists()
    assert other_process(warehouse) == 0
    assert rows(warehouse) == [1, 2]


def test_users_of_one_file_see_each_other_and_not_the_users_of_another(warehouse: Warehouse, tmp_path: Path) -> None:
    other = Warehouse(tmp_path / "other" / "it's a warehouse.duckdb")
    other.path.parent.mkdir()
    with warehouse.transaction() as first, other.connect() as second:
        second.execute("CREATE TABLE t AS SELECT 7 AS x")
        first.execute("INSERT INTO t VALUES (3)")
        assert second.execute("FROM t").fetchall() == [(7,)]
    assert (rows(warehouse), rows(other)) == ([1, 3], [7])


def test_what_fails_is_rolled_back_and_the_file_let_go(warehouse: Warehouse) -> None:
    with pytest.raises(duckdb.ConversionException), warehouse.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (9); INSERT INTO t VALUES ('x')")
    assert rows(warehouse) == [1]
    assert other_process(warehouse) == 0


def test_a_reader_cannot_write_and_a_writer_waits_for_the_reader(warehouse: Warehouse) -> None:
    with warehouse.connect(read_only=True) as connection:
        with pytest.raises(duckdb.Error, match="read-only"):
            connection.execute("INSERT INTO t VALUES (9)")
        with pytest.raises(WarehouseBusy), warehouse.connect():
            pass
    with warehouse.connect() as connection:
        connection.execute("INSERT INTO t VALUES (2)")
    assert rows(warehouse) == [1, 2]


def test_a_file_held_by_another_process_is_waited_for_and_its_holder_named(warehouse: Warehouse) -> None:
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    command = [sys.executable, "-c", code, str(warehouse.path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(WarehouseBusy, match=f"held by process {holder.pid}"), warehouse.connect():
        pass
    patient = Warehouse(warehouse.path, wait=lambda seconds: (holder.communicate("\n"), None)[1])
    assert rows(patient) == [1]


def test_a_file_that_is_no_warehouse_is_told_of(tmp_path: Path) -> None:
    broken = Warehouse(tmp_path / "broken.duckdb")
    broken.path.write_text("no database at all, but long enough to look at" * 100)
    with pytest.raises(PipelineError, match=r"broken\.duckdb is not a DuckDB file"), broken.connect():
        pass


def test_an_engine_that_cannot_let_go_is_given_up_and_nothing_is_lost(warehouse: Warehouse) -> None:
    used = engine.use(warehouse.path)
    used.connection.execute("INSERT INTO t VALUES (5)")
    used.engine.files[used.file].name = "no_such_name"
    used.done()
    assert rows(warehouse) == [1, 5]
    again = engine.use(warehouse.path)
    again.done()
    assert again.engine is not used.engine


def test_a_forked_child_has_an_engine_of_its_own(warehouse: Warehouse) -> None:
    child = multiprocessing.get_context("fork").Process(target=_insert, args=(warehouse,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert rows(warehouse) == [1, 4]


def _insert(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (4)")


@pytest.fixture
def during_a_run() -> Iterator[None]:
    engine.start_run()
    yield
    engine.end_run()


class Timers:
    """Stands in for threading.Timer: what was to be called waits for the test. A cancelled one is gone."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, seconds: float, function: Callable[..., None], arguments: tuple[Any, ...]) -> Any:
        call = partial(function, *arguments)
        return SimpleNamespace(start=lambda: self.waiting.append(call), cancel=lambda: self.waiting.remove(call))


@pytest.mark.usefixtures("during_a_run")
def test_during_a_run_a_file_is_free_when_nobody_came_back_for_a_moment(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = Timers()
    monkeypatch.setattr(engine, "Timer", timers)
    for _ in range(2):  # the second use takes the file as the first left it
        with warehouse.transaction() as connection:
            connection.execute("INSERT INTO t VALUES (3)")
    assert len(timers.waiting) == 1
    assert other_process(warehouse) != 0
    timers.waiting[0]()
    assert other_process(warehouse) == 0
    assert rows(warehouse) == [1, 2, 3, 3]


def test_a_file_is_free_at_the_end_of_a_run(warehouse: Warehouse) -> None:
    engine.start_run()
    assert rows(warehouse) == [1]
    engine.end_run()
    assert other_process(warehouse) == 0


@pytest.mark.usefixtures("during_a_run")
def test_after_an_error_the_file_is_opened_again_even_in_a_run(warehouse: Warehouse) -> None:
    with pytest.raises(duckdb.CatalogException), warehouse.connect() as connection:
        connection.execute("FROM missing")
    assert other_process(warehouse) == 0


@pytest.mark.usefixtures("during_a_run")
def test_a_file_that_was_only_read_can_be_written_in_the_same_run(warehouse: Warehouse) -> None:
    assert rows(warehouse) == [1]
    with warehouse.connect() as connection:
        connection.execute("INSERT INTO t VALUES (2)")
    assert rows(warehouse) == [1, 2]
