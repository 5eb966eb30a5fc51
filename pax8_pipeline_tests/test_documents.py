"""What the documents and the code say about each other exists: pages, anchors, links, modules, commands.

docs/vendors/halo.md#lists, #writing      in code: two anchors of one page
[lists](vendors/halo.md#lists)            in a document
`pax8_pipeline/billing/planning/planner.py`           in a document: a path of this repository
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pax8_pipeline.cli import COMMANDS
from pax8_pipeline_tests import shown_commands
from pax8_pipeline_tests.shown_commands import ROOT, Shown, pages, resolved
from pax8_pipeline_tests.support.openapi import DEVIATIONS
from pax8_pipeline_tests.support.pictures import LIMIT

DOCS = ROOT / "docs"
CODE = ("pax8_pipeline", "pax8_pipeline_tests")
KINDS = (".py", ".sql", ".md", ".yaml", ".toml", ".csv", ".j2", ".html")
TOP = (
    ".env.example", ".ci/run", "Makefile", "README.md", "dagster.yaml", "pyproject.toml", "workspace.yaml",
    "data/policy.yaml", "data/acknowledged.csv", "data/mappings/clients.csv",
)  # fmt: skip
# Papers that were beside the repository when the code was written. A clone does not have them.
NOT_HERE = re.compile(
    r"\bapi/(?:halo|pax8)\b|\b(?:DESIGN|DAGSTER|HOUSE|SAFETY|FIELD|STYLE|UX)\.md|\.\./shared|[( ]sections? \d"
)
CITATION = re.compile(r"docs/[\w/-]+\.md(?:#[\w-]+)?(?:, #[\w-]+)*")
LINK = re.compile(r"\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")
OWN_PATH = re.compile(r"`((?:pax8_pipeline|pax8_pipeline_tests)/[\w./-]*)`")


def code_files() -> Iterator[Path]:
    for room in CODE:
        yield from (p for p in sorted((ROOT / room).rglob("*")) if p.suffix in KINDS)
    yield from (ROOT / name for name in TOP)


@functools.cache
def anchors(page: Path) -> set[str]:
    """Return what may stand after `#`: explicit anchors, and headings as GitHub names them."""
    text = page.read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return set(re.findall(r'<a id="([\w-]+)"></a>', text)) | {
        re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


def unwrapped(text: str) -> str:
    """Join the lines of comments and docstrings, so that a citation may be broken after a comma."""
    return re.sub(r"\n[ \t]*(?:# |-- )?", " ", text)


def missing(page: Path, wanted: list[str]) -> list[str]:
    if not page.is_file():
        return [f"{page} is no file"]
    return [f"{page.relative_to(ROOT)} has no anchor {name}" for name in wanted if name not in anchors(page)]


def test_every_citation_in_code_names_a_page_and_an_anchor_that_exist() -> None:
    wrong, found = [], 0
    for path in code_files():
        for citation in CITATION.findall(unwrapped(path.read_text(errors="replace"))):
            found += 1
            page = ROOT / re.split("[#,]", citation)[0]
            problems = missing(page, re.findall(r"#([\w-]+)", citation))
            wrong += [f"{path.relative_to(ROOT)}: {problem}" for problem in problems]
    assert not wrong
    assert found > 100  # the pattern still finds them


def test_every_deviation_of_pax8_names_a_section() -> None:
    page = DOCS / "vendors" / "pax8.md"
    named = [re.match(r"#([\w-]+)", deviation.reference) for deviation in DEVIATIONS["pax8-partner"]]
    assert all(named)
    assert not missing(page, [match[1] for match in named if match])


def test_nothing_cites_a_paper_that_a_clone_does_not_have() -> None:
    own = Path(__file__).resolve()
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in [*code_files(), *pages()]
        if path != own
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if NOT_HERE.search(line) and "RFC" not in line
    ]
    assert not found


def test_every_link_in_a_document_leads_somewhere() -> None:
    wrong = []
    for page in pages():
        for link in (a or b for a, b in LINK.findall(page.read_text())):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists():
                wrong.append(f"{page.relative_to(ROOT)}: {link}: no such file")
            elif anchor:
                wrong += [f"{page.relative_to(ROOT)}: {problem}" for problem in missing(target, [anchor])]
    assert not wrong


def test_every_path_of_this_repository_in_a_document_exists() -> None:
    wrong = [
        f"{page.relative_to(ROOT)}: {path}"
        for page in pages()
        for path in OWN_PATH.findall(page.read_text())
        if not (ROOT / path).exists()
    ]
    assert not wrong


@pytest.mark.parametrize("shown", list(shown_commands.in_blocks()), ids=lambda shown: f"{shown.page}: {shown.text}")
def test_a_command_in_a_block_is_one_that_can_be_typed(shown: Shown) -> None:
    program, *arguments = shown.words
    if program == "pax8-pipeline":
        command, context, rest = resolved(shown.words)
        assert not isinstance(command, click.Group)
        command.make_context(context.info_name, rest, parent=context.parent)  # raises for what is wrong or missing
    elif program == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert {word for word in arguments if "=" not in word} <= set(targets)
    else:
        assert program in ("cp", "source", "sudo", "docker")  # of the last two see test_deploy.py
    listed = (ROOT / ".env.example").read_text()
    assert [name for name in shown.variables if f"{name}=" not in listed] == []


def test_a_command_named_in_running_text_has_these_options() -> None:
    wrong, found = [], 0
    for shown in shown_commands.inline():
        found += 1
        try:
            command, context, rest = resolved(shown.words)
            command.make_parser(context).parse_args(rest)
        except click.NoSuchOption as error:
            wrong.append(f"{shown.page}: {shown.text}: {error.format_message()}")
        except click.BadArgumentUsage:
            pass  # a mention may leave the arguments out
        except click.exceptions.Exit:
            pass  # --help and --version are there, and end a command at once
        except click.UsageError as error:
            wrong.append(f"{shown.page}: {shown.text}: {error.format_message()}")
    assert not wrong
    assert found > 20


def test_every_command_is_shown_somewhere() -> None:
    shown = {
        s.words[1]
        for s in (*shown_commands.in_blocks(), *shown_commands.inline())
        if s.words[0] == "pax8-pipeline" and s.words[1:]
    }
    assert set(COMMANDS) - shown == set()


def test_the_layers_in_the_architecture_page_are_those_that_lint_checks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = next(c["layers"] for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    page = (DOCS / "architecture.md").read_text()
    shown = re.search(r'id="layers".*?```text\n(.*?)```', page, re.DOTALL)
    assert shown
    assert [" ".join(layer.split()) for layer in shown[1].split(">")] == layers


def test_every_picture_is_small_and_shown_in_a_document() -> None:
    pictures = sorted((DOCS / "pictures").iterdir())
    shown = "".join(page.read_text() for page in (ROOT / "README.md", *DOCS.rglob("*.md")))
    assert [p.name for p in pictures if f"pictures/{p.name}" not in shown or p.stat().st_size > LIMIT] == []
    assert len(pictures) > 8
