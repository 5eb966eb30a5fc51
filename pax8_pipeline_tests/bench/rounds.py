"""Runs ways of doing one thing in turns, and gives the median of each and their ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

Say = Callable[[str], None]


@dataclass(frozen=True)
class Taken:
    """What one go took: `seconds` on the clock, `cpu` seconds of the processor with all children, `peak_mb` of memory.

    `counts`: whatever else was counted, by name.
    """

    seconds: float
    cpu: float = 0.0
    peak_mb: float = 0.0
    counts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Way:
    """One way of doing it. `go` gets the number of the round."""

    name: str
    go: Callable[[int], Taken]


@dataclass(frozen=True)
class Figure:
    """One row of the table. `values`: by way, each round's value. The first way is the product.

    `target`: what the first way must not exceed, in `unit` (or its ratio to the second way, with `of_ratio`).
    """

    group: str
    title: str
    unit: str
    values: Mapping[str, Sequence[float]]
    target: float | None = None
    of_ratio: bool = False
    note: str = ""

    @property
    def medians(self) -> dict[str, float]:
        """The median of each way."""
        return {name: statistics.median(values) for name, values in self.values.items()}

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as much each other way takes as the product."""
        ours, *others = self.medians.items()
        return {name: value / ours[1] for name, value in others if ours[1]}

    @property
    def reached(self) -> bool | None:
        """True when the target is met; None without one."""
        if self.target is None:
            return None
        medians = list(self.medians.values())
        value = medians[0] / medians[1] if self.of_ratio else medians[0]
        return value <= self.target


def in_turns(ways: Sequence[Way], rounds: int, say: Say) -> dict[str, list[Taken]]:
    """Run each way once a round. The order changes from round to round, so that none is always the first."""
    taken: dict[str, list[Taken]] = {way.name: [] for way in ways}
    for number in range(rounds):
        shift = number % len(ways)
        for way in (*ways[shift:], *ways[:shift]):
            one = way.go(number)
            taken[way.name].append(one)
            say(f"  round {number + 1} of {rounds}: {way.name} {one.seconds:.2f} s, {one.cpu:.2f} s of the processor")
    return taken


def process(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None, *, codes: Sequence[int] = (0,)
) -> Taken:
    """Run a command to its end; without its output. Raises RuntimeError with its output for another exit code."""
    started = time.monotonic()
    with subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as child:
        peak = _Peak(child.pid)
        output = child.stdout.read() if child.stdout else b""
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    took = time.monotonic() - started
    if child.returncode not in codes:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {child.returncode}:\n{output.decode()[-2000:]}")
    return Taken(took, usage.ru_utime + usage.ru_stime, peak.megabytes)


class _Peak:
    """The most memory that a process had, in MB. The kernel's own figure for a child is never below its parent's."""

    def __init__(self, pid: int) -> None:
        self.megabytes = 0.0
        self._pid = pid
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while found := memory_peak(self._pid):
            self.megabytes = max(self.megabytes, found)
            threading.Event().wait(0.05)


def memory_peak(pid: int) -> float:
    """Return the most memory in MB that a running process has had; 0 for one that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0
