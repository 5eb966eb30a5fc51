"""The commands that README and the documents show, taken apart: which page, which variables, which words.

Contains: reading fenced `sh` blocks and inline code. Does not contain: running them (`e2e/test_clean_run.py`), judging
them (`test_documents.py`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from pax8_pipeline.cli import root

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "pax8-pipeline"
# How a command of this program is called in a container, and as its user. The image's entry point names the program.
_COMPOSE = ("docker", "compose", "-f", "deploy/compose.yaml")
_CALLS = (
    (*_COMPOSE, "exec", PROGRAM, PROGRAM),
    (*_COMPOSE, "run", "--rm", PROGRAM),
    ("sudo", "-u", PROGRAM, f".venv/bin/{PROGRAM}"),
)


@dataclass(frozen=True)
class Shown:
    """One command line as a page shows it."""

    page: str
    text: str
    variables: dict[str, str]
    words: tuple[str, ...]  # without the variables in front


def pages() -> list[Path]:
    """Return README and every document."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def in_blocks() -> Iterator[Shown]:
    """Give each line of each `sh` block, also of one in a list."""
    for page in pages():
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL):
            yield from (_shown(page, line) for line in block.splitlines() if line.strip())


def inline() -> Iterator[Shown]:
    """Give each mention of this program's commands in running text: perhaps without its arguments."""
    for page in pages():
        text = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for code in re.findall(r"`([^`\n]+)`", text):
            if re.match(rf"(?:[A-Z0-9_]+=\S+ )*{PROGRAM}(?: |$)", code):
                yield _shown(page, code)


def _shown(page: Path, text: str) -> Shown:
    words = shlex.split(re.sub(r"\$\([^)]*\)", "VALUE", text), comments=True)
    variables: dict[str, str] = {}
    while words and (match := re.fullmatch(r"([A-Z0-9_]+)=(.*)", words[0])):
        variables[match[1]] = match[2]
        del words[0]
    return Shown(str(page.relative_to(ROOT)), text, variables, _called(tuple(words)))


def _called(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a call in a container or as another user as if they were typed without that."""
    for call in _CALLS:
        if words[: len(call)] == call:
            return (PROGRAM, *words[len(call) :])
    return words


def _without_options_of_all(words: tuple[str, ...]) -> list[str]:
    """Return the words without the options that every command takes: --debug, and --tenant NAME in any place."""
    rest = [word for word in words if word != "--debug"]
    if "--tenant" in rest:
        place = rest.index("--tenant")
        del rest[place : place + 2]
    return rest


def resolved(words: tuple[str, ...]) -> tuple[click.Command, click.Context, list[str]]:
    """Return the command that words name and what is left of them; UsageError for a command that is not there."""
    command: click.Command = root
    # With the program's own settings: click keeps the help option that it makes first.
    context = click.Context(root, info_name=words[0], **root.context_settings)
    rest = _without_options_of_all(words[1:])
    while isinstance(command, click.Group):
        if not rest:
            return command, context, rest
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    return command, context, rest
