"""Text from outside is data: no name is obeyed by a terminal, Markdown, a spreadsheet or HTML, and none is lost."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from markdown_it import MarkdownIt
from rich.table import Table

from pax8_pipeline.commands.common import PlainConsole, styled
from pax8_pipeline.text.plaintext import csv_cell, markdown, one_line, show_hidden
from pax8_pipeline.warehouse.models import load_sql

# As a vendor may send it -> as a person sees it.
NAMES = {
    "Acme [/UK] Ltd": "Acme [/UK] Ltd",
    "Office [edu]": "Office [edu]",
    "Office [gov]": "Office [gov]",
    "[bold red]Acme[/]": "[bold red]Acme[/]",
    "Acme :warning: Ltd": "Acme :warning: Ltd",
    "back\\slash \\[x]": "back\\slash \\[x]",
    "\x1b[31mred\x1b[0m": "<U+001B>[31mred<U+001B>[0m",
    "\x1b]0;title\x07": "<U+001B>]0;title<U+0007>",
    "C1 \x9b31m": "C1 <U+009B>31m",
    "del\x7f\x08": "del<U+007F><U+0008>",
    "bidi \u202etxt.exe\u2066x\u2069": "bidi <U+202E>txt.exe<U+2066>x<U+2069>",
    "zero\u200bwidth\ufeff": "zero<U+200B>width<U+FEFF>",
    "tag\U000e0041": "tag<U+E0041>",
    "two\r\nlines\tand a tab\n": "two lines and a tab",
    "a | b || c": "a | b || c",
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>": "<img src=x onerror=alert(1)>",
    "[click](https://evil.example) ![x](y)": "[click](https://evil.example) ![x](y)",
    "`code` *star* _under_ ~~gone~~ **b**": "`code` *star* _under_ ~~gone~~ **b**",
    "# heading": "# heading",
    "1. list": "1. list",
    "- item": "- item",
    "> quote": "> quote",
    "=== ": "===",
    "&lt;b&gt; AT&T &#65;": "&lt;b&gt; AT&T &#65;",
    '=HYPERLINK("x")': '=HYPERLINK("x")',
    "+1 800 555": "+1 800 555",
    "-2+3": "-2+3",
    "@SUM(1)": "@SUM(1)",
    "\t=1+1": "=1+1",
    "\r=1+1": "=1+1",
    "  =1+1": "=1+1",
    "'; DROP TABLE x; --": "'; DROP TABLE x; --",
    "Zażółć 株式会社 O'Neil & Sons": "Zażółć 株式会社 O'Neil & Sons",
    "unmatched_company": "unmatched_company",
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute("CREATE SCHEMA meta")
        made.execute(load_sql("warehouse/sql/functions.sql"))
        yield made


@pytest.mark.parametrize("sent", NAMES)
def test_staging_shows_what_steers_and_hides(sent: str, connection: duckdb.DuckDBPyConnection) -> None:
    ((seen,),) = connection.execute("SELECT meta.clean(?::VARCHAR)", [sent]).fetchall()
    assert seen == NAMES[sent] == one_line(sent)


def test_no_two_texts_become_equal_in_staging(connection: duckdb.DuckDBPyConnection) -> None:
    alike = ["abc", "a\u200bbc", "a\u200cbc", "abc\n", "a\x00bc", "abc\ufeff"]
    seen = {connection.execute("SELECT meta.txt(?::VARCHAR)", [text]).fetchall()[0][0] for text in alike}
    assert len(seen) == len(alike)


@pytest.mark.parametrize("sent", NAMES)
@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_shows_the_text_and_obeys_nothing(sent: str, terminal: bool) -> None:
    out = io.StringIO()
    console = PlainConsole(file=out, width=200, force_terminal=terminal, color_system=None)
    table = Table()
    table.add_column(one_line(sent))
    table.add_row(one_line(sent))
    console.print(sent, soft_wrap=True)
    console.print(styled(("red", "red"), sent), soft_wrap=True)
    console.print(table)
    printed = out.getvalue()
    assert not set(printed) & {"\x1b", "\x07", "\x9b", "\x7f", "\x08", "\u202e", "\u200b", "\ufeff", "\r", "\t"}
    assert printed.count(NAMES[sent].split(" ")[-1]) >= 4


@pytest.mark.parametrize("sent", NAMES)
def test_markdown_shows_the_text_in_a_table_and_alone(sent: str) -> None:
    renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    cell = renderer.render(f"| a | b |\n|---|---|\n| {markdown(sent)} | next |")
    shown = cell.split("<td>")[1].split("</td>")[0]
    assert html.unescape(shown) == NAMES[sent]
    assert "<td>next</td>" in cell
    assert "<script" not in cell
    assert "<img" not in cell
    alone = renderer.render(markdown(sent)).strip()
    assert html.unescape(alone.removeprefix("<p>").removesuffix("</p>")) == NAMES[sent]


@pytest.mark.parametrize("sent", NAMES)
def test_a_spreadsheet_runs_nothing(sent: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([csv_cell(sent), csv_cell(one_line(sent))])
    for cell in next(csv.reader(io.StringIO(out.getvalue(), newline=""))):
        assert cell.lstrip()[:1] not in ("=", "+", "-", "@", "\t", "\r")


def test_a_file_that_ends_in_many_lines_keeps_them() -> None:
    assert show_hidden("one\ntwo\x1b[2J") == "one\ntwo<U+001B>[2J"


def test_no_module_prints_markup() -> None:
    """A terminal is written to by `PlainConsole`, click or not at all."""
    root = Path(__file__).resolve().parents[1] / "pax8_pipeline"
    for path in root.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for forbidden in ("markup=True", "Text.from_markup", "rich.print", "[/]", "[red]", "[bold"):
            assert forbidden not in text, f"{path}: {forbidden}"
        if path.name != "common.py":
            assert " Console(" not in text, path
