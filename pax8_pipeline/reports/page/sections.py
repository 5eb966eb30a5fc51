"""What every page is made of: sections with sentences, tables and facts; and the page around them, with its style and script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from pax8_pipeline.reports import rendering
from pax8_pipeline.reports.table import Table

MOST_ROWS = 500


@dataclass(frozen=True)
class Section:
    """One section of the page: a heading, sentences, a chart, tables and facts, each of them if there are any."""

    id: str
    title: str
    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()
    chart: Markup | None = None
    facts: Sequence[tuple[str, str]] = ()
    new_page: bool = False

    def with_rows(self) -> Section:
        """Return the section without its empty tables; a section without anything says so."""
        shown = [table for table in self.tables if table.rows]
        nothing = () if shown or self.sentences or self.facts else ("Nothing.",)
        return replace(self, sentences=(*self.sentences, *nothing), tables=shown)


def render_page(
    template: str, tiles: Sequence[Any], sections: Sequence[Section], limit: int = MOST_ROWS, **values: Any
) -> str:
    """Return a template that extends `_page.html.j2`, with its style and script inside. `limit`: rows of a table that are
    shown; `values`: what the template itself names, among them `more`, the place of the other rows.
    """
    style, script = rendering.asset("style.css"), rendering.asset("script.js")
    return rendering.render(
        template,
        tiles=tiles,
        sections=sections,
        limit=limit,
        style=Markup(style),  # noqa: S704 - files of this product, without anything from outside
        script=Markup(script),  # noqa: S704 - as above
        style_hash=_hash(style),
        script_hash=_hash(script),
        **values,
    )


def _hash(text: str) -> str:
    """Return what the page's Content-Security-Policy names: nothing but this text may run."""
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
