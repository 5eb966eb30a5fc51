"""The emulated vendors' own lists, with licences that carry Microsoft's ids: the same licences are found as by Pax8's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from pax8_pipeline.sandbox.server.app import Sandbox, running_sandbox
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.text import jsontext
from pax8_pipeline_tests.support.pax8_http import Pax8Caller
from pax8_pipeline_tests.support.vendor_data import TODAY, VendorData, planned


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(World(3, date(TODAY.year, TODAY.month, TODAY.day), companies=5, subscriptions=40)) as running:
        yield running


def halo_list(sandbox: Sandbox, path: str, key: str, **query: str) -> list[dict[str, Any]]:
    env = sandbox.env()
    form = {
        "grant_type": "client_credentials", "scope": "all", "client_id": env["HALO_CLIENT_ID"],
        "client_secret": env["HALO_CLIENT_SECRET"],
    }  # fmt: skip
    url, tenant = f"{env['HALO_AUTH_URL']}/token", {"tenant": env["HALO_TENANT"]}
    token = requests.post(url, data=form, params=tenant, timeout=20).json()["access_token"]
    head = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{env['HALO_API_URL']}/{path}", params=query, headers=head, timeout=20)
    rows: list[dict[str, Any]] = jsontext.loads(answer.content)[key]
    return rows


def vendor_data(sandbox: Sandbox) -> VendorData:
    """What both emulators list, and the mapping files of this world's operator."""
    pax8, links = Pax8Caller(sandbox), sandbox.world.links
    pax8.log_in()
    return VendorData(
        companies=pax8.all("/companies"),
        products=pax8.all("/products"),
        subscriptions=pax8.all("/subscriptions"),
        clients=halo_list(sandbox, "Client", "clients", includeinactive="true"),
        licences=halo_list(sandbox, "SoftwareLicence", "licences", includeinactive="true"),
        recurring=halo_list(sandbox, "RecurringInvoice", "invoices", includelines="true", includeinactive="true"),
        client_map=[(company, link.client_id) for company, link in links.clients.items()],
        subscription_map=[
            (key, link.recurring_invoice_id, link.line_id, link.licence_id)
            for key, link in links.lines.items()
            if link.way == "mapping_file"
        ],
    )


def test_licences_that_carry_microsofts_ids_are_found_as_those_that_carry_pax8s(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    found, plans = {}, {}
    for ids, vendor in (("pax8", "Contora"), ("vendor", "Microsoft")):
        sandbox.pax8.switches.change({"suites_of": vendor})
        sandbox.halo.switches.change({"licence_ids": ids})
        listed = vendor_data(sandbox)
        found[ids] = listed.verdicts(tmp_path / ids)
        plans[ids] = planned(listed.load(tmp_path / f"{ids} plan"))
    for key, row in found["pax8"].items():
        other = found["vendor"][key]
        assert [other[c] for c in ("verdict", "licence_id", "line_id")] == [
            row[c] for c in ("verdict", "licence_id", "line_id")
        ]
    by_vendor = [key for key, row in found["vendor"].items() if row["matched_by"] == "vendor_id"]
    assert len(by_vendor) > 10
    assert {found["pax8"][key]["matched_by"] for key in by_vendor} == {"licence_id"}
    assert "licence_id" in {row["matched_by"] for row in found["vendor"].values()}, "other vendors' stay as they are"
    names = ("row_id", "class", "verdict", "action", "target", "after")
    assert [[r[n] for n in names] for r in plans["vendor"]] == [[r[n] for n in names] for r in plans["pax8"]]


def test_without_microsofts_name_on_the_product_the_ids_are_no_key(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.pax8.switches.change({"suites_of": "Contora"})
    sandbox.halo.switches.change({"licence_ids": "vendor"})
    found = vendor_data(sandbox).verdicts(tmp_path)
    assert "vendor_id" not in {row["matched_by"] for row in found.values()}
    assert "unbilled" in {row["verdict"] for row in found.values()}
