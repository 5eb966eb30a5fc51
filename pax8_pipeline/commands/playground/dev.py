"""`pax8-pipeline dev`: the Dagster UI with its daemon, and the sandbox beside it when no credentials are set.

It starts the processes with their environment, and ends them together. What Dagster shows is in `orchestration`.
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

from pax8_pipeline.commands.common import notify
from pax8_pipeline.commands.sandbox_server import (
    environment_of,
    free_port,
    get_json,
    port_is_free,
    server_lock,
    server_url,
)
from pax8_pipeline.commands.target import sandbox_environment, sandbox_folder, world_file
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8, Settings, load_settings
from pax8_pipeline.settings.tenant_folder import ROOT, SELECTED, of_deployment
from pax8_pipeline.text import textfiles
from pax8_pipeline.transport.session import is_loopback

_LOOPBACK = "127.0.0.1"
_START_TIMEOUT_S = 180.0  # the UI must answer within so many seconds
_END_TIMEOUT_S = 30.0  # a child has so many seconds to end
# Dagster recommends its other command line, but that one does not read dagster.yaml and workspace.yaml.
_NO_WARNING = "ignore:Function `dev_command` is superseded"


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline dev                     http://localhost:3000\n"
    "  PAX8_SCHEDULE=on pax8-pipeline dev    with the daily schedule running\n\n"
    "Only this machine can reach it. The UI has no login of its own: before you use --host, put a proxy with a login "
    "in front of it, and its name into data/policy.yaml, ui.allowed_hosts."
)
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port of the UI.")
@click.option("--host", default=_LOOPBACK, show_default=True, help="Address to listen on.")
@click.option("--verbose", is_flag=True, help="Show what Dagster logs.")
def dev(port: int, host: str, verbose: bool) -> None:
    """Serve the Dagster UI: lineage, runs, checks, plans, and the schedule, which you can switch on.

    It uses the live systems when credentials are set, else the sandbox of the demo. Ctrl-C ends it.
    """
    settings = load_settings()
    if settings.has_credentials or settings.tenant:
        settings.require(REQUIRED_PAX8 + REQUIRED_HALO)
    if not port_is_free(port, host):
        raise PipelineError(f"port {port} is in use; take another with --port (make dev PORT=...)")
    address = _Address(host, port)
    if not is_loopback(host):
        notify(address.warning)
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
        """The warning for an operator who lets other machines reach the UI."""
        return (
            f"Warning: {self.host} can be reached from other machines, and the UI has no login. Whoever reaches port "
            f"{self.port} reads all data and starts runs. Put a proxy with a login in front of it, and its name into "
            "policy.yaml, ui.allowed_hosts."
        )

    @property
    def reached(self) -> str:
        """The address that this machine uses to reach the UI."""
        return _LOOPBACK if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared with, not bound


def _serve(
    environment: Mapping[str, str], address: _Address, verbose: bool, children: _Children, stop: threading.Event
) -> None:
    """Start Dagster and wait until we are stopped, or a child ends without our request."""
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
        str(_tenant_workspace(home, settings.tenant) if settings.tenant else project_file("workspace.yaml")),
    ]
    command += ["-h", address.host, "-p", str(address.port), "--log-level", level, "--code-server-log-level", level]
    dagster_environment = {
        **(_without_secrets(settings) if settings.tenant else environment),
        "DAGSTER_HOME": str(home),
        "PAX8_PIPELINE_DATA": str(settings.data),
        "PYTHONWARNINGS": _NO_WARNING,
    }
    # Dagster would prefer a .env of its start folder over the environment. All of our values are in the environment.
    children.start("Dagster", command, dagster_environment, home)
    notify(f"Starting Dagster; its history is in {home}.")
    _announce_when_up(address, children, stop)
    while not stop.wait(0.5):
        children.check()


def _tenant_workspace(home: Path, name: str) -> Path:
    from pax8_pipeline.orchestration.workspace import modules

    path = home / "workspace.yaml"
    textfiles.write_whole(path, modules([name]))
    return path


def _without_secrets(settings: Settings) -> dict[str, str]:
    """Return the environment for the processes of one tenant: they read its .env themselves."""
    return {**of_deployment(os.environ), ROOT: str(settings.data.parent), SELECTED: settings.data.name}


def _announce_when_up(address: _Address, children: _Children, stop: threading.Event) -> None:
    from pax8_pipeline.orchestration.assets import overview

    host = f"[{address.reached}]" if ":" in address.reached else address.reached
    url = f"http://{host}:{address.port}"
    for _ in range(int(_START_TIMEOUT_S / 0.5)):
        if get_json(f"{url}/server_info") is not None:
            _require_guard(address)
            shown_url = f"http://localhost:{address.port}" if address.reached == _LOOPBACK else url
            notify(
                f"Dagster is up: {shown_url}/assets/{'/'.join(overview.OVERVIEW.path)} shows the newest run (lineage at /asset-groups). "
                "Ctrl-C ends it."
            )
            return
        children.check()
        if stop.wait(0.5):
            return
    raise PipelineError(f"Dagster did not answer at {url} within {_START_TIMEOUT_S:.0f} s; --verbose shows its log")


def _require_guard(address: _Address) -> None:
    """Raise PipelineError when the UI answers to another host name: then any web page could start a run."""
    connection = http.client.HTTPConnection(address.reached, address.port, timeout=30)
    try:
        connection.request("GET", "/server_info", headers={"Host": "another-site.invalid"})
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != http.HTTPStatus.FORBIDDEN:
        raise PipelineError(
            f"the UI answers to a foreign Host (status {status}): its guard is missing, so it was stopped. Install the "
            "Dagster of constraints.txt again (make setup)"
        )


# Live or sandbox
# -------------------------------------------------------------------------------------------------------------------


def _live(settings: Settings) -> dict[str, str]:
    notify(f"Live systems, write mode {settings.write_mode}: Halo at {settings.value('HALO_API_URL')}.")
    return dict(settings.environment)


def _sandbox(settings: Settings, children: _Children, stop: threading.Event) -> dict[str, str]:
    """Serve the demo's world in a separate process, unless one serves it already."""
    path = ensure_world(settings)
    notify(f"No credentials are set: this is the sandbox in {sandbox_folder(settings)}.")
    with server_lock(path) as set_url:
        url = "" if set_url else server_url(path)
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
    """Return the sandbox's world file; make the demo's world if there is none."""
    path = world_file(settings)
    if not path.exists():
        from pax8_pipeline.commands.playground.demo import fresh_world

        notify("Making a synthetic MSP.")
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
        """Start a child in its own process group: Ctrl-C reaches only us, and we end the children in order."""
        child = subprocess.Popen(command, env=dict(environment), cwd=folder, start_new_session=True)  # noqa: S603 - our own
        self._running.append((name, child))

    def check(self) -> None:
        """Raise PipelineError if a child has ended."""
        for name, child in self._running:
            if child.poll() is not None:
                raise PipelineError(f"{name} ended unexpectedly (exit code {child.returncode}); see its output above")


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(_END_TIMEOUT_S)
    # A killed child can leave code servers and run workers, which are its own children.
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


@contextmanager
def _stop_by_signal() -> Iterator[threading.Event]:
    """SIGINT and SIGTERM set the event.

    With our own handler, children get the default one: a shell's `&` passes on ignored signals, and Dagster would
    continue to ignore them.
    """
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
