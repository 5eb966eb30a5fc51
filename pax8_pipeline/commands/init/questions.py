"""How `init` asks a person. A secret is typed unseen; an answer that is there already is kept with Enter.

What is asked is in `variables`.
"""

from __future__ import annotations

import sys
from typing import Protocol

import click

from pax8_pipeline.commands.init.variables import Variable


class Questions(Protocol):
    """Somebody who answers."""

    def value(self, variable: Variable, current: str) -> str:
        """Ask for a value; `current` is kept when the answer is empty."""

    def confirm(self, question: str, *, default: bool) -> bool:
        """Ask yes or no."""


class Terminal:
    """The person at the terminal. Questions go to stderr, so that stdout holds only the result."""

    def value(self, variable: Variable, current: str) -> str:
        """Ask until there is an answer. What is typed for a secret is not shown, nor is the one that is kept."""
        shown = "set; Enter keeps it" if variable.secret else current
        question = f"{variable.question}{f' [{shown}]' if current else ''}"
        answer: str = click.prompt(
            question,
            default=current or None,
            show_default=False,
            hide_input=variable.secret,
            err=True,
            prompt_suffix=": ",
        )
        return answer.strip()

    def confirm(self, question: str, *, default: bool) -> bool:
        """Ask yes or no; Enter takes the default."""
        return click.confirm(question, default=default, err=True)


def terminal() -> Terminal | None:
    """Return the person at the terminal; None when there is nobody, so that no question can wait forever."""
    return Terminal() if sys.stdin.isatty() and sys.stderr.isatty() else None
