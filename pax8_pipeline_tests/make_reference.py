"""Writes docs/reference from the code: policy keys, verdicts, checks, commands, environment variables.

    python -m pax8_pipeline_tests.make_reference

It also copies the files that an operator starts from into the package, for `pax8-pipeline init`.

Contains: reading what the code states, and laying it out as Markdown. Does not contain: any text of its own about a key or
a command; that stands beside the key (data/policy.yaml, .env.example, `billing/verdicts.csv`, the check, the command).
A test compares the files with what this makes.
"""

from __future__ import annotations

import copy
import re
import textwrap
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import click
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pax8_pipeline.billing.verdicts import HALO_VERDICTS, NEW_VERDICTS, USAGE_VERDICTS, VERDICTS, Verdict, check_of
from pax8_pipeline.cli import root
from pax8_pipeline.orchestration.checks.registry import CHECKS
from pax8_pipeline.settings import Policy

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
TEMPLATES = ROOT / "pax8_pipeline" / "settings" / "templates"
_NOTE = "<!-- Made by `python -m pax8_pipeline_tests.make_reference`. Do not edit. -->"
CLASS_WORDS = {"safe": "changes", "needs_approval": "waits", "blocked": "held back", "no_op": "fine"}
_WIDTH = 110


def reference() -> dict[str, str]:
    """Return every page of docs/reference by its file name."""
    pages = {
        "policy.md": policy(),
        "verdicts.md": verdicts(),
        "checks.md": checks(),
        "commands.md": commands(),
        "environment.md": environment(),
    }
    return {name: "\n".join([_NOTE, *lines]).rstrip() + "\n" for name, lines in pages.items()}


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(' '.join(cell.split()).replace('|', '/') for cell in cells)} |"

    heads = list(headings)
    return [line(heads), f"|{'---|' * len(heads)}", *map(line, rows), ""]


# Policy


def comments(text: str) -> dict[tuple[str, ...], str]:
    """Return what policy.yaml says of each key: the comment behind it, else the comment lines right above it."""
    found: dict[tuple[str, ...], str] = {}
    path: list[tuple[int, str]] = []
    above: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            above.append(line.strip().lstrip("# "))
            continue
        match = re.match(r"( *)(\w+):(?:[^#]*?)(?:\s# (.*))?$", line)
        if match:
            indent = len(match[1])
            path = [(depth, name) for depth, name in path if depth < indent] + [(indent, match[2])]
            found[tuple(name for _, name in path)] = (match[3] or " ".join(above)).strip()
        above = []
    return found


def _leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo, Any]]:
    defaults = model()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _leaves(kind, (*path, name))
        else:
            yield (*path, name), field, getattr(defaults, name)


def _allowed(kind: Any, field: FieldInfo | None = None) -> str:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        words = dict.fromkeys(_allowed(part) for part in get_args(kind) if part is not type(None))
        text = " or ".join(words)
    elif origin is Literal:
        text = ", ".join(f"`{choice}`" for choice in get_args(kind))
    elif origin is tuple:
        text = f"list of {_allowed(get_args(kind)[0])}"
    elif origin is dict:
        text = "by id"
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        text = "limits as above"
    else:
        text = _words_of(kind)
    bounds = {type(part).__name__: part for part in (field.metadata if field else ())}
    low, high = getattr(bounds.get("Ge"), "ge", None), getattr(bounds.get("Le"), "le", None)
    if low is not None and high is not None:
        text += f", {low} to {high}"
    elif low is not None:
        text += f", {low} or more"
    return text


def _words_of(kind: Any) -> str:
    inner = get_args(kind)[0] if get_args(kind) else kind
    return {int: "whole number", Decimal: "number", bool: "`true`, `false`", str: "text"}.get(inner, "text")


def _default(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, (tuple, list)):
        return ", ".join(f"`{part}`" for part in value) or "none"
    return "none" if value == {} else f"`{value}`"


def policy() -> list[str]:
    """Lay out every key of data/policy.yaml by its section."""
    text = (ROOT / "data" / "policy.yaml").read_text()
    meanings, stated = comments(text), yaml.safe_load(text)
    sections: dict[str, list[list[str]]] = {}
    for path, field, default in _leaves(Policy):
        section = path[0] if len(path) > 1 else ""
        meaning = meanings.get(path) or meanings.get(("guardrails", "run", path[-1]), "")
        sections.setdefault(section, []).append(
            [f"`{'.'.join(path)}`", _default(default), _allowed(field.annotation, field), meaning]
        )
    lines = [
        "# Policy keys",
        "",
        "What `data/policy.yaml` may say. A missing key is its default, an unknown one an error.",
        "",
    ]
    for section in ["", *(name for name in stated if name in sections)]:
        if section:
            lines += [f"## {section}", "", *textwrap.wrap(_sentence(meanings.get((section,), "")), _WIDTH), ""]
        lines += _table(("key", "default", "allowed", "meaning"), sections[section])
    return lines


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") or not text else ".")


# Verdicts and checks


