"""Renders the templates of `templates/`: HTML and Markdown in which text from outside is always escaped.

Contains: the two Jinja environments and their filters. Does not contain: what a page shows (the templates), figures.
Vendors' names are untrusted: in HTML every value is escaped by Jinja, in Markdown every value goes through
`plaintext.markdown`, and in both a character that steers or hides is written out. Only a `Markup` value is taken as it is.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pax8_pipeline.reports import formatting, table
from pax8_pipeline.text import plaintext
from pax8_pipeline.text.plurals import plural

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = "templates"
_COMMAND = re.compile("`([^`]+)`")


def render(template: str, **values: Any) -> str:
    """Return a template, `name.html.j2`, `name.svg.j2` or `name.md.j2`, filled with values.

    Raises jinja2.UndefinedError for a value that the template names and nobody gave.
    """
    return _environment(markdown=template.endswith(".md.j2")).get_template(template).render(**values)


def asset(name: str) -> str:
    """Return the text of a file beside the templates, such as a style sheet."""
    return files("pax8_pipeline.reports").joinpath(TEMPLATES, name).read_text(encoding="utf-8")


def _commands(text: str) -> Markup:
    """Return a text of ours as HTML, with its `commands` marked as code."""
    from markupsafe import Markup, escape

    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


@cache
def _environment(*, markdown: bool) -> Environment:
    # Imported here: a command that renders nothing does not pay for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    # S704 below: plaintext.markdown and table.markdown have escaped what comes from outside. Escaped as HTML too, a person
    # would see the escapes.
    def markdown_value(value: Any) -> Any:
        return value if isinstance(value, Markup) else Markup(plaintext.markdown(formatting.plain(value)))  # noqa: S704 - escaped there

    def html_value(value: Any) -> Any:
        return value if isinstance(value, Markup) else plaintext.show_hidden(formatting.plain(value))

    environment = Environment(
        loader=PackageLoader("pax8_pipeline.reports", TEMPLATES),
        autoescape=True,
        finalize=markdown_value if markdown else html_value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters.update(
        money=formatting.money,
        known_money=formatting.known_money,
        amounts=formatting.amounts,
        percent=formatting.percent,
        count=formatting.count,
        plural=plural,
        day=formatting.day,
        month_name=formatting.month_name,
        moment=formatting.moment,
        own_words=Markup,
        commands=_commands,
        markdown_table=lambda *arguments, **options: Markup(table.markdown(*arguments, **options)),  # noqa: S704 - each cell is escaped
    )
    return environment
