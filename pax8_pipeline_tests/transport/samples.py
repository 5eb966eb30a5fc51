"""The vendors' own samples: from their OpenAPI files and from the reference pages, where those are at hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline import jsontext

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "api"
METHODS = ("get", "post", "put", "patch", "delete")


def spec(name: str) -> dict[str, Any]:
    """One OpenAPI file, numbers exact; {} where it is not at hand."""
    path = FOLDER / name
    found: dict[str, Any] = jsontext.loads(path.read_bytes()) if path.exists() else {}
    return found


def answers(name: str) -> list[Any]:
    """Every sample of an answer as pytest parameters (method, path, status, value); one skip if there are none."""
    document = spec(name)
    found = []
    for path, operations in document.get("paths", {}).items():
        for method in METHODS:
            for status, response in operations.get(method, {}).get("responses", {}).items():
                for content in response.get("content", {}).values():
                    for label, value in _values(document, content):
                        found.append(pytest.param(method, path, int(status), value, id=f"{method} {path} {label}"))
    return found or [_nothing(name, 4)]


def page_samples(name: str) -> list[Any]:
    """Every JSON object in the code blocks of a reference page as pytest parameters; one skip if there are none."""
    path = FOLDER / name
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found: list[Any] = []
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        found += [pytest.param(value, id=f"{name} {len(found) + n}") for n, value in enumerate(_objects(block))]
    return found or [_nothing(name, 1)]


def _values(document: dict[str, Any], content: dict[str, Any]) -> list[tuple[str, Any]]:
    values = [("example", content["example"])] if "example" in content else []
    for label, example in content.get("examples", {}).items():
        kind, key = example["$ref"].split("/")[-2:] if "$ref" in example else (None, None)
        values.append((label, (document["components"][kind][key] if kind else example)["value"]))
    return values


def _objects(block: str) -> list[Any]:
    """A block holds one object over several lines, or one object per line."""
    try:
        return [jsontext.loads(block)]
    except ValueError:
        return [jsontext.loads(line) for line in block.splitlines() if line.strip()]


def _nothing(name: str, arguments: int) -> Any:
    reason = f"{name} is not beside this checkout, or holds no samples"
    return pytest.param(*[None] * arguments, marks=pytest.mark.skip(reason=reason), id="none")
