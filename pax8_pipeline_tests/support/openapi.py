"""Compares an emulator's answers with the vendors' published API descriptions.

It loads `api_facts/<vendor>.json` (made by `make_api_facts`), makes JSON Schema from OpenAPI 3.0 schemas, and has the
table of deviations that the vendor pages document. Emulators, HTTP and assertions about meaning are elsewhere.

    spec = load_spec("halo")
    spec.problems(row, "Licence_List")  # [] or one line per problem
    spec.answer_problems(rows, "GET", "/RecurringInvoice", 200)

`DEVIATIONS` names, for each vendor, how an answer may differ from the description, and the section of the vendor page
that says so. `unused_deviations` finds an entry that no compared answer has needed.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError

from pax8_pipeline.text import jsontext

FACTS = Path(__file__).with_name("api_facts")


@dataclass(frozen=True)
class Deviation:
    """An answer may differ here. `schema` and `member` are glob patterns; `schema` is "" for one without a
    name.

    kind: "extra" (a member the description does not know), "null" (null where none is told), "type" (another
    JSON type), "enum" (a value outside the list), "missing" (a required member left out).
    """

    schema: str
    member: str
    kind: str
    reference: str


DEVIATIONS: dict[str, tuple[Deviation, ...]] = {
    "halo": (),
    # Each with its section of docs/vendors/pax8.md.
    "pax8-partner": (
        Deviation("Invoice", "status", "extra", "#differences"),
        Deviation("Subscription", "commitment", "extra", "#differences"),
        Deviation("Subscription", "commitmentTermEndDate", "extra", "#subscriptions, commitmentTerm: a flat end date"),
        Deviation("SubscriptionCommitment", "commitmentTerm", "null", "#subscriptions: null on plain monthly"),
        Deviation("InvoiceItem", "rateType", "enum", "#differences; the listed values contain prose"),
        Deviation("Contact", "phone[NC]*", "extra", "#differences"),
        Deviation("UsageSummary", "subscriptionId", "extra", "#differences"),
        Deviation("UsageSummary", "companyId", "null", "#no-company"),
        Deviation("InvoiceItem", "companyId", "null", "#no-company"),
        Deviation("InvoiceItem", "subscriptionId", "null", "#invoice-items: products without a subscription"),
        Deviation("Rate", "endQuantityRange", "null", "#products: null = open"),
        Deviation("Company", "phone", "missing", "#companies: required, yet not in the list sample"),
        Deviation("Company", "orderApprovalRequired", "missing", "#companies: not in the list sample"),
        Deviation("Company", "externalId", "null", "#formats: nulls occur for what is missing"),
        Deviation("Subscription", "*Date", "null", "#formats: nulls occur for what is missing"),
        Deviation("Subscription", "parentSubscriptionId", "null", "#formats: nulls occur for what is missing"),
        *(
            Deviation("InvoiceItem", member, "null", "#formats: nulls occur for what is missing")
            for member in ("companyName", "externalId", "details", "sku", "vendorName", "productId", "productName")
        ),
        Deviation("Subscription", "billingTerm", "enum", "#formats: unknown values appear"),
        Deviation("Subscription", "status", "enum", "#formats: unknown values appear"),
        Deviation("InvoiceItem", "term", "enum", "#formats: unknown values appear"),
    ),
}

_used: set[tuple[str, Deviation]] = set()


@functools.cache
def load_spec(vendor: str) -> Spec:
    """Return the description of `vendor`: "halo", "pax8-partner" or "pax8-authentication"."""
    return Spec(vendor, jsontext.loads((FACTS / f"{vendor}.json").read_bytes()))


def unused_deviations(vendor: str) -> list[Deviation]:
    """Return the entries of the table that no compared answer in this process has needed so far."""
    return [d for d in DEVIATIONS[vendor] if (vendor, d) not in _used]


class Spec:
    """One API description, ready to judge instances. Numbers are Decimal or int, as jsontext reads them."""

    def __init__(self, vendor: str, document: dict[str, Any]) -> None:
        self.vendor = vendor
        self.document = document
        schemas = document.get("components", {}).get("schemas", {})
        self._schemas = {name: json_schema(schema, name) for name, schema in schemas.items()}
        self._validators: dict[str, Draft4Validator] = {}

    def problems(self, instance: Any, schema: str | dict[str, Any]) -> list[str]:
        """What is wrong with an instance of a named schema (or of a schema given as a dict), one line each.

        Documented deviations are left out.
        """
        errors = self._validator(schema).iter_errors(instance)
        return [
            f"{'/'.join(str(p) for p in error.absolute_path) or '(root)'}: {error.message[:200]}"
            for error in errors
            if not self._allowed(error)
        ]

    def answer_problems(self, body: Any, method: str, path: str, status: int) -> list[str]:
        """The same for the body of an answer; KeyError when the description has no JSON body for it."""
        return self.problems(body, self.answer_schema(method, path, status))

    def answer_schema(self, method: str, path: str, status: int) -> dict[str, Any]:
        """The schema of an answer's JSON body; `path` as written in the description or as really called."""
        operation = self.document["paths"][self.template(path)][method.lower()]
        answer = self.resolve(operation["responses"][str(status)])
        schema: dict[str, Any] = answer["content"]["application/json"]["schema"]
        return schema

    def knows(self, method: str, path: str) -> bool:
        """Whether the description has this operation."""
        try:
            return method.lower() in self.document["paths"][self.template(path)]
        except KeyError:
            return False

    def unknown_members(self, instance: Any, schema: str | dict[str, Any]) -> list[str]:
        """Paths of members the schema does not name, at any depth (for descriptions that forbid nothing)."""
        return sorted(set(self._unknown(instance, self._node(schema), "", "")))

    def template(self, path: str) -> str:
        """The path of the description that a really called path belongs to; KeyError when there is none."""
        paths: dict[str, Any] = self.document["paths"]
        if path in paths:
            return path
        for candidate in sorted(paths, key=lambda t: t.count("{")):
            pattern = re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(candidate))
            if re.fullmatch(pattern, path, flags=re.IGNORECASE):
                return candidate
        raise KeyError(path)

    def resolve(self, node: Any) -> Any:
        """A node of the description with its `$ref` followed."""
        while isinstance(node, dict) and "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].lstrip("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    # Inside -----------------------------------------------------------------------------------------------

    def _node(self, schema: str | dict[str, Any]) -> dict[str, Any]:
        if isinstance(schema, str):
            if schema not in self._schemas:
                raise KeyError(schema)
            return {"$ref": f"#/components/schemas/{schema}"}
        converted: dict[str, Any] = json_schema(schema, "")
        return converted

    def _validator(self, schema: str | dict[str, Any]) -> Draft4Validator:
        key = schema if isinstance(schema, str) else jsontext.dumps(schema)
        if key not in self._validators:
            root = {"allOf": [self._node(schema)], "components": {"schemas": self._schemas}}
            self._validators[key] = Draft4Validator(root)
        return self._validators[key]

    def _allowed(self, error: ValidationError) -> bool:
        kind, members = _fault(error)
        owner = error.schema.get("x-owner", "") if isinstance(error.schema, dict) else ""
        return bool(members) and all(self._deviates(owner, member, kind) for member in members)

    def _deviates(self, schema: str, member: str, kind: str) -> bool:
        for deviation in DEVIATIONS.get(self.vendor, ()):
            fits = fnmatch.fnmatchcase(schema, deviation.schema) and fnmatch.fnmatchcase(member, deviation.member)
            if fits and deviation.kind == kind:
                _used.add((self.vendor, deviation))
                return True
        return False

    def _follow(self, node: Any) -> Any:
        while isinstance(node, dict) and "$ref" in node:
            node = self._schemas[node["$ref"].rsplit("/", 1)[1]]
        return node

    def _properties(self, node: Any) -> dict[str, Any]:
        node = self._follow(node)
        found: dict[str, Any] = dict(node.get("properties", {}))
        for word in ("allOf", "anyOf", "oneOf"):
            for part in node.get(word, ()):
                found.update(self._properties(part))
        return found

    def _unknown(self, value: Any, node: Any, place: str, owner: str) -> Iterator[str]:
        node = self._follow(node)
        owner = node.get("x-owner", owner)
        if isinstance(value, list):
            for item in value:
                yield from self._unknown(item, node.get("items", {}), f"{place}[]", owner)
        elif isinstance(value, dict) and (known := self._properties(node)):
            for name, member in value.items():
                if name in known:
                    yield from self._unknown(member, known[name], f"{place}.{name}", owner)
                elif not self._deviates(owner, name, "extra"):
                    yield f"{place}.{name}"


