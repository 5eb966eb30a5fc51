"""`pax8-pipeline mapping review`: decide suggestions one by one in a terminal, with single keys."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click
from rich.console import Console

from pax8_pipeline.commands.common import console, notify, styled
from pax8_pipeline.commands.mapping.accept import step_in_pax8
from pax8_pipeline.commands.mapping.keys import END, Keys, terminal_keys
from pax8_pipeline.commands.mapping.suggest import find_suggestions
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.mapping.review import Review, candidates_of
from pax8_pipeline.mapping.suggestion import KINDS, Candidate, Kind, Suggestion, shown
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.mapping.tables import KIND_NAMES, money_of
from pax8_pipeline.settings import load_settings
from pax8_pipeline.text.plurals import plural

_KEYS = "a accept 1   2-9 accept that one   s skip   b back\nu undo   / filter   q quit"
_SKIP, _BACK = ("s", "n", "\x1b[B", "\x1b[C", "\x1bOB", "\x1bOC"), ("b", "p", "\x1b[A", "\x1b[D", "\x1bOA", "\x1bOD")
_MOST = 5  # candidates on the screen; the others have a number too


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline mapping review                  all kinds, the most money first\n"
    "  pax8-pipeline mapping review --kind client    one kind\n\n"
    "Keys: a accepts the first candidate, 2 to 9 another one, s skips, b goes back, / filters by text, u undoes, q quits. "
    "Each acceptance is in the file at once: stop whenever you like, and go on later."
)
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only this kind; may be repeated.")
def review(kinds: Sequence[Kind]) -> None:
    """Go through the suggestions in the terminal and accept them with a key."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise PipelineError(
            "a review needs a terminal; without one use `pax8-pipeline mapping suggest --output map.xlsx` and "
            "`pax8-pipeline mapping accept map.xlsx`"
        )
    settings = data_target(load_settings(), notify)
    session = Review(find_suggestions(settings, kinds or KINDS), settings.mappings_path, step_in_pax8)
    out = console()
    with terminal_keys() as keys:
        _go_through(session, out, keys)
    out.print(f"{plural(session.accepted, 'mapping')} accepted, {plural(len(session.remaining), 'suggestion')} left.")
    if session.accepted:
        out.print("Next: pax8-pipeline run --dry-run, then pax8-pipeline mapping check", soft_wrap=True)


def _go_through(session: Review, out: Console, keys: Keys) -> None:
    message = ""
    while session.current is not None or session.filter:
        _draw(session, out, message)
        key = keys.next()
        if key in ("q", "Q", END):
            return
        if key == "/":
            out.print("Only with the text: ", end="")
            session.set_filter(keys.line(lambda text: click.echo(text, nl=False)))
            message = ""
        else:
            message = _press(session, key)


def _press(session: Review, key: str) -> str:
    """Do what a key means; return a message for the next screen."""
    try:
        if key in ("a", "A", "y"):
            return session.accept()
        if key.isdigit():
            return session.accept(int(key))
        if key in ("u", "U"):
            return session.undo()
    except PipelineError as error:
        return str(error)
    if key in _SKIP or key in _BACK:
        session.move(1 if key in _SKIP else -1)
        return ""
    return f"the key {key!r} means nothing here"


def _draw(session: Review, out: Console, message: str) -> None:
    out.clear()
    for line in _screen(session):
        out.print(line, soft_wrap=True)
    if message:
        out.print(styled((message, "yellow")), soft_wrap=True)
    out.print(_KEYS)


def _screen(session: Review) -> Iterator[object]:
    remaining, suggestion = session.remaining, session.current
    only = f", only with '{session.filter}'" if session.filter else ""
    if suggestion is None:
        yield f"No suggestion{only}. Press / and Enter to see all."
        return
    amounts = formatting.amounts(money_of(remaining))
    yield f"Suggestion {session.position} of {len(remaining)} ({amounts} a month{only})"
    yield ""
    subject = suggestion.subject
    yield styled((f"{KIND_NAMES[subject.kind]}: {subject.name}", "bold"))
    yield f"{formatting.known_money(subject.money, subject.currency)} a month, {subject.pax8_id}"
    yield ""
    candidates = candidates_of(suggestion)
    for number, candidate in enumerate(candidates[:_MOST], 1):
        yield from _candidate_lines(number, candidate)
    if len(candidates) > _MOST:
        yield f"... and {len(candidates) - _MOST} less likely: {_others(suggestion)}"
    yield ""


def _candidate_lines(number: int, candidate: Candidate) -> Iterator[object]:
    yield styled((f"{number}  {shown(candidate)}, score {candidate.score}", "bold" if number == 1 else ""))
    yield f"   {'; '.join(candidate.reasons)}"


def _others(suggestion: Suggestion) -> str:
    numbered = list(enumerate(candidates_of(suggestion), 1))[_MOST:]
    return ", ".join(f"{number} {candidate.name}" for number, candidate in numbered)
