"""A process that applies a plan over HTTP, and the hand that kills it at one exact moment.

Moments are counted, never timed: each request as it reaches the sandbox, before and after the vendor did its work
(the answer never leaves), each step of apply as the process stands still there, and each step as the process has just
been let go on, so that it dies somewhere in the work that follows, such as the commit of the ledger.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from pax8_pipeline.billing.applying import batches
from pax8_pipeline.sandbox.faults.middleware import App, Receive, Scope, Send
from pax8_pipeline_tests.support.nightly import apply_newest
from pax8_pipeline_tests.support.operator import PROCESSES, Operator

WAVES = {"WAVE_ABOVE": 0, "WAVE": 4, "PER_CALL": 3}  # a big night's way of writing, on a small night


def _apply_newest(environment: Mapping[str, str], line: Connection, settings: Mapping[str, int]) -> None:
    for name, value in settings.items():
        setattr(batches, name, value)

    def step(name: str) -> None:
        line.send(name)
        line.recv()

    apply_newest(environment, step=step)


class Killed(Exception):
    """The process whose request this was is dead."""


class CrashInjector:
    """Counts moments and kills the process at number `target` (None: never); `moments` names those reached."""

    def __init__(self, target: int | None = None) -> None:
        self.target = target
        self.moments: list[str] = []
        self.process: BaseProcess | None = None

    @property
    def struck(self) -> bool:
        """Whether the process was killed."""
        return self.target is not None and len(self.moments) > self.target

    def reached(self, name: str) -> bool:
        """Count a moment; kill, and return True, when it is the one."""
        if not self.counts(name):
            return False
        self.strike()
        return True

    def counts(self, name: str) -> bool:
        """Count a moment; whether it is the one."""
        if self.process is None or self.struck:
            return False
        self.moments.append(name)
        return self.struck

    def strike(self) -> None:
        """SIGKILL, and wait until the process is gone.

        Not join: this may be the server's thread, and the main one joins. It also closes the process's sentinel
        then, whose number may be another file's a moment later: what is waited for here is a copy.
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
    """Stands before both emulators and tells the hand of each request."""

    def __init__(self, inner: App, hand: CrashInjector) -> None:
        self.inner = inner
        self.hand = hand

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = f"{scope['method']} {scope['path']}" if scope["type"] == "http" else "other"
        if self.hand.reached(f"before {name}"):
            raise Killed
        held: list[MutableMapping[str, Any]] = []

        async def hold(message: MutableMapping[str, Any]) -> None:
            held.append(message)

        await self.inner(scope, receive, hold)
        if self.hand.reached(f"after {name}"):
            raise Killed
        for message in held:
            await send(message)


def apply_under(at: Operator, hand: CrashInjector, settings: Mapping[str, int] | None = None) -> int | None:
    """Apply the desk's newest plan in a process of its own, under the hand; return its exit code."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=_apply_newest, args=(at.environment(), theirs, dict(settings or {})))
    at.sandbox.app.app = Tap(at.sandbox.app.app, hand)
    process.start()
    theirs.close()
    hand.process = process
    try:
        while True:
            name = ours.recv()
            if hand.reached(f"at {name}"):
                break
            late = hand.counts(f"just past {name}")  # counted while it stands still, or the order were chance
            ours.send("go on")
            if late:
                hand.strike()
                break
    except (EOFError, ConnectionError):
        pass  # it ended, by itself or not
    finally:
        process.join()
        hand.process = None
        ours.close()
    return process.exitcode