def json_schema(node: Any, owner: str) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema draft 4: `nullable` becomes a type; `x-owner` names whose part it
    is.
    """
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    converted: dict[str, Any] = {"x-owner": owner}
    for key, value in node.items():
        if key == "properties":
            converted[key] = {name: json_schema(schema, owner) for name, schema in value.items()}
        elif key in ("allOf", "anyOf", "oneOf"):
            converted[key] = [json_schema(schema, owner) for schema in value]
        elif key in ("items", "not", "additionalProperties"):
            converted[key] = json_schema(value, owner)
        elif key in ("type", "enum", "required", "pattern") or key.startswith(("min", "max", "exclusive", "unique")):
            converted[key] = value
    if node.get("nullable") is True:
        if "type" in converted:
            converted["type"] = [converted["type"], "null"]
        if "enum" in converted:
            converted["enum"] = [*converted["enum"], None]
    return converted


def _fault(error: ValidationError) -> tuple[str, list[str]]:
    """The kind of an error in the words of `Deviation`, and the members it is about."""
    if error.validator == "additionalProperties":
        return "extra", sorted(set(error.instance) - set(error.schema.get("properties", {})))
    if error.validator == "required":
        return "missing", re.findall(r"^'(.*)' is a required property", error.message)
    names = [part for part in error.absolute_path if isinstance(part, str)]
    if error.validator == "enum":
        return "enum", names[-1:]
    return "null" if error.instance is None else "type", names[-1:]
