"""Whose details are read, and what is known of Halo's own sync."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.errors import BadAnswer, Forbidden, NotFound, ServerFault, VendorError
from pax8_pipeline.extract import halo_lists as loading
from pax8_pipeline.mapping.files import ClientMapping, Mappings
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.vendors import HaloInMemory
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse, hold_open

NOW = datetime.now(UTC).replace(tzinfo=None)
NOTHING = Mappings((), (), (), "")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = empty_warehouse(tmp_path / "warehouse.duckdb")
    hold_open(made)
    return made


def keep(warehouse: Warehouse, companies: list[dict[str, Any]], clients: list[dict[str, Any]]) -> None:
    reads = [
        snapshots.Read("pax8.companies", snapshots.raw_objects("/companies", companies)),
        snapshots.Read("halo.clients", snapshots.raw_objects("/Client", clients)),
    ]
    snapshots.store(warehouse, reads, "r")


def wanted(warehouse: Warehouse, mappings: Mappings = NOTHING, most: int = 100, now: datetime = NOW) -> list[int]:
    with warehouse.connect() as connection:
        return loading.details_to_read(connection, mappings, now, most)


def bare(*ids: int) -> list[dict[str, Any]]:
    return [{"id": i, "customfields": None} for i in ids]


def test_a_list_that_a_probe_found_to_show_less_proves_nothing(warehouse: Warehouse) -> None:
    shown = [{"id": 1, "customfields": [], "external_links": []}]
    keep(warehouse, [{"id": "OPEN"}], shown)
    assert wanted(warehouse) == []
    with warehouse.connect() as connection:
        assert loading.details_to_read(connection, NOTHING, NOW, 100, lists_show_less=True) == [1]


def test_details_are_read_of_clients_that_neither_mapping_nor_external_id_claims(warehouse: Warehouse) -> None:
    companies = [{"id": "M"}, {"id": "E", "externalId": "2"}, {"id": "OPEN"}]
    keep(warehouse, companies, bare(1, 2, 3))
    mapped = Mappings((ClientMapping("m", 1, ""),), (), (), "")
    assert wanted(warehouse, mapped) == [3]


def test_no_details_are_read_when_every_company_is_accounted_for(warehouse: Warehouse) -> None:
    keep(warehouse, [{"id": "e", "externalId": "2"}], bare(2, 3))
    assert wanted(warehouse) == []


def test_no_details_are_read_of_rows_that_carry_fields_and_links_already(warehouse: Warehouse) -> None:
    full = {"id": 1, "customfields": [], "external_links": []}
    half = {"id": 2, "customfields": []}
    keep(warehouse, [{"id": "open"}], [full, half])
    assert wanted(warehouse) == [2]


def test_details_read_lately_wait_and_the_oldest_come_first(warehouse: Warehouse) -> None:
    keep(warehouse, [{"id": "open"}], bare(1, 2, 3))
    snapshots.store(warehouse, [loading.read_details(HaloInMemory(details={1: {"id": 1}}), [1])], "r")
    snapshots.store(warehouse, [loading.read_details(HaloInMemory(details={2: {"id": 2}}), [2])], "r")
    assert wanted(warehouse) == [3]
    assert wanted(warehouse, now=NOW + timedelta(days=8)) == [3, 1, 2]
    assert wanted(warehouse, now=NOW + timedelta(days=8), most=2) == [3, 1]


def test_an_external_id_that_is_no_client_claims_nothing(warehouse: Warehouse) -> None:
    keep(warehouse, [{"id": "e", "externalId": "999"}, {"id": "f", "externalId": "abc"}], bare(1))
    assert wanted(warehouse) == [1]


def test_a_client_deleted_meanwhile_is_left_out() -> None:
    read = loading.read_details(HaloInMemory(details={1: {"id": 1}}), [1, 2])
    assert [o.object_id for o in read.objects] == ["1"]


def test_ordinary_invoices_are_read_from_62_days_back_to_40_ahead() -> None:
    halo = HaloInMemory()
    loading.read_invoices(halo, date(2026, 8, 20))
    assert halo.asked("invoices") == [(date(2026, 6, 19), date(2026, 9, 29))]


def test_more_of_them_are_read_and_stored_where_the_policy_says_so() -> None:
    rows = [{"id": 1, "invoice_date": "2026-03-01T00:00:00", "reference": "Retainer", "lines": []}]
    halo, watched = HaloInMemory(invoice_rows=rows), date(2026, 2, 27)
    read = loading.read_invoices(halo, date(2026, 8, 20), None, watched, days_back=200)
    assert (read.whole_from, len(read.objects)) == (date(2026, 2, 1), 1)
    read = loading.read_invoices(halo, date(2026, 8, 20), None, watched, days_back=10)
    assert (read.covers, read.whole_from, len(read.objects)) == (
        (watched, date(2026, 9, 29)),
        date(2026, 6, 19),
        0,
    )


@pytest.mark.parametrize(
    ("accounts", "state"),
    [
        ([], "off"),
        ([{"id": 1, "integrator_enabled": False}], "off"),
        ([{"id": 1, "integrator_enabled": False}, {"id": 2, "integrator_enabled": True}], "on"),
        ([{"id": 1}], "unknown"),
        ([{"id": 1, "integrator_enabled": None}], "unknown"),
    ],
)
def test_the_native_integration_is_on_when_any_account_is_and_unknown_when_it_is_not_said(
    accounts: list[dict[str, Any]], state: str
) -> None:
    assert loading.ask_integration(HaloInMemory(accounts=accounts)).state == state


@pytest.mark.parametrize("fault", [Forbidden("no"), NotFound("no"), BadAnswer("no")])
def test_settings_that_cannot_be_seen_are_unknown_and_not_off(fault: VendorError) -> None:
    assert loading.ask_integration(HaloInMemory(faults={"integration": fault})).state == "unknown"


def test_a_halo_that_is_down_is_not_mistaken_for_unknown_settings() -> None:
    with pytest.raises(ServerFault):
        loading.ask_integration(HaloInMemory(faults={"integration": ServerFault("503")}))


def test_links_of_clients_that_the_list_of_accounts_leaves_out_are_read_by_id() -> None:
    account = {"id": 1, "integrator_enabled": True, "client_mappings": [{"halo_id": 7, "third_party_id": "c"}]}
    halo = HaloInMemory(accounts=[account], bare=True)
    (stored,) = loading.read_integration(halo).objects
    assert '"third_party_id":"c"' in stored.payload
    assert loading.ask_integration(halo).accounts[0]["client_mappings"] is None  # before a write only the state counts
    assert len(halo.asked("integration account")) == 1


def test_credentials_of_an_integration_account_are_not_kept() -> None:
    account = {"id": 1, "integrator_enabled": True, "client_secret": "hush", "new_password": "hush"}
    (stored,) = loading.read_integration(HaloInMemory(accounts=[account])).objects
    assert "hush" not in stored.payload


def test_the_state_counts_only_in_the_run_that_asked(warehouse: Warehouse) -> None:
    snapshots.store(warehouse, [loading.read_integration(HaloInMemory())], "run-1")
    assert loading.native_state(warehouse, "run-1")[0] == "off"
    assert loading.native_state(warehouse, "run-2")[0] == "unknown"
