"""The sandbox that is stored on disk: its world, and never more than one process that serves it.

It serves a world while a command runs, or finds the process that serves it already. The emulators are in `sandbox`;
which command uses them is decided in `target`.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pax8_pipeline.errors import ConfigError, PipelineError

if TYPE_CHECKING:
    from pax8_pipeline.sandbox.world.world import World

Environment = dict[str, str]
_START_TIMEOUT_S = 60  # seconds that a server may need to load its world


@contextmanager
def serve_or_join(path: Path) -> Iterator[Environment]:
    """Yield the vendors' environment for the world in `path`. If no other process serves the world, serve it here.

    Changes are saved to the file at once.
    """
    with server_lock(path) as set_url:
        if set_url is None:
            yield environment_of(server_url(path))
            return
        # The emulators take a moment to import. They are not needed where another process serves the world.
        from pax8_pipeline.sandbox.server.app import running_sandbox

        with running_sandbox(load_world(path), state_file=path) as sandbox:
            set_url(sandbox.url)
            yield sandbox.env()
            sandbox.save()


def load_world(path: Path) -> World:
    """Read a world file. Raises ConfigError when this version cannot read it."""
    from pax8_pipeline.sandbox.world import state

    try:
        return state.load(path)
    except state.StateFileError as error:
        raise ConfigError(str(error)) from error


# One server for each world


@contextmanager
def server_lock(path: Path) -> Iterator[Callable[[str], None] | None]:
    """Lock a world file for serving. Yields None if another process has it, else a function to call with the server's
    address.

    The lock ends with the process. Two servers would overwrite each other's world.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock_file(path).open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
            return

        def set_url(url: str) -> None:
            handle.seek(0)
            handle.truncate()
            json.dump({"pid": os.getpid(), "url": url}, handle)
            handle.flush()

        try:
            yield set_url
        finally:
            handle.seek(0)
            handle.truncate()


@contextmanager
def only_server(path: Path, url: str = "") -> Iterator[None]:
    """Lock a world file for this process at `url`. Raises PipelineError that names the process that serves it."""
    with server_lock(path) as set_url:
        if set_url is None:
            raise PipelineError(
                f"{path} is in use at {server_url(path)} (a `dev` or `sandbox` in another terminal?); end that"
            )
        if url:
            set_url(url)
        yield


def server_url(path: Path) -> str:
    """Return the address of the process that serves a world. Raises PipelineError when it names none in time."""
    waiting = threading.Event()
    for _ in range(_START_TIMEOUT_S * 5):
        try:
            return str(json.loads(_lock_file(path).read_text(encoding="utf-8"))["url"])
        except (OSError, ValueError, KeyError):
            waiting.wait(0.2)  # it has the lock and will write its address
    raise PipelineError(f"{path} is in use by another process that does not answer; end that process")


def _lock_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def environment_of(url: str, *, given_up: Callable[[], bool] = lambda: False) -> Environment:
    """Ask a sandbox server for the environment to use with it; wait until it has started.

    `given_up` is called between tries: True when its process has ended. Raises PipelineError when there is no answer.
    """
    waiting = threading.Event()
    for _ in range(_START_TIMEOUT_S * 5):
        answer = get_json(f"{url}/control/env")
        if isinstance(answer, dict):
            return {str(name): str(value) for name, value in answer.items()}
        if given_up():
            break
        waiting.wait(0.2)
    raise PipelineError(f"the sandbox at {url} does not answer")


def get_json(url: str) -> Any:
    """Read a JSON answer from this machine; None when there is none (yet)."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - always http on loopback
            return json.loads(reply.read())
    except (urllib.error.URLError, OSError, ValueError):
        return None


def free_port() -> int:
    """Return a port of this machine that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """True when a server could listen on this port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
