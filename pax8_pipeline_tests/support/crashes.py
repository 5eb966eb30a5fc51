"""A process that applies a plan over HTTP, and the code that kills it at one exact moment.

Moments are counted, never timed: each request when it reaches the sandbox, before and after the vendor did its work
(the answer is never sent); each step of apply while the process waits there; and each step just after the process has
continued, so that it dies in the work that follows, such as the commit of the ledger. Where it is asked for, also each
commit of the warehouse, before and after it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from pax8_pipeline.billing.applying import batches, target_state
from pax8_pipeline.sandbox.faults.middleware import App, Receive, Scope, Send
from pax8_pipeline.warehouse import connection as warehouse_connection
from pax8_pipeline_tests.support.nightly import apply_newest, whole_night
from pax8_pipeline_tests.support.operator import PROCESSES, Operator

# How many writes share a call: never more than one, as many as on a night of few changes, and as on a big night.
SINGLE = {"SIZES": (1,), "PER_READING": 1}
GROWING = {"SIZES": (1, 4, 16, 50)}
LARGEST = {"SIZES": (50,), "LIST_FROM": 0}


def _work(
    environment: Mapping[str, str], line: Connection, settings: Mapping[str, Any], night: bool, commits: bool
) -> None:
    for name, value in settings.items():
        setattr(target_state if name == "LIST_FROM" else batches, name, value)

    def step(name: str) -> None:
        line.send(name)
        line.recv()

    if commits:
        _report_commits(step)
    (whole_night if night else apply_newest)(environment, step=step)


def _report_commits(step: Callable[[str], None]) -> None:
    """Let each transaction of the warehouse be a step: just before its commit, and when it is on disk."""
    committed = warehouse_connection._committed

    @contextmanager
    def reported(connection: warehouse_connection.Connection) -> Iterator[None]:
        with committed(connection):
            yield
            step("before commit")
        step("after commit")

    warehouse_connection._committed = reported


class Killed(Exception):
    """The process that sent this request is dead."""


class CrashInjector:
    """Counts moments and kills the process at number `target` (None: never); `moments` names those reached."""

    def __init__(self, target: int | None = None) -> None:
        self.target = target
        self.moments: list[str] = []
        self.process: BaseProcess | None = None

    @property
    def struck(self) -> bool:
        """True when the process was killed."""
        return self.target is not None and len(self.moments) > self.target

    def reached(self, name: str) -> bool:
        """Count a moment; kill, and return True, when it is the one."""
        if not self.counts(name):
            return False
        self.strike()
        return True

    def counts(self, name: str) -> bool:
        """Count a moment. Return True when it is the target."""
        if self.process is None or self.struck:
            return False
        self.moments.append(name)
        return self.struck

    def strike(self) -> None:
        """Send SIGKILL, and wait until the process has ended.

        Not with join: this may be the server's thread, and the main thread joins. Join also closes the process's
        sentinel, whose number may belong to another file a moment later; so this waits for a copy.
        """
        if (process := self.process) is None:
            return
        gone = os.dup(process.sentinel)
        try:
            process.kill()
            wait([gone])
        finally:
            os.close(gone)


class Tap:
    """Runs in front of both emulators and reports each request to the crash injector."""

    def __init__(self, inner: App, injector: CrashInjector) -> None:
        self.inner = inner
        self.injector = injector

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = f"{scope['method']} {scope['path']}" if scope["type"] == "http" else "other"
        if self.injector.reached(f"before {name}"):
            raise Killed
        held: list[MutableMapping[str, Any]] = []

        async def hold(message: MutableMapping[str, Any]) -> None:
            held.append(message)

        await self.inner(scope, receive, hold)
        if self.injector.reached(f"after {name}"):
            raise Killed
        for message in held:
            await send(message)


def apply_under(
    at: Operator,
    injector: CrashInjector,
    settings: Mapping[str, Any] | None = None,
    *,
    night: bool = False,
    commits: bool = False,
) -> int | None:
    """Apply the operator's newest plan in a separate process, under the crash injector. Return its exit code.

    `night`: play a whole night instead, which reads and plans first. `commits`: count the warehouse's commits too.
    """
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=_work, args=(at.environment(), theirs, dict(settings or {}), night, commits))
    at.sandbox.app.app = Tap(at.sandbox.app.app, injector)
    process.start()
    theirs.close()
    injector.process = process
    try:
        while True:
            name = ours.recv()
            if injector.reached(f"at {name}"):
                break
            late = injector.counts(f"just past {name}")  # counted while it stands still, or the order were chance
            ours.send("go on")
            if late:
                injector.strike()
                break
    except (EOFError, ConnectionError):
        pass  # it ended, by itself or not
    finally:
        process.join()
        injector.process = None
        ours.close()
    return process.exitcode
