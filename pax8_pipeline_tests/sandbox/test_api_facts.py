"""The facts kept of the vendors' descriptions: no prose, every schema that is named is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pax8_pipeline_tests.support.make_api_facts import FACTS, KEPT, facts

PROSE = {"description", "summary", "title", "example", "examples", "externalDocs"}


def values(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for word, value in node.items():
            # Members of a schema may be called "description"; a word of the description itself may not.
            yield from values(list(value.values()) if word == "properties" else value)
            assert word not in PROSE
    elif isinstance(node, list):
        for value in node:
            yield from values(value)
    elif isinstance(node, str):
        yield node


@pytest.mark.parametrize("vendor", KEPT)
def test_the_facts_hold_no_prose_and_every_schema_they_name(vendor: str) -> None:
    document = json.loads((FACTS / f"{vendor}.json").read_text(encoding="utf-8"))
    texts = set(values(document))
    assert [text for text in texts if text.count(" ") > 2] == []
    named = {text.rsplit("/", 1)[1] for text in texts if text.startswith("#/components/schemas/")}
    assert named <= set(document["components"]["schemas"])


def test_only_facts_of_the_wanted_operations_are_taken() -> None:
    document = {
        "paths": {
            "/token": {
                "post": {
                    "summary": "Get a token",
                    "responses": {"200": {"description": "ok", "content": {"application/json": {
                        "schema": {"$ref": "#/components/schemas/TokenResponse"}, "example": {"a": 1}}}}},
                },
                "get": {"responses": {}},
            },
            "/other": {"post": {"responses": {}}},
        },
        "components": {"schemas": {
            "TokenResponse": {
                "description": "prose",
                "required": ["kind"],
                "properties": {"kind": {"type": "string", "example": "x", "enum": ["flat (Same as single)", "two"]}},
            },
            "Unused": {"type": "object"},
        }},
    }  # fmt: skip
    assert facts(document, "pax8-authentication") == {
        "paths": {
            "/token": {
                "post": {"responses": {"200": {"content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/TokenResponse"}}}}}},
            }
        },
        "components": {"schemas": {
            "TokenResponse": {
                "required": ["kind"],
                "properties": {"kind": {"type": "string", "enum": ["flat", "two"]}},
            }
        }},
    }  # fmt: skip
