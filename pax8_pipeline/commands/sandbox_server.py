"""The sandbox kept on disk: its world, and never more than one process serving it.

Here belongs: serving a world for the time of a command, or finding who serves it already. Not here: the
emulators (`sandbox`), when a command uses them (`common`).
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
_ANSWERS_WITHIN = 60  # seconds a server may take to load its world


@contextmanager
def served_world(path: Path) -> Iterator[Environment]:
    """Give the vendors' environment for the world in `path`: of the process that serves it, else served from here.

    Changes are saved to the file as they happen.
    """
    with claimed(path) as claim:
        if claim is None:
            yield environment_of(holder(path))
            return
        # The emulators take a moment to import, and are not needed where another process serves the world.
        from pax8_pipeline.sandbox.server.app import running_sandbox

        with running_sandbox(load_world(path), state_file=path) as sandbox:
            claim(sandbox.url)
            yield sandbox.env()
            sandbox.save()


def load_world(path: Path) -> World:
    """Read a world file; ConfigError when it is none that this version can read."""
    from pax8_pipeline.sandbox.world import state

    try:
        return state.load(path)
    except state.StateFileError as error:
        raise ConfigError(str(error)) from error


# One server a world
# -------------------------------------------------------------------------------------------------------------------


@contextmanager
def claimed(path: Path) -> Iterator[Callable[[str], None] | None]:
    """Claim a world file for serving; None if another process has it. Call what is given with the server's address.

    The claim is a lock, so it dies with the process: two servers would overwrite each other's world.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock_file(path).open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
            return

        def say(url: str) -> None:
            handle.seek(0)
            handle.truncate()
            json.dump({"pid": os.getpid(), "url": url}, handle)
            handle.flush()

        try:
            yield say
        finally:
            handle.seek(0)
            handle.truncate()


@contextmanager
def only_server(path: Path, url: str = "") -> Iterator[None]:
    """Claim a world file, or raise PipelineError naming who serves it. `url`: where this process is about to."""
    with claimed(path) as claim:
        if claim is None:
            raise PipelineError(
                f"{path} is in use at {holder(path)} (a `dev` or `sandbox` in another terminal?); end that"
            )
        if url:
            claim(url)
        yield


def holder(path: Path) -> str:
    """Return the address of the process that serves a world. Raises PipelineError when it does not say one in time."""
    waiting = threading.Event()
    for _ in range(_ANSWERS_WITHIN * 5):
        try:
            return str(json.loads(_lock_file(path).read_text(encoding="utf-8"))["url"])
        except (OSError, ValueError, KeyError):
            waiting.wait(0.2)  # it has the lock and is about to write
    raise PipelineError(f"{path} is in use by another process that does not answer; end that process")


def _lock_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def environment_of(url: str, *, given_up: Callable[[], bool] = lambda: False) -> Environment:
    """Ask a sandbox server for the environment to use with it, waiting until it is up.

    `given_up` is asked between tries, for when its process has ended. Raises PipelineError.
    """
    waiting = threading.Event()
    for _ in range(_ANSWERS_WITHIN * 5):
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
    """Return a loopback port nobody listens on at the moment."""
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
