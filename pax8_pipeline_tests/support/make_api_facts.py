"""Reduces a vendor's published API description to the facts that the contract tests need.

    python -m pax8_pipeline_tests.support.make_api_facts FOLDER

FOLDER holds the vendors' OpenAPI files (`halo-openapi.json`, `pax8-partner-openapi.json`, `pax8-authentication-openapi.json`;
README.md in `api_facts/` says where they come from). For each of them this writes `api_facts/<vendor>.json`: the operations that
the product and the sandbox use, and of every schema they reach the members, their types, required members, lists of
values and bounds. Descriptions, titles, samples and links are left out: they are the vendors' text, not facts.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FACTS = Path(__file__).with_name("api_facts")

# Operations that are kept; the schemas they reach come along. "get": every GET of the description.
KEPT: dict[str, dict[str, tuple[str, ...]] | str] = {
    "pax8-partner": "get",
    "pax8-authentication": {"/token": ("post",)},
    "halo": {
        "/auth/token": ("post",),
        "/AuthInfo": ("get",),
        "/InstanceInfo": ("get",),
        "/Agent/me": ("get",),
        "/Client": ("get",), "/Client/{id}": ("get",),
        "/Item": ("get",), "/Item/{id}": ("get",),
        "/Supplier": ("get",), "/ClientContract": ("get",), "/CustomTable": ("get",), "/ExternalLink": ("get",),
        "/SoftwareLicence": ("get", "post"), "/SoftwareLicence/{id}": ("get",), "/LicenceChange": ("get",),
        "/RecurringInvoice": ("get", "post"), "/RecurringInvoice/{id}": ("get",),
        "/RecurringInvoice/updatelines": ("post",), "/RecurringInvoice/Lines": ("post",),
        "/Invoice": ("get", "post"), "/Invoice/{id}": ("get",), "/Invoice/updatelines": ("post",),
        "/Invoice/{id}/void": ("post",),
        "/InvoiceChange": ("get",), "/InvoiceDetailProRata": ("get",),
        "/Pax8Details": ("get",), "/Pax8Details/{id}": ("get",),
    },
}  # fmt: skip
# Schemas whose members are kept. Of Halo's 174 schemas these are the ones that answers of the sandbox are made of; every other
# one becomes UNKNOWN below. Empty: all schemas that the operations reach.
ROWS: dict[str, tuple[str, ...]] = {
    "halo": (
        "Area", "Item", "Licence_List", "InvoiceHeader", "InvoiceDetail", "ContractHeader", "Company", "ExternalLink_List",
        "InvoiceChange", "InvoiceDetailProRata", "Pax8Details", "InvoiceDetailQuantity", "CustomField", "AuthInfo",
        "InstanceInfo", "InvoiceHeader_View", "InvoiceChange_View", "InvoiceDetailProRata_View",
    ),
}  # fmt: skip
# A schema that is not among the facts allows only nothing: an answer that would need it fails its contract test.
UNKNOWN = {"maxItems": 0, "maxProperties": 0}
_WORDS = ("type", "enum", "required", "nullable", "pattern", "format", "additionalProperties")
_BOUNDS = ("min", "max", "exclusive", "unique")
_PARTS = ("allOf", "anyOf", "oneOf")


def facts(document: dict[str, Any], vendor: str) -> dict[str, Any]:
    """Return the facts of one description: paths with their answers, and the schemas these reach."""
    paths = {
        path: stored
        for path, operations in document["paths"].items()
        if (stored := _operations(document, vendor, path, operations))
    }
    schemas: dict[str, Any] = {}
    described = document["components"]["schemas"]
    rows = [name for name in ROWS.get(vendor, ()) if name in described]
    waiting = [*rows, *_references(paths)]
    while waiting:
        name = waiting.pop()
        if name not in schemas:
            schemas[name] = _schema(described[name]) if not rows or name in rows else UNKNOWN
            waiting += _references(schemas[name])
    return {"paths": paths, "components": {"schemas": dict(sorted(schemas.items()))}}


def _operations(document: dict[str, Any], vendor: str, path: str, operations: dict[str, Any]) -> dict[str, Any]:
    stored = KEPT[vendor]
    methods = ("get",) if isinstance(stored, str) else stored.get(path, ())
    return {m: {"responses": _answers(document, operations[m])} for m in methods if m in operations}


def _answers(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status, answer in operation.get("responses", {}).items():
        schema = _resolve(document, answer).get("content", {}).get("application/json", {}).get("schema")
        answers[status] = {"content": {"application/json": {"schema": _schema(schema)}}} if schema else {}
    return answers


def _resolve(document: dict[str, Any], node: Any) -> Any:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].lstrip("#/").split("/"):
            target = target[part]
        node = target
    return node


def _schema(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    fact: dict[str, Any] = {}
    for word, value in node.items():
        if word == "properties":
            fact[word] = {name: _schema(member) for name, member in value.items()}
        elif word in _PARTS:
            fact[word] = [_schema(part) for part in value]
        elif word == "items" or (word == "additionalProperties" and isinstance(value, dict)):
            fact[word] = _schema(value)
        elif word == "enum":
            fact[word] = [_value(v) for v in value]
        elif word in _WORDS or word.startswith(_BOUNDS):
            fact[word] = value
    return fact


def _value(value: Any) -> Any:
    """Leave out the explanation that Pax8 writes behind some values, in round brackets."""
    return re.sub(r" \([A-Z].*\)$", "", value) if isinstance(value, str) else value


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[1]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def as_text(found: dict[str, Any]) -> str:
    """Return the facts as JSON with one path or schema to a line, so that a change is seen in a diff."""

    def lines(of: dict[str, Any]) -> str:
        return ",\n".join(
            f"  {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in of.items()
        )

    return f'{{"paths": {{\n{lines(found["paths"])}\n }}, "components": {{"schemas": {{\n{lines(found["components"]["schemas"])}\n }}}}}}\n'


def main(folder: Path) -> None:
    """Write the facts of every vendor's description in `folder`."""
    FACTS.mkdir(exist_ok=True)
    for vendor in KEPT:
        document = json.loads((folder / f"{vendor}-openapi.json").read_text(encoding="utf-8"))
        (FACTS / f"{vendor}.json").write_text(as_text(facts(document, vendor)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
