"""Finds words that the project no longer uses; the table in docs/glossary.md names them. `make lint` runs it.

A word of kind `name` may not be the name of a class, function, variable or column. A word of kind `text` may not stand
in a document, a comment, a docstring or a message.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
_ROW = re.compile(r"^\| `([^`]+)` \| (name|text) \| (.+?) \|$")
_SQL_TEXT = re.compile(r"/\*.*?\*/|--[^\n]*|'(?:[^']|'')*'", re.DOTALL)
_FOLDERS = ("pax8_pipeline/", "pax8_pipeline_tests/", "docs/")


@dataclass(frozen=True)
class RetiredWord:
    """One word that is not used any more, what it may not be (`name` or `text`), and what to write instead."""

    word: str
    kind: str
    instead: str


def retired_words(glossary: str) -> list[RetiredWord]:
    """Return the words of the glossary's table. Raises ValueError when the table is gone or names a word twice."""
    found = [RetiredWord(*match.groups()) for line in glossary.splitlines() if (match := _ROW.match(line))]
    names = [(word.word, word.kind) for word in found]
    if not found or len(set(names)) < len(names):
        raise ValueError(f"{GLOSSARY.name}: the table of retired words is missing or names a word twice")
    return found


def faults(path: str, content: str, words: list[RetiredWord]) -> Iterator[str]:
    """Yield one line for each retired word in a file: place, word, what to write instead."""
    names = {word.word: word for word in words if word.kind == "name"}
    texts = [(word, re.compile(rf"\b{re.escape(word.word)}\b", re.IGNORECASE)) for word in words if word.kind == "text"]
    for number, name in _names(path, content):
        if name in names:
            yield f"{path}:{number}: the name `{name}` is retired; write {names[name].instead}"
    for number, text in _texts(path, content):
        for word, pattern in texts:
            if pattern.search(text):
                yield f'{path}:{number}: the word "{word.word}" is retired; write {word.instead}'


def _names(path: str, content: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each name in a Python or SQL file."""
    if path.endswith(".py"):
        for token in tokenize.generate_tokens(io.StringIO(content).readline):
            if token.type == tokenize.NAME:
                yield token.start[0], token.string
    elif path.endswith(".sql"):
        for number, line in enumerate(_SQL_TEXT.sub(_line_breaks, content).splitlines(), 1):
            yield from ((number, name) for name in re.findall(r"\w+", line))


def _line_breaks(text: re.Match[str]) -> str:
    """Return only the line breaks of a comment, so that the lines after it keep their numbers."""
    return "\n" * text[0].count("\n")


def _texts(path: str, content: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each comment and string, or each line of a document."""
    if path.endswith(".py"):
        for token in tokenize.generate_tokens(io.StringIO(content).readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                yield from enumerate(token.string.splitlines(), token.start[0])
    elif path.endswith(".sql"):
        for match in _SQL_TEXT.finditer(content):
            yield content[: match.start()].count("\n") + 1, match[0]
    else:
        # What stands in backticks is a name of the code or a command, and is looked for there.
        yield from ((n, re.sub(r"`[^`]*`", "", line)) for n, line in enumerate(content.splitlines(), 1))


def tracked_files() -> list[str]:
    """Return the project's own Python, SQL and Markdown files, relative to the checkout."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    own = [path for path in listed if path.startswith(_FOLDERS) or path == "README.md"]
    return [path for path in own if path.endswith((".py", ".sql", ".md")) and (ROOT / path).exists()]


def main() -> int:
    """Print every use of a retired word; return 1 when there is any."""
    words = retired_words(GLOSSARY.read_text(encoding="utf-8"))
    found: list[str] = []
    for path in tracked_files():
        if path in ("docs/glossary.md", "pax8_pipeline_tests/test_retired_words.py"):
            continue
        found += faults(path, (ROOT / path).read_text(encoding="utf-8"), words)
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
