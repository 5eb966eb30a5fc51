"""How all commands talk to a person or a program.

Here belongs: consoles, progress, --json. Not here: which systems a command works on (`where`), what any one
command says.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pax8_pipeline import values

json_option = click.option("--json", "as_json", is_flag=True, help="Print data for a program instead of text.")


class _HaloId(click.ParamType):
    name = "halo id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return values.halo_id(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


HALO_ID = _HaloId()
_COUNT = re.compile(r"^(?P<what>.*?):? (?P<done>\d[\d,]*) of (?P<total>\d[\d,]*)")


def console() -> Console:
    """The console for results. Made when used: a test or a pipe may have put another stdout in place."""
    found = Console(highlight=False)
    # Into a pipe or a log there is no width to fit in: a table that breaks words cannot be searched.
    return found if found.is_terminal else Console(highlight=False, width=160)


def _err() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def tell(text: str) -> None:
    """Say something on the way, to stderr: who reads a result from stdout must see nothing else."""
    _err().print(text, markup=False)


def utc_now() -> datetime:
    """Return now in UTC, without offset, as the warehouse keeps times."""
    return datetime.now(UTC).replace(tzinfo=None)


def user_name() -> str:
    """Return who sits here, empty when the environment does not say."""
    return os.environ.get("USER", "").strip() or os.environ.get("LOGNAME", "").strip()


def print_json(data: Any) -> None:
    """Print data as JSON; Decimals as text, so that no reader makes a double of money."""
    click.echo(json.dumps(data, indent=2, default=str, ensure_ascii=False))


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Give a function that is told each step of long work; a step may count: "usage summaries: 200 of 1000".

    In a terminal: the step at hand with a spinner, a bar while it counts, and how long it takes. Elsewhere: plain
    lines, a count only at every tenth part.
    """
    if quiet:
        yield lambda text: None
        return
    target = _err()
    if not target.is_terminal:
        yield _PlainSteps(target)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=target, transient=True) as bars:
        yield _BarSteps(bars)


class _BarSteps:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = bars.add_task("", total=None)

    def __call__(self, text: str) -> None:
        count = _count(text)
        done, total = count[1:] if count else (0, None)
        self._bars.update(self._task, description=text.replace("[", "\\["), completed=done, total=total)


class _PlainSteps:
    def __init__(self, target: Console) -> None:
        self._target = target
        self._said: tuple[str, int] = ("", -1)

    def __call__(self, text: str) -> None:
        count = _count(text)
        if count is not None:
            what, done, total = count
            step = (what, 10 * done // total if total else 10)
            if step == self._said:
                return
            self._said = step
        self._target.print(text, markup=False)


def _count(text: str) -> tuple[str, int, int] | None:
    found = _COUNT.match(text)
    if found is None:
        return None
    return found["what"], int(found["done"].replace(",", "")), int(found["total"].replace(",", ""))
