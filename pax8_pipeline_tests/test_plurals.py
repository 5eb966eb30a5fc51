"""No sentence for people says `1 changes`: a number and its noun come from `text.plurals`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pax8_pipeline

ROOT = Path(pax8_pipeline.__file__).parent
NOUNS = re.compile(
    r"^ (?:(?:Pax8|Halo|usage|other|charged) )?"
    r"(changes|writes|subscriptions|companies|licences|charges|approvals|plans|findings|checks|runs|entries|keys|objects|requests)\b(?! it\b)"
)


def counted_by_hand() -> Iterator[str]:
    """Each f-string with a value directly before a noun in the plural, as file, line and noun."""
    for path in sorted(ROOT.rglob("*.py")):
        if path.is_relative_to(ROOT / "sandbox"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.JoinedStr):
                continue
            for value, text in zip(node.values, node.values[1:], strict=False):
                noun = NOUNS.match(str(text.value)) if isinstance(text, ast.Constant) else None
                if isinstance(value, ast.FormattedValue) and noun:
                    yield f"{path.relative_to(ROOT)}, line {node.lineno}: {noun[1]}"


def test_a_number_before_a_noun_comes_with_the_right_form() -> None:
    assert list(counted_by_hand()) == []
