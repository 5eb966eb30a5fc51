"""The lint step for retired words finds them where they may not stand, and only there."""

from __future__ import annotations

import pytest

from pax8_pipeline_tests.retired_words import GLOSSARY, RetiredWord, faults, retired_words

WORDS = [RetiredWord("told", "name", "`metadata`"), RetiredWord("anew", "text", "*again*")]


@pytest.mark.parametrize(
    ("path", "content", "found"),
    [
        ("a.py", "told = 1\n", 1),
        ("a.py", "x = 'told'  # what he told\n", 0),
        ("a.py", "untold = thing.told\n", 1),
        ("a.py", '"""Reads it Anew."""\n# anew\nanew = 1\n', 2),
        ("a.sql", "WITH told AS (SELECT 'told') FROM told -- told\n", 2),
        ("a.sql", "SELECT 1 AS anew -- made anew\n", 1),
        ("a.md", "Read it anew, not `anew`.\n", 1),
        ("a.md", "It is told.\n", 0),
    ],
)
def test_a_retired_word_is_found_by_its_kind(path: str, content: str, found: int) -> None:
    assert len(list(faults(path, content, WORDS))) == found


def test_a_fault_names_place_word_and_remedy() -> None:
    assert list(faults("a.py", "x = 1\ntold = x\n", WORDS)) == ["a.py:2: the name `told` is retired; write `metadata`"]


def test_the_glossary_has_the_table_and_no_word_twice() -> None:
    text = GLOSSARY.read_text(encoding="utf-8")
    assert len(retired_words(text)) > 10
    with pytest.raises(ValueError, match="missing"):
        retired_words("# Glossary\n")
    with pytest.raises(ValueError, match="twice"):
        retired_words("| `told` | name | `x` |\n| `told` | name | `y` |\n")
