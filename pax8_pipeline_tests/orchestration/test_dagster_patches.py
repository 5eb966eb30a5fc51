"""What is replaced inside Dagster is still there, and replacing it still does what it is for."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy
from dagster._cli import dev
from dagster_webserver import cli as web_server

from pax8_pipeline.orchestration import dagster_patches
from pax8_pipeline.orchestration.instance import open_instance
from pax8_pipeline.settings import load_settings
from pax8_pipeline_tests.support.history import copy_history


@dg.op
def touch() -> int:
    return 1


@dg.job
def touching() -> None:
    touch()


@contextmanager
def opened_files() -> Iterator[list[str]]:
    """The file of each connection that is opened to a history."""
    seen: list[str] = []

    def note(connection: Any, record: object) -> None:
        seen.append(str(connection.execute("PRAGMA database_list").fetchall()[0][2]))

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", note)
    try:
        yield seen
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "connect", note)


def test_a_run_opens_each_file_of_its_history_once(tmp_path: Path) -> None:
    copy_history(tmp_path)
    with opened_files() as seen, open_instance(load_settings({"PAX8_PIPELINE_DATA": str(tmp_path)})) as instance:
        assert touching.execute_in_process(instance=instance).success
    assert len(set(seen)) >= 3, "the index, the runs, and the run itself"
    # A thread that looks on may have a second one. Without the patch each statement opens one: over 40.
    assert len(seen) <= 2 * len(set(seen))


def test_a_year_of_runs_does_not_keep_a_year_of_files_open(tmp_path: Path) -> None:
    with dagster_patches.quick_history():
        make = vars(dagster_patches.STORAGES[0])["create_engine"]
        engines = [make(f"sqlite:///{tmp_path}/{number}.db") for number in range(40)]
        assert make(str(engines[-1].url)) is engines[-1]
        assert make(str(engines[0].url)) is not engines[0], "it was closed, and is made again"


def test_a_commit_to_the_history_does_not_wait_for_the_disk_while_the_block_lasts(tmp_path: Path) -> None:
    def waits(name: str) -> int:
        engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / name}")
        with engine.connect() as connection:
            return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    with dagster_patches.quick_history():
        assert waits("inside.db") == 1
    assert waits("outside.db") == 2


def test_outside_of_the_block_dagster_is_as_it_was() -> None:
    before = [getattr(module, "create_engine") for module in dagster_patches.STORAGES]  # noqa: B009
    with pytest.raises(RuntimeError, match="on purpose"), dagster_patches.quick_history():
        raise RuntimeError("on purpose")
    assert [getattr(module, "create_engine") for module in dagster_patches.STORAGES] == before  # noqa: B009


def test_dagster_dev_starts_all_its_processes_by_the_function_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    source = inspect.getsource(dev)
    assert source.count("open_ipc_subprocess(") == 2, "the web server and the daemon"
    assert "Popen(" not in source
    started: list[Any] = []
    monkeypatch.setattr(dev, "open_ipc_subprocess", lambda command, **options: started.append(command))
    dagster_patches.change_started_commands(lambda command: [*command, "--ours"])
    getattr(dev, "open_ipc_subprocess")(["python"])  # noqa: B009 - the module does not say that it has it
    assert started == [["python", "--ours"]]


def test_the_web_server_reaches_uvicorn_by_the_name_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    assert "uvicorn.run(" in inspect.getsource(web_server)
    assert vars(web_server)["uvicorn"] is uvicorn
    served: list[Any] = []
    monkeypatch.setattr(web_server, "uvicorn", uvicorn)
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: served.append((app, options)))
    dagster_patches.change_served_app(lambda app: f"guarded {app}")
    vars(web_server)["uvicorn"].run("app", port=1)
    assert served == [("guarded app", {"port": 1})]
