"""Starts what a deployment for tenants consists of: PostgreSQL, Redis, code servers, Dagster's daemon, Celery workers.

PostgreSQL and Redis are Debian's packages (postgresql, redis-server). Each service has a port of its own on loopback and its
files in one folder. All of them end with the block.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event

import yaml

from pax8_pipeline.orchestration.workspace import code_servers
from pax8_pipeline_tests.shown_commands import ROOT
from pax8_pipeline_tests.support.cli import clean_environment

DEPLOY = ROOT / "deploy" / "tenants"
_LOOPBACK = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as place:
        place.bind((_LOOPBACK, 0))
        return int(place.getsockname()[1])


def until(true: Callable[[], object], what: str, seconds: float = 120, every: float = 0.25) -> None:
    """Wait until something is true; fail with its name."""
    for _ in range(int(seconds / every)):
        if true():
            return
        Event().wait(every)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def answers(port: int) -> bool:
    with socket.socket() as place:
        place.settimeout(1)
        return place.connect_ex((_LOOPBACK, port)) == 0


@contextmanager
def postgres() -> Iterator[str]:
    """Serve an empty database; give its address. PostgreSQL does not run as root, so its own user runs it then."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert programs, "PostgreSQL is missing (Debian: apt-get install postgresql)"
    program, port = programs[-1].parent, free_port()
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if as_user:
        shutil.chown(folder, "postgres")

    def run(*words: str) -> None:
        subprocess.run([*as_user, *words], check=True, capture_output=True, cwd="/")

    try:
        run(str(program / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "dagster", "--no-sync")
        options = f"-p {port} -h {_LOOPBACK} -k {folder} -c fsync=off -c max_connections=300"
        run(
            str(program / "pg_ctl"), "-D", str(folder / "data"), "-l", str(folder / "log"), "-w", "-o", options, "start"
        )
        yield f"postgresql+psycopg2://dagster@{_LOOPBACK}:{port}/postgres"
    finally:
        with suppress(subprocess.CalledProcessError):
            run(str(program / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Deployment:
    """The services of all tenants in one folder, with the environment of their processes."""

    folder: Path
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], extra: Mapping[str, str] | None = None) -> None:
        """Start a process in a group of its own, with its output in a file."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=self.folder, env={**self.environment, **(extra or {})},
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """End a process with all its children at once, as when its machine is lost."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, *names: str) -> None:
        """Let processes and their children stand still."""
        for name in names:
            os.killpg(self.processes[name].pid, signal.SIGSTOP)

    def go_on(self, *names: str) -> None:
        """Let those of them go on that were not killed."""
        for name in names:
            if name in self.processes:
                os.killpg(self.processes[name].pid, signal.SIGCONT)

    def code_server(self, tenant: str, port: int) -> None:
        words = [
            "dagster",
            "api",
            "grpc",
            "-m",
            "pax8_pipeline.tenants",
            "-a",
            tenant,
            "-p",
            str(port),
            "-h",
            _LOOPBACK,
        ]
        self.start(f"code-{tenant}", words)

    def worker(self, name: str) -> None:
        path = f"{DEPLOY / 'worker'}:{self.environment['PYTHONPATH']}"
        words = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "dagster_celery.app",
            "worker",
            "--queues",
            "dagster",
            "-n",
            name,
        ]
        self.start(name, words, {"PYTHONPATH": path})

    def daemon(self) -> None:
        self.start("daemon", ["dagster-daemon", "run", "-w", str(self.folder / "workspace.yaml")])

    def holder(self, file: Path) -> str:
        """Return the name of the started process of whose group a process has the file open; empty for none."""
        for place in Path("/proc").glob("[0-9]*/fd/*"):
            with suppress(OSError):
                if place.readlink() == file:
                    group = os.getpgid(int(place.parts[2]))
                    return next((name for name, one in self.processes.items() if one.pid == group), "")
        return ""


def _workspace(ports: Mapping[str, int]) -> str:
    """Return the workspace of `tenants workspace --host`, with the ports of one machine."""
    found = yaml.safe_load(code_servers(list(ports), _LOOPBACK, 4000))
    for entry in found["load_from"]:
        entry["grpc_server"]["port"] = ports[entry["grpc_server"]["location_name"]]
    return yaml.safe_dump(found)


@contextmanager
def deployment(folder: Path, tenants: Sequence[str], extra: Mapping[str, str]) -> Iterator[Deployment]:
    """Serve these tenants of `folder`/tenants: a database, a broker and a code server each. Daemon and workers are left out."""
    home, broker = folder / "dagster_home", free_port()
    home.mkdir()
    config = (DEPLOY / "dagster.yaml").read_text() + (DEPLOY / "launcher-celery.yaml").read_text()
    (home / "dagster.yaml").write_text(config)
    ports = {name: free_port() for name in tenants}
    (folder / "workspace.yaml").write_text(_workspace(ports))
    with postgres() as database:
        environment = clean_environment({
            "DAGSTER_HOME": str(home), "DAGSTER_POSTGRES_URL": database, "DAGSTER_DISABLE_TELEMETRY": "1",
            "DAGSTER_CELERY_BROKER": f"redis://{_LOOPBACK}:{broker}/0",
            "DAGSTER_CELERY_BACKEND": f"redis://{_LOOPBACK}:{broker}/1",
            "PAX8_TENANTS": str(folder / "tenants"), "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **extra,
        })  # fmt: skip
        services = Deployment(folder, environment)
        try:
            services.start("redis", ["redis-server", "--port", str(broker), "--bind", _LOOPBACK, "--save", ""])
            until(lambda: answers(broker), "Redis answers")
            for name, port in ports.items():
                services.code_server(name, port)
            for name, port in ports.items():
                until(partial(answers, port), f"the code server of {name} answers", 300)
            yield services
        finally:
            for name in list(services.processes):
                services.kill(name)