def verdicts() -> list[str]:
    """Lay out the three tables of verdicts."""
    lines = [
        "# Verdicts", "",
        "Every subscription gets one verdict in each run. What it leads to:", "",
        *_table(("so", "class in a plan", "meaning"), [
            (CLASS_WORDS["safe"], "`safe`", "it is written, if trust and guardrails allow"),
            (CLASS_WORDS["needs_approval"], "`needs_approval`", "an operator decides"),
            (CLASS_WORDS["blocked"], "`blocked`", "it is reported with its money and never written"),
            (CLASS_WORDS["no_op"], "`no_op`", "nothing is needed"),
        ]),
        "The check of a verdict lists its rows with their money and what to do ([checks](checks.md)).", "",
    ]  # fmt: skip
    parts: tuple[tuple[str, tuple[Verdict, ...]], ...] = (
        ("Of a subscription", VERDICTS),
        ("Of something in Halo that no subscription stands for", HALO_VERDICTS),
        ("Of what may be made in Halo ([new subscriptions](../new-subscriptions.md))", NEW_VERDICTS),
        ("Of usage: of a company's month, or of a group of charges that is left out", USAGE_VERDICTS),
    )
    for heading, part in parts:
        rows = [
            (f"`{v.name}`", CLASS_WORDS[v.cls], v.sentence, f"`{check_of(v.name)}`" if check_of(v.name) else "")
            for v in part
        ]
        lines += [f"## {heading}", "", *_table(("verdict", "so", "meaning", "check"), rows)]
    return lines


def _stops(blocking: bool, critical: bool) -> str:
    return "the run" if blocking else "its subject" if critical else ""


def checks() -> list[str]:
    """Lay out every check once, with the tables it is on."""
    by_name: dict[str, list[Any]] = {}
    for rule in CHECKS:
        by_name.setdefault(rule.name, []).append(rule)
    rows = []
    for name, rules in by_name.items():
        stopping: dict[str, list[str]] = {}
        for rule in rules:
            stopping.setdefault(_stops(rule.blocking, rule.critical), []).append(f"`{rule.table}`")
        for stops, tables in stopping.items():
            rows.append((f"`{name}`", stops, rules[0].about, ", ".join(tables)))
    return [
        "# Checks", "",
        "Each check shows its rows and their money on the page of its asset in the UI. A check that stops *the run* keeps everything that",
        "depends on it from being made, also the writes. One that stops *its subject* holds back what it is about (all seats, or all usage)",
        "and the rest goes on. In both cases the run ends with exit code 3. The others warn.", "",
        *_table(("check", "stops", "what is so when it passes", "on"), rows),
    ]  # fmt: skip


# Commands


def each_command(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[str, click.Command, str]]:
    """Give every command below `command` with its full name and its --help."""
    # Click keeps the help option of a command's first use, whatever its context says later: begin with a fresh one.
    command = copy.copy(command)
    command._help_option = None
    context = click.Context(
        command, info_name=name.split()[-1], parent=parent, terminal_width=_WIDTH, max_content_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )  # fmt: skip
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from each_command(found, f"{name} {inner}", context)
    else:
        yield name, command, command.get_help(context)


def commands() -> list[str]:
    """Lay out --help of every command."""
    lines = [
        "# Commands", "",
        "What `--help` prints. `pax8-pipeline --debug run` (or any other command) shows the stack trace of an error. Without credentials every command works",
        "on the sandbox and says so. Exit codes: see [operating](../operating.md#exit-codes).", "",
    ]  # fmt: skip
    for name, _, text in each_command(root, "pax8-pipeline"):
        lines += [f"## {name}", "", "```text", *(line.rstrip() for line in text.splitlines()), "```", ""]
    return lines


# Environment


def environment() -> list[str]:
    """Lay out .env.example: each block of comments with the variables below it."""
    rows: list[tuple[str, str, str]] = []
    for block in (ROOT / ".env.example").read_text().split("\n\n"):
        about = " ".join(line.lstrip("# ") for line in block.splitlines() if not re.match(r"(# )?[A-Z0-9_]+=", line))
        named = re.findall(r"^(# )?([A-Z0-9_]+)=(.*)$", block, re.MULTILINE)
        seen: dict[str, str] = {}
        for _, name, value in named:
            seen[name] = seen.get(name) or value
        rows += [(f"`{name}`", f"`{value}`" if value else "", about) for name, value in seen.items()]
    return [
        "# Environment variables", "",
        "They come from the environment or from `.env` beside the Makefile (copy `.env.example`); a variable of the environment wins.",
        "With no credential set, every command works on the sandbox.", "",
        *_table(("variable", "default or example", "meaning"), rows),
    ]  # fmt: skip


def templates() -> dict[str, str]:
    """Return the files that `pax8-pipeline init` starts from, by their path in the package: copies of those here."""
    originals = {"env.example": ROOT / ".env.example"}
    originals |= {name: ROOT / "data" / name for name in ("policy.yaml", "acknowledged.csv")}
    originals |= {f"mappings/{path.name}": path for path in (ROOT / "data" / "mappings").glob("*.csv")}
    return {name: path.read_text() for name, path in originals.items()}


def main() -> None:
    """Write every page, and the copies of the operator's files."""
    for folder, files in ((REFERENCE, reference()), (TEMPLATES, templates())):
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)


if __name__ == "__main__":
    main()
