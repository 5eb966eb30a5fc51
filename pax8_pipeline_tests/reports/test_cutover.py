"""The cutover report: what is on, what is linked, what is missing with its money, and the steps that follow."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.extract.halo_lists import read_integration
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.cutover import checklist as report
from pax8_pipeline.reports.cutover.checklist import Cutover, Step, cutover
from pax8_pipeline.reports.cutover.text import markdown
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.vendor_data import (
    COMPANY,
    SUB,
    VendorData,
    company,
    invoice,
    licence,
    line,
    manual_line,
    plan_context,
    subscription,
)
from pax8_pipeline_tests.support.vendors import HaloInMemory
from pax8_pipeline_tests.support.warehouse_files import release

OTHER_COMPANY = "00000000-0000-4000-8000-0000000000c2"
OTHER_SUB = "00000000-0000-4000-8000-0000000000b2"
ON = {"id": 1, "integrator_enabled": True, "deactivate_missing_licenses": True, "import_usage_lines": True,
      "allow_subscription_changes": False, "import_products": 0}  # fmt: skip


def compare(
    folder: Path, vendor_data: VendorData | None = None, accounts: list[dict[str, Any]] | None = None
) -> Cutover:
    warehouse = (vendor_data or VendorData()).load(folder)
    if accounts is not None:
        snapshots.store(warehouse, [read_integration(HaloInMemory(accounts=accounts))], "run-1")
    return see(warehouse)


def see(warehouse: Warehouse) -> Cutover:
    release()
    with warehouse.connect(read_only=True) as connection:
        return cutover(connection)


def step(found: Cutover, words: str) -> Step:
    (wanted,) = [s for s in found.steps if words in s.title]
    return wanted


def test_settings_that_are_on_are_told_with_what_they_do_and_others_are_not(tmp_path: Path) -> None:
    found = compare(tmp_path, accounts=[ON])
    assert found.state == "on"
    assert [s["name"] for s in found.on] == ["deactivate_missing_licenses", "import_usage_lines", "integrator_enabled"]
    assert "overwrites licence counts" in found.on[2]["does"]
    assert not step(found, "Switch off Halo's own").done
    assert not step(found, "deactivate_missing_licenses").done


def test_an_integration_that_is_off_leaves_those_steps_done(tmp_path: Path) -> None:
    found = compare(tmp_path, accounts=[{"id": 1, "integrator_enabled": False, "deactivate_missing_licenses": False}])
    assert found.state == "off"
    assert found.on == []
    for words in ("Switch off Halo's own", "deactivate_missing_licenses", "which month of usage"):
        assert step(found, words).done


@pytest.mark.parametrize("accounts", [None, [{"id": 1}]])
def test_what_halo_does_not_show_is_not_taken_for_off(accounts: Any, tmp_path: Path) -> None:
    found = compare(tmp_path, accounts=accounts)
    assert found.state == "unknown"
    for words in ("Switch off Halo's own", "deactivate_missing_licenses", "which month of usage"):
        assert not step(found, words).done
    assert "may be on" in markdown(found)


def test_the_flag_that_deactivates_comes_before_and_the_switch_after_the_mapping(tmp_path: Path) -> None:
    titles = [s.title for s in compare(tmp_path, accounts=[ON]).steps]
    order = ["deactivate_missing", "Map the Pax8 companies", "Tie the subscriptions", "Read a dry run",
             "Switch off Halo's own", "Take the Pax8 recurring", "Write the first night"]  # fmt: skip
    places = [next(n for n, t in enumerate(titles) if words in t) for words in order]
    assert places == sorted(places)


def test_clients_with_a_pax8_invoice_are_read_from_list_or_detail_and_none_is_no_id(tmp_path: Path) -> None:
    clients = [
        {"id": 231, "name": "Example", "inactive": False, "pax8monthlyinvoice": -94, "pax8annualinvoice": 0},
        {"id": 232, "name": "Other", "inactive": False, "pax8monthlyinvoice": -1},
        {"id": 233, "name": "Third", "inactive": False},
    ]
    warehouse = VendorData(clients=clients).load(tmp_path)
    detail = snapshots.raw_objects("/Client/{id}", [{"id": 233, "pax8annualinvoice": -77}])
    snapshots.store(warehouse, [snapshots.Read("halo.client_details", detail)], "run-1")
    found = see(warehouse)
    assert [(c["client_id"], c["member"], c["recurring_invoice_id"], c["state"]) for c in found.clients] == [
        (231, "pax8monthlyinvoice", -94, "live"),
        (233, "pax8annualinvoice", -77, "not among the recurring invoices read"),
    ]
    assert step(found, "Take the Pax8 recurring invoices").count == 2


def test_missing_companies_and_subscriptions_are_ranked_by_money_a_month(tmp_path: Path) -> None:
    third = "00000000-0000-4000-8000-0000000000c3"
    vendor_data = VendorData(
        companies=[company(), company(id=third, name="Small"), company(id=OTHER_COMPANY, name="Big")],
        subscriptions=[
            subscription(),
            subscription(id="00000000-0000-4000-8000-0000000000b3", companyId=third, quantity=1),
            subscription(id=OTHER_SUB, companyId=OTHER_COMPANY, quantity=12, price=1200, billingTerm="Annual"),
        ],
    )
    found = compare(tmp_path, vendor_data)
    assert [(c["company_name"], c["money_per_month"]) for c in found.companies_missing] == [
        ("Big", Decimal(1200)),
        ("Small", Decimal(22)),
    ]
    assert found.subscriptions_missing[0]["subscription_id"] == OTHER_SUB
    assert report.by_method(found.companies, "client_id") == {"mapping": 1}
    assert report.by_method(found.subscriptions, "line_id") == {"licence_id": 1}
    assert "1,222.00 USD a month" in step(found, "Map the Pax8 companies").detail


def test_what_ended_or_pax8_bills_itself_is_not_missing(tmp_path: Path) -> None:
    vendor_data = VendorData(
        companies=[company(), company(id=OTHER_COMPANY, billOnBehalfOfEnabled=True)],
        subscriptions=[
            subscription(status="Cancelled", endDate="2026-08-01"),
            subscription(id=OTHER_SUB, companyId=OTHER_COMPANY),
        ],
        client_map=[(COMPANY, 231), (OTHER_COMPANY, 231)],
    )
    found = compare(tmp_path, vendor_data)
    assert (found.companies, found.subscriptions) == ([], [])


def test_a_licence_without_a_line_and_a_dead_line_count_as_missing(tmp_path: Path) -> None:
    assert [s["link"] for s in compare(tmp_path, VendorData(recurring=[invoice([])])).subscriptions_missing] == [
        "licence"
    ]
    dead = VendorData(recurring=[invoice([line(isinactive=True)])])
    assert [s["link"] for s in compare(tmp_path, dead).subscriptions_missing] == ["dead_line"]


def test_licences_the_native_sync_would_switch_off_are_those_of_pax8_it_does_not_list(tmp_path: Path) -> None:
    vendor_data = VendorData(
        licences=[
            licence(),
            licence(id=2, snowid="00000000-0000-4000-8000-0000000000ff", count=3),
            licence(id=3, snowid=""),
            licence(id=4, snowid="", distributor="Another"),
            licence(id=5, snowid="", is_active=False),
            licence(id=6, snowid="", deleted=True),
        ],
        recurring=[invoice([line(), line(id=2, quantity_subscriptions=[{"licence_id": 2}])])],
    )
    found = compare(tmp_path, vendor_data, accounts=[ON])
    assert [(c["licence_id"], c["live_lines"], c["money_per_month"]) for c in found.licences] == [
        (2, 1, Decimal(66)),
        (3, 0, Decimal(0)),
    ]
    assert "Pax8 lists no subscription" in found.licences[0]["why"]
    assert step(found, "deactivate_missing_licenses").count == 2


def test_lines_that_share_a_licence_and_licences_that_share_a_line_are_named(tmp_path: Path) -> None:
    two = [{"licence_id": 8}, {"licence_id": 9}]
    vendor_data = VendorData(
        licences=[licence(), licence(id=8, snowid="x"), licence(id=9, snowid="y")],
        recurring=[invoice([line(), line(id=2), line(id=3, isinactive=True), line(id=4, quantity_subscriptions=two)])],
    )
    found = compare(tmp_path, vendor_data)
    assert [(x["line_id"], x["why"]) for x in found.risks("several_lines")] == [
        (2, "licence 4127 is billed by lines 2, 24967"),
        (24967, "licence 4127 is billed by lines 2, 24967"),
    ]
    assert [(x["line_id"], x["money_per_month"]) for x in found.risks("several_licences")] == [(4, Decimal(880))]


@pytest.mark.parametrize(
    ("changes", "vendor_data", "why"),
    [
        ({"item_shortdescription": "Old text"}, {"item_map": [(subscription()["productId"], 88)]}, "mapped to a Pax8"),
        ({"item_shortdescription": "suite"}, {}, "a hint"),
        ({"item_shortdescription": "Labour"}, {}, None),
        ({"item_shortdescription": "Suite"}, {"subscription_map": [(SUB, -94, 24967, None)], "licences": []}, None),
        ({"item_shortdescription": "Suite", "isinactive": True}, {}, None),
    ],
)
def test_a_manual_line_for_a_pax8_product_that_nothing_is_tied_to_is_named(
    changes: dict[str, Any], vendor_data: dict[str, Any], why: str | None, tmp_path: Path
) -> None:
    found = compare(tmp_path, VendorData(recurring=[invoice([manual_line(**changes)])], **vendor_data)).risks("manual")
    assert [why is not None and why in x["why"] for x in found] == ([] if why is None else [True])


def test_customers_mapped_in_halos_own_integration_are_set_beside_ours(tmp_path: Path) -> None:
    mapped = [{"halo_id": 999, "third_party_id": COMPANY.upper()}, {"halo_id": 231, "third_party_id": OTHER_COMPANY}]
    vendor_data = VendorData(companies=[company(), company(id=OTHER_COMPANY)])
    found = compare(tmp_path, vendor_data, accounts=[{**ON, "client_mappings": mapped}])
    states = {m["company_id"]: m["state"] for m in found.native_mappings}
    assert states == {COMPANY: "other", OTHER_COMPANY: "missing"}
    assert "(999 there, 231 here)" in markdown(found)


def test_the_report_writes_nothing(tmp_path: Path) -> None:
    warehouse = VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path)
    plans.make_plan(warehouse, plan_context())
    release()
    before = warehouse.path.read_bytes()
    markdown(see(warehouse))
    assert warehouse.path.read_bytes() == before


def test_before_anything_was_read_it_says_so(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.ensure_schema()
    with pytest.raises(PipelineError, match="run `pax8-pipeline run` first"):
        see(warehouse)


def test_the_data_has_its_schema_and_numbered_steps(tmp_path: Path) -> None:
    data = json.loads(formatting.to_json(report.as_data(compare(tmp_path, accounts=[ON]))))
    assert data["schema"] == "pax8-pipeline/cutover/1"
    assert [s["number"] for s in data["steps"]] == list(range(1, len(data["steps"]) + 1))
    assert data["subscription_links"] == {"licence_id": 1}


def test_long_tables_end_and_say_how_much_is_left_out(tmp_path: Path) -> None:
    many = [subscription(id=f"00000000-0000-4000-8000-{n:012}") for n in range(5)]
    text = markdown(compare(tmp_path, VendorData(subscriptions=many)), limit=2)
    assert "... and 3 more" in text
