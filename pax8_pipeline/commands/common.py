"""Output and options that all commands share: consoles, progress, --json. Which systems a command uses is in
`target`.
"""

from __future__ import annotations

import json
import os
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from pax8_pipeline import values
from pax8_pipeline.reports.table import Table, text_lines
from pax8_pipeline.text.plaintext import one_line, show_hidden

details_option = click.option("--details", is_flag=True, help="Print all rows in tables before the summary.")
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


class PlainConsole(Console):
    """A console that prints text as it is: no markup, no emoji names, and no control characters of a terminal.

    Names, reasons and messages come from outside. Text with colours is a `rich.text.Text` made with `styled`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Every string that is printed, also in the cells of a table, passes here."""
        return super().render_str(show_hidden(text), **options)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Return a line in which the parts given as (text, style) have a colour."""
    return Text.assemble(*(show_hidden(p) if isinstance(p, str) else (show_hidden(p[0]), p[1]) for p in parts))


def print_wrapped(out: Console, text: str | Text) -> None:
    """Print a line; a terminal breaks it between words, a pipe or a log gets it whole."""
    out.print(text, soft_wrap=not out.is_terminal)


_NARROWEST = 40


def console() -> Console:
    """Return the console for results. It is made at each use: a test or a pipe may have replaced stdout."""
    out = PlainConsole()
    if out.is_terminal:
        return out
    # A pipe or a log has no width, unless COLUMNS says one, and a table that breaks words cannot be searched.
    columns = os.environ.get("COLUMNS", "")
    return PlainConsole(width=max(_NARROWEST, int(columns)) if columns.isdecimal() else 160)


def print_table(out: Console, table: Table) -> None:
    """Print a table of a report: its title, then its lines. They fit the width and never cut a word."""
    out.print(styled((table.title, "bold")), soft_wrap=True)
    for line in text_lines(table, out.width):
        out.print(line, soft_wrap=True)
    out.print()


def print_fields(out: Console, fields: Iterable[tuple[str, str]], label_width: int = 14) -> None:
    """Print labels with their texts; a text that does not fit goes on below itself. No word is ever cut."""
    for label, text in fields:
        room = max(out.width - label_width, 20)
        parts = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
        for number, part in enumerate(parts):
            out.print(f"{'' if number else label:{label_width}}{part}", soft_wrap=True)


def shown_path(path: str | Path) -> str:
    """Return a path as a person would type it here: without the current folder."""
    here = Path(path)
    return str(here.relative_to(Path.cwd())) if here.is_relative_to(Path.cwd()) else str(here)


def _err() -> Console:
    return PlainConsole(stderr=True, soft_wrap=True)


def notify(text: str) -> None:
    """Print a message to stderr, so that a program that reads the result from stdout sees only that."""
    _err().print(text)


def user_name() -> str:
    """Return the user of this machine; empty when the environment does not name one."""
    return os.environ.get("USER", "").strip() or os.environ.get("LOGNAME", "").strip()


def print_json(data: Any) -> None:
    """Print data as JSON. Decimals are text, so that no reader turns money into a double."""
    click.echo(json.dumps(data, indent=2, default=str, ensure_ascii=False))


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Yield a function to call with each step of long work. A step may count: "usage summaries: 200 of 1000".

    In a terminal it shows the current step with a spinner, a bar while it counts, and the time. Elsewhere it prints
    plain lines, and a count only at every tenth part.
    """
    if quiet:
        yield lambda text: None
        return
    target = _err()
    if not target.is_terminal:
        yield _PlainSteps(target)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=target, transient=True) as bars:
        yield _BarSteps(bars)


class _BarSteps:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = bars.add_task("", total=None)

    def __call__(self, text: str) -> None:
        count = _count(text)
        done, total = count[1:] if count else (0, None)
        self._bars.update(self._task, description=one_line(text), completed=done, total=total)


# A log gets one line for the tables of a schema: what was read of each is in the history that the UI shows.
_PHASES = {
    "pax8": "Reading Pax8",
    "halo": "Reading Halo",
    "staging": "Typing what was read",
    "reconciled": "Comparing",
    "monthly": "Comparing the month",
}


class _PlainSteps:
    def __init__(self, target: Console) -> None:
        self._target = target
        self._last_step: tuple[str, int] = ("", -1)
        self._phases: set[str] = set()

    def __call__(self, text: str) -> None:
        if phase := _PHASES.get(text.split(":")[0].split(".")[0]):
            if phase not in self._phases:
                self._phases.add(phase)
                self._target.print(phase)
            return
        count = _count(text)
        if count is not None:
            what, done, total = count
            step = (what, 10 * done // total if total else 10)
            if step == self._last_step:
                return
            self._last_step = step
        self._target.print(text)


def _count(text: str) -> tuple[str, int, int] | None:
    match = _COUNT.match(text)
    if match is None:
        return None
    return match["what"], int(match["done"].replace(",", "")), int(match["total"].replace(",", ""))
