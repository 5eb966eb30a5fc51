"""`pax8-pipeline dev`: the Dagster UI with its daemon, and beside it the sandbox when no credentials are set.

Here belongs: which processes run, with which environment, and that all end together. Not here: what Dagster shows.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click

from pax8_pipeline.commands.common import tell
from pax8_pipeline.commands.sandbox_server import claimed, environment_of, free_port, get_json, holder, port_is_free
from pax8_pipeline.commands.target import sandbox_environment, sandbox_folder, world_file
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8, Settings, load_settings
from pax8_pipeline.transport.session import is_loopback

_LOOPBACK = "127.0.0.1"
_UP_WITHIN = 180.0  # seconds until the UI must answer
_END_WITHIN = 30.0  # seconds a child gets to end by itself
# Dagster prefers its other command line; ours reads dagster.yaml and workspace.yaml, which that one does not.
_NO_WARNING = "ignore:Function `dev_command` is superseded"


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline dev                     http://localhost:3000\n"
    "  PAX8_SCHEDULE=on pax8-pipeline dev    with the daily schedule running\n\n"
    "Only this machine can reach it. The UI has no login of its own: before you use --host, put a proxy with a login "
    "before it and its name into data/policy.yaml, ui.allowed_hosts."
)
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port of the UI.")
@click.option("--host", default=_LOOPBACK, show_default=True, help="Address to listen on.")
@click.option("--verbose", is_flag=True, help="Show what Dagster logs.")
def dev(port: int, host: str, verbose: bool) -> None:
    """Serve the Dagster UI: lineage, runs, checks, plans, and the schedule for whoever switches it on.

    On the live systems when credentials are set, else on the sandbox of the demo. Ctrl-C ends it.
    """
    settings = load_settings()
    if settings.has_credentials:
        settings.require(REQUIRED_PAX8 + REQUIRED_HALO)
    if not port_is_free(port, host):
        raise PipelineError(f"port {port} is in use; take another with --port (make dev PORT=...)")
    address = _Address(host, port)
    if not is_loopback(host):
        tell(address.warning)
    with _stop_by_signal() as stop, _Children() as children:
        environment = _live(settings) if settings.has_credentials else _sandbox(settings, children, stop)
        if not stop.is_set():
            _serve(environment, address, verbose, children, stop)


@dataclass(frozen=True)
class _Address:
    """Where the UI listens."""

    host: str
    port: int

    @property
    def warning(self) -> str:
        """What an operator has to know who lets other machines reach the UI."""
        return (
            f"Warning: {self.host} can be reached from other machines, and the UI has no login. Whoever reaches port "
            f"{self.port} reads all data and starts runs. Put a proxy with a login before it, and its name into "
            "policy.yaml, ui.allowed_hosts."
        )

    @property
    def reached(self) -> str:
        """The address under which this machine reaches it."""
        return _LOOPBACK if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared with, not bound


def _serve(
    environment: Mapping[str, str], address: _Address, verbose: bool, children: _Children, stop: threading.Event
) -> None:
    """Start Dagster and stay until somebody ends us, or a child ends by itself."""
    from pax8_pipeline.orchestration.instance import instance_home, open_instance, project_file

    settings = load_settings(environment)
    home = instance_home(settings)
    with open_instance(settings):  # ends runs whose process died, before the queue counts them
        pass
    level = "info" if verbose else "warning"
    command = [
        sys.executable,
        "-m",
        "pax8_pipeline.orchestration.ui_server",
        "dev",
        "-w",
        str(project_file("workspace.yaml")),
    ]
    command += ["-h", address.host, "-p", str(address.port), "--log-level", level, "--code-server-log-level", level]
    given = {
        **environment,
        "DAGSTER_HOME": str(home),
        "PAX8_PIPELINE_DATA": str(settings.data),
        "PYTHONWARNINGS": _NO_WARNING,
    }
    # Dagster would let a .env of the folder it starts in win over the environment: all of ours is in it already.
    children.start("Dagster", command, given, home)
    tell(f"Starting Dagster; its history is in {home}.")
    _announce_when_up(address, children, stop)
    while not stop.wait(0.5):
        children.check()


def _announce_when_up(address: _Address, children: _Children, stop: threading.Event) -> None:
    host = f"[{address.reached}]" if ":" in address.reached else address.reached
    url = f"http://{host}:{address.port}"
    for _ in range(int(_UP_WITHIN / 0.5)):
        if get_json(f"{url}/server_info") is not None:
            _require_guard(address)
            shown = f"http://localhost:{address.port}" if address.reached == _LOOPBACK else url
            tell(f"Dagster is up: {shown} (lineage at /asset-groups). Ctrl-C ends it.")
            return
        children.check()
        if stop.wait(0.5):
            return
    raise PipelineError(f"Dagster did not answer at {url} within {_UP_WITHIN:.0f} s; see what it says with --verbose")


def _require_guard(address: _Address) -> None:
    """Raise PipelineError when the UI answers under a foreign name: then any web page could start a run."""
    asked = http.client.HTTPConnection(address.reached, address.port, timeout=30)
    try:
        asked.request("GET", "/server_info", headers={"Host": "another-site.invalid"})
        status = asked.getresponse().status
    finally:
        asked.close()
    if status != http.HTTPStatus.FORBIDDEN:
        raise PipelineError(
            f"the UI answers to a foreign Host (status {status}): its guard is missing, so it was stopped. Install the "
            "Dagster of constraints.txt again (make setup)"
        )


# Live or sandbox
# -------------------------------------------------------------------------------------------------------------------


def _live(settings: Settings) -> dict[str, str]:
    tell(f"Live systems, write mode {settings.write_mode}: Halo at {settings.value('HALO_API_URL')}.")
    return dict(settings.environment)


def _sandbox(settings: Settings, children: _Children, stop: threading.Event) -> dict[str, str]:
    """Serve the demo's world from a process of its own, unless one serves it already."""
    path = ensure_world(settings)
    tell(f"No credentials are set: this is the sandbox in {sandbox_folder(settings)}.")
    with claimed(path) as claim:
        url = "" if claim else holder(path)
    if not url:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "pax8_pipeline.cli", "sandbox", "--port", str(port), "--state", str(path)]
        children.start("The sandbox", [*command, "--quiet"], settings.environment, Path.cwd())

    def given_up() -> bool:
        children.check()
        return stop.is_set()

    return sandbox_environment(settings, environment_of(url, given_up=given_up))


