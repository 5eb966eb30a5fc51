"""Every answer of the emulated Pax8 is one the vendor's description allows, but for the documented deviations.

The deviations stand in one table, `openapi.DEVIATIONS["pax8-partner"]`, each with its section of docs/vendors/pax8.md.
An entry no answer needs fails the last test.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from pax8_pipeline.sandbox.pax8.switches import Pax8Switches
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.openapi import Spec, load_spec, unused_deviations
from pax8_pipeline_tests.support.pax8_http import Pax8Caller, serving

LISTS = ("/companies", "/products", "/subscriptions", "/invoices", "/invoices/draftItems", "/orders")

WORLDS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "all shapes by their schema": {
        "date_style": "zulu",
        "commitment_key": "commitmentTerm",
        "missing_keys": "none",
        "explicit_nulls": False,
        "invoice_company_id": True,
        "item_ids": "all",
        "unassigned_shape": "owner",
        "unassigned_item_shape": "item-owner",
    },
    "as little as can be": {
        "missing_keys": "most",
        "commitment_key": "flat",
        "item_ids": "none",
        "empty_content": "omit",
        "summary_company": "only_by_id",
        "rate_type_case": "lower",
    },
}


@pytest.fixture(scope="module")
def running() -> Iterator[Pax8Caller]:
    world = World.demo()
    world.charge(date(2026, 7, 1), quantity="512.755", total="25.645", cost_total="-0.005", currency="EUR")
    with serving(world) as caller:
        yield caller


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load_spec("pax8-partner")


@pytest.fixture(scope="module")
def problems(running: Pax8Caller, spec: Spec) -> dict[str, list[str]]:
    """What is not as described in the answers of each world; the reads of all worlds show every deviation."""
    return {name: problems_of(running, spec, switches) for name, switches in WORLDS.items()}


def problems_of(running: Pax8Caller, spec: Spec, switches: dict[str, Any]) -> list[str]:
    running.sandbox.pax8.switches.change(Pax8Switches().to_json() | switches)
    found: set[str] = set()
    for path, query in every_read(running):
        body = running.get(path, **query)
        schema = spec.answer_schema("GET", path, 200)
        template = spec.template(path)
        found |= {f"{template}: {problem}" for problem in spec.problems(body, schema)}
        found |= {f"{template}: unknown {member}" for member in spec.unknown_members(body, schema)}
    return sorted(found)


def every_read(pax8: Pax8Caller) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and query of each read: all pages of all lists, and a share of all single things."""
    store = pax8.sandbox.pax8
    for path in LISTS:
        for page in range(4):
            yield path, {"page": page, "size": 200}
    yield "/invoices", {"invoiceDate": "1999-01-01"}
    for key in list(store.companies)[::6]:
        yield f"/companies/{key}", {}
        yield f"/companies/{key}/contacts", {}
        yield f"/companies/{key}/contacts/{key}", {}
    for key in store.products:
        for tail in ("", "/pricing", "/provision-details", "/dependencies"):
            yield f"/products/{key}{tail}", {}
    for key in list(store.subscriptions)[::9]:
        yield f"/subscriptions/{key}", {}
        yield f"/subscriptions/{key}/history", {}
    for key, groups in store.groups_of.items():
        yield f"/subscriptions/{key}/usage-summaries", {}
        for group in groups:
            if store.groups[group]["_assignment"] != "hidden":
                yield f"/usage-summaries/{group}", {}
                yield f"/usage-summaries/{group}/usage-lines", {"usageDate": date(2026, 8, 7).isoformat()}
    for row in pax8.all("/invoices"):
        yield f"/invoices/{row['id']}", {}
        for page in range(3):
            yield f"/invoices/{row['id']}/items", {"page": page, "size": 200}


@pytest.mark.parametrize("world", WORLDS)
def test_every_answer_is_as_described(problems: dict[str, list[str]], world: str) -> None:
    assert not problems[world][:20]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/companies/00000000-0000-4000-8000-000000000000", {}),
        ("/subscriptions", {"companyId": "00000000-0000-4000-8000-000000000000"}),
        ("/invoices/draftItems", {"monthOffset": 7}),
        ("/companies", {"size": "x"}),
    ],
)
def test_every_error_is_the_described_envelope(
    running: Pax8Caller, spec: Spec, path: str, query: dict[str, Any]
) -> None:
    body = running.call(path, **query).json()
    assert spec.problems(body, "Error") == []
    assert spec.unknown_members(body, "Error") == []


def test_the_token_answer_is_as_described(running: Pax8Caller) -> None:
    spec = load_spec("pax8-authentication")
    body = running.token().json()
    assert spec.problems(body, "TokenResponse") == []
    assert spec.unknown_members(body, "TokenResponse") == []


def test_every_described_read_is_answered(running: Pax8Caller, spec: Spec) -> None:
    described = {path for path, operations in spec.document["paths"].items() if "get" in operations}
    asked = {spec.template(path) for path, _query in every_read(running)}
    assert described - asked == {"/orders/{orderId}"}  # this partner has no orders


@pytest.mark.usefixtures("problems")
def test_every_documented_deviation_is_really_shown() -> None:
    assert unused_deviations("pax8-partner") == []
