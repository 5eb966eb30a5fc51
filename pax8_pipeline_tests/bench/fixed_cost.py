"""What does not depend on the amount of work: a run on the demo's world, the commands that show, and the start of the UI."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pax8_pipeline.commands.sandbox_server import free_port
from pax8_pipeline_tests.bench.rounds import Figure, Say, Taken, Way, in_turns, process
from pax8_pipeline_tests.bench.world import served

GROUP = "Fixed cost"
RIVALS = Path(__file__).parent / "rivals"
CLI = (sys.executable, "-m", "pax8_pipeline.cli")
# Exit codes of a run that did its work: done, something waits, held back.
DONE = (0, 2, 3)
RUN, EMPTY = "product, a whole run", "Dagster, as many steps that do nothing"


def measure(folder: Path, rounds: int, say: Say) -> Iterator[Figure]:
    """Yield processor seconds of a run and of the commands that show, and seconds until the UI answers."""
    with served(folder / "world", 12, 120, 6) as vendors:
        data = folder / "data"
        shutil.copytree(vendors.mappings, data / "mappings")
        environment = {**vendors.environment, "PAX8_PIPELINE_DATA": str(data)}
        process([*CLI, "run", "--dry-run"], environment, codes=DONE)  # the first one makes the files
        say(f"{GROUP}: a run of 120 subscriptions")
        shape = _shape_of_run(environment)
        taken = in_turns(
            (
                Way(RUN, lambda _: process([*CLI, "run", "--dry-run"], environment, codes=DONE)),
                Way(EMPTY, lambda n: _empty(folder / f"empty{n}", shape)),
            ),
            rounds,
            say,
        )
        title = f"a run, {shape[0]} assets and {shape[2]} checks"
        yield Figure(
            GROUP, title, "CPU s", {name: [one.cpu for one in goes] for name, goes in taken.items()}, target=3.0
        )
        for arguments in (["plan", "show"], ["status"]):
            yield _command(arguments, environment, rounds, say)
    yield _demo(folder / "demo", rounds, say)
    yield _ui(folder / "ui", rounds, say)


def _shape_of_run(environment: Mapping[str, str]) -> tuple[int, int, int]:
    """Return how many assets and checks the daily job has, and on how many assets the checks are."""
    code = (
        "from pax8_pipeline.definitions import defs\n"
        "graph = defs.get_job_def('daily_sync').asset_layer\n"
        "checks = list(graph.asset_graph.asset_check_keys)\n"
        "print(len(list(graph.executable_asset_keys)), len({c.asset_key for c in checks}), len(checks))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, check=True, capture_output=True, text=True
    )
    assets, checked, checks = (int(word) for word in output.stdout.split()[-3:])
    return assets, checked, checks


def _empty(folder: Path, shape: Sequence[int]) -> Taken:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return process([sys.executable, RIVALS / "empty_dagster.py", folder, *map(str, shape)])


def _command(arguments: Sequence[str], environment: Mapping[str, str], rounds: int, say: Say) -> Figure:
    name = f"pax8-pipeline {' '.join(arguments)}"
    say(f"{GROUP}: {name}")
    ways = (
        Way(name, lambda _: process([*CLI, *arguments], environment, codes=DONE)),
        Way("import duckdb", lambda _: process([sys.executable, "-c", "import duckdb"])),
    )
    taken = in_turns(ways, rounds, say)
    return Figure(GROUP, name, "CPU s", {way: [one.cpu for one in goes] for way, goes in taken.items()}, target=0.3)


def _demo(folder: Path, rounds: int, say: Say) -> Figure:
    """The second and later demo: the first one also imports what is not compiled yet."""
    say(f"{GROUP}: pax8-pipeline demo")
    ways = (
        Way("pax8-pipeline demo", lambda n: process([*CLI, "demo"], _data(folder / f"demo{n}"), codes=DONE)),
        Way("import dagster", lambda _: process([sys.executable, "-c", "import dagster"])),
    )
    process([*CLI, "demo"], _data(folder / "first"), codes=DONE)
    taken = in_turns(ways, rounds, say)
    return Figure(
        GROUP,
        "pax8-pipeline demo",
        "s",
        {way: [one.seconds for one in goes] for way, goes in taken.items()},
        target=10.0,
    )


def _data(folder: Path) -> dict[str, str]:
    """Return the environment for a new data folder and no credentials."""
    folder.mkdir(parents=True)
    return {"PAX8_PIPELINE_DATA": str(folder)}


def _ui(folder: Path, rounds: int, say: Say) -> Figure:
    say(f"{GROUP}: until the UI answers")
    process([*CLI, "demo"], _data(folder / "product"), codes=DONE)

    def product(_: int) -> Taken:
        port = free_port()
        environment = {"PAX8_PIPELINE_DATA": str(folder / "product")}
        return _until_it_answers([*CLI, "dev", "--port", str(port)], port, environment)

    def empty(number: int) -> Taken:
        port, home = free_port(), folder / f"home{number}"
        home.mkdir(parents=True)
        command = [sys.executable, "-m", "dagster", "dev", "-p", str(port), "-f", str(RIVALS / "empty_definitions.py")]
        return _until_it_answers(command, port, {"DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1"})

    taken = in_turns((Way("pax8-pipeline dev", product), Way("dagster dev, one empty asset", empty)), rounds, say)
    return Figure(
        GROUP, "until the UI answers", "s", {name: [one.seconds for one in goes] for name, goes in taken.items()}
    )


def _until_it_answers(command: Sequence[str], port: int, environment: Mapping[str, str]) -> Taken:
    started = time.monotonic()
    server = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not _answers(port):
            if server.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} ended with {server.returncode}")
            threading.Event().wait(0.05)
        return Taken(time.monotonic() - started)
    finally:
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    """End a server; one that does not end in time is killed with all its processes."""
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
