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

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "pax8-pipeline"


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
    """Give each line of each `sh` block."""
    for page in pages():
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            yield from (_shown(page, line) for line in block.splitlines() if line.strip())


def inline() -> Iterator[Shown]:
    """Give each mention of this program's commands in running text: perhaps without its arguments."""
    for page in pages():
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for code in re.findall(r"`([^`\n]+)`", text):
            if re.match(rf"(?:[A-Z0-9_]+=\S+ )*{PROGRAM}(?: |$)", code):
                yield _shown(page, code)


def _shown(page: Path, text: str) -> Shown:
    words = shlex.split(re.sub(r"\$\([^)]*\)", "VALUE", text), comments=True)
    variables: dict[str, str] = {}
    while words and (match := re.fullmatch(r"([A-Z0-9_]+)=(.*)", words[0])):
        variables[match[1]] = match[2]
        del words[0]
    return Shown(str(page.relative_to(ROOT)), text, variables, tuple(words))
