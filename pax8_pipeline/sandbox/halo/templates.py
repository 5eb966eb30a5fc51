"""What a row of Halo looks like, by kind: what the store holds at first, and what an answer shows beside it.

It reads `templates.json`, which has names and empty values and no rule. Member names and types:
`pax8_pipeline_tests/sandbox/api_facts/halo.json`; meaning: docs/vendors/halo.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from pax8_pipeline.sandbox.halo.rows import Row
from pax8_pipeline.text import jsontext


@dataclass(frozen=True)
class Template:
    """One kind of row: its stored members with their first values, members of a real answer that nothing here uses
    (`decoration`), and the names of those that Halo computes itself, so that values from a caller are ignored.
    """

    stored: Row
    decoration: Row
    computed: frozenset[str]

    @cached_property
    def members(self) -> Row:
        """All members with a value of their type."""
        return {**self.decoration, **self.stored}


def _read() -> dict[str, Template]:
    kinds = jsontext.loads(files(__package__).joinpath("templates.json").read_bytes())
    return {
        kind: Template(parts["stored"], parts.get("decoration", {}), frozenset(parts.get("computed", ())))
        for kind, parts in kinds.items()
    }


_TEMPLATES = _read()
CLIENT = _TEMPLATES["client"]
LICENCE = _TEMPLATES["licence"]
ITEM = _TEMPLATES["item"]
EXTERNAL_LINK = _TEMPLATES["external_link"]
CUSTOM_FIELD = _TEMPLATES["custom_field"]
CONTRACT = _TEMPLATES["contract"]
SUPPLIER = _TEMPLATES["supplier"]
PAX8_DETAILS = _TEMPLATES["pax8_details"]
HEADER = _TEMPLATES["header"]
LINE = _TEMPLATES["line"]
QUANTITY = _TEMPLATES["quantity"]
PRORATA = _TEMPLATES["prorata"]
