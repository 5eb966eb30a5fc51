"""A company is a client by ids only, and a doubt is never resolved by a guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.warehouse import snapshots
from pax8_pipeline_tests.support.vendor_data import COMPANY, VendorData, company

SECOND = "aaaaaaaa-0000-4000-8000-000000000009"


def client(client_id: int = 231, *, field: str | None = None, link: str | None = None, **more: Any) -> dict[str, Any]:
    fields = [{"name": "CFPax8CompanyId", "value": field}] if field else []
    return {"id": client_id, "name": f"Client {client_id}", "inactive": False, "customfields": fields,
            "external_links": [{"third_party_id": link}] if link else [], **more}  # fmt: skip


def match(tmp_path: Path, **parts: Any) -> dict[str, dict[str, Any]]:
    warehouse = VendorData(subscriptions=[], licences=[], recurring=[], **{"client_map": [], **parts}).load(tmp_path)
    with warehouse.connect() as connection:
        rows = snapshots.dicts(connection.execute("SELECT * FROM reconciled.client_matches"))
    return {row["company_id"]: row for row in rows}


@pytest.mark.parametrize(
    ("method", "parts"),
    [
        ("mapping", {"client_map": [(COMPANY.upper(), 231)], "clients": [client()]}),
        ("external_id", {"companies": [company(externalId=" 231 ")], "clients": [client()]}),
        ("custom_field", {"clients": [client(field=COMPANY.upper())]}),
        ("external_link", {"clients": [client(link=COMPANY)]}),
    ],
)
def test_each_way_to_match(method: str, parts: dict[str, Any], tmp_path: Path) -> None:
    row = match(tmp_path, **parts)[COMPANY]
    assert (row["client_id"], row["method"], row["state"]) == (231, method, "matched")


def test_equal_names_match_nothing(tmp_path: Path) -> None:
    row = match(tmp_path, clients=[client(name="Example Dental")])[COMPANY]
    assert (row["client_id"], row["state"]) == (None, "unmatched")


def test_ids_that_disagree_are_two_candidates(tmp_path: Path) -> None:
    parts = {"companies": [company(externalId="231")], "clients": [client(), client(300, field=COMPANY)]}
    row = match(tmp_path, **parts)[COMPANY]
    assert (row["client_id"], row["state"]) == (None, "ambiguous")
    assert row["candidates"] == "custom_field 300, external_id 231"


def test_the_mapping_file_overrules_ids_that_disagree(tmp_path: Path) -> None:
    clients = [client(), client(300, field=COMPANY)]
    row = match(tmp_path, companies=[company(externalId="231")], clients=clients, client_map=[(COMPANY, 300)])[COMPANY]
    assert (row["client_id"], row["method"]) == (300, "mapping")


def test_two_companies_that_name_one_client_by_themselves_are_both_in_doubt(tmp_path: Path) -> None:
    companies = [company(externalId="231"), company(id=SECOND, externalId="231")]
    rows = match(tmp_path, companies=companies, clients=[client()])
    assert {row["state"] for row in rows.values()} == {"ambiguous"}


def test_two_companies_may_be_one_client_when_the_mapping_file_says_so(tmp_path: Path) -> None:
    companies = [company(), company(id=SECOND)]
    rows = match(tmp_path, companies=companies, clients=[client()], client_map=[(COMPANY, 231), (SECOND, 231)])
    assert {row["client_id"] for row in rows.values()} == {231}


@pytest.mark.parametrize(
    ("clients", "state"), [([client(9)], "client_missing"), ([client(inactive=True)], "client_inactive")]
)
def test_a_mapped_client_must_exist_and_be_active(clients: list[dict[str, Any]], state: str, tmp_path: Path) -> None:
    row = match(tmp_path, clients=clients, client_map=[(COMPANY, 231)])[COMPANY]
    assert (row["client_id"], row["state"]) == (None, state)


@pytest.mark.parametrize("text", ["Acme 231", "", None, "231.5"])
def test_an_external_id_that_is_no_client_id_matches_nothing(text: str | None, tmp_path: Path) -> None:
    assert match(tmp_path, companies=[company(externalId=text)], clients=[client()])[COMPANY]["state"] == "unmatched"