def ensure_world(settings: Settings) -> Path:
    """Return the sandbox's world file, making the demo's world if there is none yet."""
    path = world_file(settings)
    if not path.exists():
        from pax8_pipeline.commands.playground.demo import fresh_world

        tell("Making a synthetic MSP.")
        fresh_world(settings)
    return path


# Processes
# -------------------------------------------------------------------------------------------------------------------


class _Children:
    """Child processes that end with us, in the reverse order of their start."""

    def __init__(self) -> None:
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> _Children:
        return self

    def __exit__(self, *_: object) -> None:
        for _name, child in reversed(self._running):
            _end(child)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        """Start one, in a group of its own: a Ctrl-C in the terminal reaches us, and we end it in order."""
        child = subprocess.Popen(command, env=dict(environment), cwd=folder, start_new_session=True)  # noqa: S603 - our own
        self._running.append((name, child))

    def check(self) -> None:
        """Raise PipelineError if one has ended by itself."""
        for name, child in self._running:
            if child.poll() is not None:
                raise PipelineError(f"{name} ended by itself (exit code {child.returncode}); see what it said above")


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(_END_WITHIN)
    # What a killed child left running: code servers and run workers are children of its own.
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


@contextmanager
def _stop_by_signal() -> Iterator[threading.Event]:
    """SIGINT and SIGTERM set the event.

    A handler of ours also gives children the default one: a shell's `&` hands down ignored signals, and Dagster
    would go on ignoring them.
    """
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    taken = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
