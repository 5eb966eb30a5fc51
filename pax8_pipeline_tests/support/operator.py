"""A served sandbox, a data folder for it, and the real command line as a separate process."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pax8_pipeline.cli import main
from pax8_pipeline.commands.sandbox_server import free_port
from pax8_pipeline.sandbox.server.app import Sandbox, running_sandbox
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.history import copy_history
from pax8_pipeline_tests.support.no_waiting import without_waiting

TODAY = date(2026, 8, 20)
# A real operator's credentials and history must not reach a test.
_OURS = ("PAX8_", "HALO_", "DAGSTER_")

# Children are made by a server process with one thread and the slow modules loaded; each is a separate process.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["pax8_pipeline_tests.support.nightly", "pax8_pipeline.orchestration.runs"])


@dataclass
class Ran:
    """One finished command."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The data that --json printed."""
        return dict(json.loads(self.out))

    @property
    def all_written(self) -> bool:
        """Nothing is left to write or to approve; only what is wrong in the demo's world on purpose waits for a
        person.
        """
        return self.code == 2 and bool(self.data["only_findings"])

    def verdicts(self) -> dict[str, str]:
        """Verdict by subscription id."""
        return {row["subscription_id"]: row["verdict"] for row in self.data["rows"]}


@dataclass
class Operator:
    """An operator: a sandbox, a data folder with its mappings, and the command line."""

    sandbox: Sandbox
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
        ours = {"PAX8_PIPELINE_DATA": str(self.folder), "HALO_WRITE_MODE": "apply", "DAGSTER_DISABLE_TELEMETRY": "1"}
        return {**clean, **self.sandbox.env(), **ours, **self.env}

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start a command in its own process group, so that all of it can be killed."""
        return subprocess.Popen(
            [sys.executable, "-m", "pax8_pipeline.cli", *arguments],
            env={**self.environment(), **env},
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    @contextmanager
    def dagster_ui(self) -> Iterator[int]:
        """Run `pax8-pipeline dev` during the block; yields its port."""
        port = free_port()
        process = self.start("dev", "--port", str(port))
        assert process.stderr is not None
        assert process.stdout is not None
        try:
            lines = []
            for line in process.stderr:
                lines.append(line)
                if "Dagster is up" in line:
                    break
            else:
                raise AssertionError("".join(lines))
            # The log of the runs must be read: they wait while the pipe is full.
            for pipe in (process.stderr, process.stdout):
                threading.Thread(target=pipe.read, daemon=True).start()
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(90)

    def command(self, *arguments: str, **env: str) -> Ran:
        """Run a command to its end (see `run_command`)."""
        return run_command(self.folder, arguments, {**self.environment(), **env})

    def run(self, **env: str) -> Ran:
        """`pax8-pipeline run --json`."""
        return self.command("run", "--json", **env)

    def acknowledge_all(self) -> None:
        """Acknowledge, as a person, everything that is open."""
        found = self.command("acknowledge", "--list", "--json").data["findings"]
        names = [row["finding_id"] for row in found]
        done = self.command("acknowledge", *names, "--why", "known", "--by", "Grace")
        assert done.code == 0, done.err

    def posts(self) -> list[str]:
        """Paths of all writes that reached Halo since the log was cleared."""
        return [path for path in self.sandbox.requests.paths("halo", "POST") if not path.endswith("token")]

    def in_step(self) -> bool:
        """Assert that Halo is exactly as a correct sync of the day leaves it, and that nothing forbidden happened."""
        world = self.sandbox.world
        clean = not world.halo.violations and not world.pax8.write_attempts
        return clean and world.expected_halo() == world.halo_state()


def run_command(folder: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> Ran:
    """Run a command in `folder` to its end, in a process whose modules are loaded and whose waits take no time."""
    with tempfile.TemporaryDirectory(prefix="output-") as output_folder:
        process = PROCESSES.Process(
            target=_command, args=(tuple(arguments), dict(environment), str(folder), output_folder)
        )
        process.start()
        process.join(240)
        if (code := process.exitcode) is None:
            process.kill()
            raise TimeoutError(f"{arguments} did not end")
        return Ran(code, *((Path(output_folder) / name).read_text(encoding="utf-8") for name in ("out", "err")))


def _command(arguments: Sequence[str], environment: Mapping[str, str], folder: str, output_folder: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{output_folder}/{name}", os.O_WRONLY | os.O_CREAT), number)
    with without_waiting():
        main(list(arguments))


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL the whole process group, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)


def until(so: Callable[[], bool], seconds: float = 120, *, pause_s: float = 0.01) -> None:
    """Wait until a condition holds, which is asked every `pause_s`. Raises AssertionError after `seconds`."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(pause_s)


@contextmanager
def desk(folder: Path, world: World | None = None, **env: str) -> Iterator[Operator]:
    """Serve the demo's world (or another) and make its data folder."""
    world = world or World.demo(TODAY)
    world.write_mappings(folder / "mappings")
    copy_history(folder)
    with running_sandbox(world) as sandbox:
        yield Operator(sandbox, folder, env)
