"""Both emulators on one port of this machine: in a thread for tests and the demo, or for a command.

It contains the app, uvicorn, the environment to use with it, and saving. What is answered is in each vendor's `api.py`
and in `control.py`.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from pax8_pipeline.sandbox.core.credentials import HaloCredentials, Pax8Credentials
from pax8_pipeline.sandbox.faults.middleware import FaultMiddleware
from pax8_pipeline.sandbox.faults.registry import Faults
from pax8_pipeline.sandbox.faults.traffic import RollingLimit, TrafficLog, default_limits
from pax8_pipeline.sandbox.halo.api import halo_routes
from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.sandbox.halo.switches import HaloSwitches
from pax8_pipeline.sandbox.pax8.api import pax8_routes
from pax8_pipeline.sandbox.pax8.store import Pax8Store
from pax8_pipeline.sandbox.pax8.switches import Pax8Switches
from pax8_pipeline.sandbox.server.control import control_routes
from pax8_pipeline.sandbox.world import state
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.web_guard import Guarded, WebRules

HOST = "127.0.0.1"
_SMALL_WORLD = 3000  # subscriptions; a larger world is saved only on request and at the end
_STOP_WITHIN = 5  # seconds for open requests


class Sandbox:
    """One served world. `requests` is the log of both vendors' requests, `faults` the ordered faults."""

    def __init__(
        self,
        world: World,
        *,
        limits: Mapping[str, RollingLimit] | None = None,
        state_file: Path | None = None,
        pax8_credentials: Pax8Credentials | None = None,
        halo_credentials: HaloCredentials | None = None,
    ) -> None:
        self.world = world
        self.faults = Faults()
        self.requests = TrafficLog()
        self.url = ""
        self._state_file = state_file
        self._pax8_credentials = pax8_credentials or Pax8Credentials()
        self._halo_credentials = halo_credentials or HaloCredentials()
        inner = Starlette(
            routes=[
                Mount("/pax8", routes=pax8_routes(world.pax8, self._pax8_credentials)),
                Mount("/halo", routes=halo_routes(world.halo, self._halo_credentials)),
                *control_routes(self),
            ]
        )
        # Any client may call the vendors' part. /control changes the world, so no page of a browser may call it.
        guarded = Guarded(inner, WebRules(methods=("GET", "HEAD", "POST", "DELETE")), under="/control")
        self.app = FaultMiddleware(
            guarded,
            faults=self.faults,
            log=self.requests,
            limits=limits or {},
            now=self.world.clock.now,
            switches=self._switches,
            expire=self._expire,
            after_write=self.changed,
        )

    @property
    def pax8(self) -> Pax8Store:
        """The emulated Pax8's state."""
        return self.world.pax8

    @property
    def halo(self) -> HaloStore:
        """The emulated Halo's state."""
        return self.world.halo

    def env(self) -> dict[str, str]:
        """Return the environment for a client of this sandbox."""
        return {
            "PAX8_CLIENT_ID": self._pax8_credentials.client_id,
            "PAX8_CLIENT_SECRET": self._pax8_credentials.client_secret,
            "PAX8_API_URL": f"{self.url}/pax8/v1",
            "PAX8_TOKEN_URL": f"{self.url}/pax8/v1/token",
            "HALO_API_URL": f"{self.url}/halo/api",
            "HALO_AUTH_URL": f"{self.url}/halo/auth",
            "HALO_TENANT": self._halo_credentials.tenant,
            "HALO_CLIENT_ID": self._halo_credentials.client_id,
            "HALO_CLIENT_SECRET": self._halo_credentials.client_secret,
            "PAX8_PIPELINE_TODAY": self.world.today.isoformat(),
        }

    def changed(self) -> None:
        """Called after every change from outside. A small world is saved at once."""
        if len(self.world.pax8.subscriptions) <= _SMALL_WORLD:
            self.save()

    def save(self) -> str | None:
        """Write the state file, if there is one; returns its path."""
        if self._state_file is None:
            return None
        state.save(self.world, self._state_file)
        return str(self._state_file)

    def _switches(self) -> tuple[Pax8Switches, HaloSwitches]:
        return self.world.pax8.switches, self.world.halo.switches

    def _expire(self, vendor: str) -> None:
        (self.world.pax8 if vendor == "pax8" else self.world.halo).expire_tokens()


class _Server(uvicorn.Server):
    """uvicorn with an event that is set when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def running_sandbox(
    world: World,
    port: int = 0,
    *,
    rate_limits: bool = False,
    state_file: Path | None = None,
    halo_credentials: HaloCredentials | None = None,
) -> Iterator[Sandbox]:
    """Serve a world on this machine from a thread until the block ends. Port 0 means any free port."""
    limits = default_limits(time.monotonic) if rate_limits else {}
    sandbox = Sandbox(world, limits=limits, state_file=state_file, halo_credentials=halo_credentials)
    listener = _listen(port)
    sandbox.url = f"http://{HOST}:{listener.getsockname()[1]}"
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # faults are ordered; uvicorn would report them as errors
    server = _Server(
        uvicorn.Config(
            sandbox.app,
            log_config=None,
            access_log=False,
            date_header=False,  # each vendor's answers have the time of the world's clock (`middleware`)
            timeout_graceful_shutdown=_STOP_WITHIN,
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
    thread.start()
    try:
        if not server.ready.wait(30):
            raise RuntimeError("the sandbox did not start")
        yield sandbox
    finally:
        sandbox.faults.remove()
        server.should_exit = True
        thread.join()
        listener.close()


def serve(
    world: World,
    port: int,
    state_file: Path | None,
    announce: Callable[[str], None],
    *,
    rate_limits: bool = True,
    stop: threading.Event | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM (or `stop`), with rate limits. `announce` gets each line for a person.

    With a `state_file`, the world in the file is served if there is one, and saved after every change and at the end.
    """
    if state_file is not None and state_file.exists():
        world = state.load(state_file)
        announce(f"Going on with {state_file}, where it is {world.today}.")
    world.clock.run(time.monotonic)
    stop = stop or threading.Event()
    with (
        _stopped_by_signals(stop),
        running_sandbox(world, port, rate_limits=rate_limits, state_file=state_file) as sandbox,
    ):
        announce(f"Pax8 and Halo are emulated at {sandbox.url} (see {sandbox.url}/control). Use them with:")
        for name, value in sandbox.env().items():
            announce(f"export {name}={value}")
        announce("Ctrl-C ends the sandbox.")
        stop.wait()
        sandbox.save()
    announce("The sandbox has ended.")


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """In the block, SIGINT and SIGTERM set `stop`. Signals can be handled only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(256)
    return listener
