"""Sample answers of both vendors: built from the facts of their descriptions, and the ones our reference pages show.

`answers(vendor)` fills every member of every described answer, with numbers whose digits are easy to lose (trailing
zeros, twelve decimals, beyond 2**53). `page_samples(vendor)` are whole objects as live services send them.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.text import jsontext
from pax8_pipeline_tests.support.openapi import Spec, load_spec

PAGES = Path(__file__).with_name("page_samples.json")
_NUMBERS = (Decimal("19.4850"), Decimal("0.000000000125"), Decimal("25.00"), Decimal("-7.95"))
_TEXTS = {"date": "2026-07-31", "yyyy-MM-dd": "2026-07-31", "date-time": "2026-07-31T09:12:03.114-0600"}


def answers(vendor: str) -> list[Any]:
    """Return a filled sample of every described answer as pytest parameters (method, path, status, value)."""
    spec = load_spec(vendor)
    found = []
    for path, operations in spec.document["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                if "content" in answer:
                    schema = answer["content"]["application/json"]["schema"]
                    value = _Filled(spec).value(schema)
                    found.append(pytest.param(method, path, int(status), value, id=f"{method} {path} {status}"))
    return found


def page_samples(vendor: str) -> list[Any]:
    """Return the objects of one vendor ("halo", "pax8") that our reference pages show, as pytest parameters."""
    values = jsontext.loads(PAGES.read_bytes())[vendor]
    return [pytest.param(value, id=f"{vendor} {number}") for number, value in enumerate(values, start=1)]


class _Filled:
    """Makes instances of schemas with every member present; no two texts, numbers or ids of one instance are alike."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._number = count(1)
        self._open: set[int] = set()

    def value(self, schema: Any) -> Any:
        """Return one instance. A schema that is not among the facts, or that holds itself, gives null."""
        schema = self._spec.resolve(schema)
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "array":
            rows = [self.value(schema["items"]) for _ in range(2)]
            return [row for row in rows if row is not None]
        if "properties" not in schema:
            return self._scalar(schema)
        if id(schema) in self._open:
            return None
        self._open.add(id(schema))
        members = {name: self.value(member) for name, member in schema["properties"].items()}
        self._open.discard(id(schema))
        return members

    def _scalar(self, schema: Any) -> Any:
        number = next(self._number)
        if schema.get("type") == "string":
            if schema.get("format") == "uuid":
                return f"00000000-0000-4000-8000-{number:012d}"
            return _TEXTS.get(schema.get("format", ""), f'Müller & Söhne \\ "{number}" 東京')
        if schema.get("type") == "integer":
            return 2**53 + number
        if schema.get("type") == "number":
            return _NUMBERS[number % len(_NUMBERS)] + number
        if schema.get("type") == "boolean":
            return bool(number % 2)
        return None
