"""How the emulated Halo makes clients and new lines (docs/vendors/halo.md#client, #line)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pax8_pipeline_tests.support.halo_http import CLIENT, HEADER, ITEM, LINE, HaloKit, running_halo, sample_tenant

FIELD = "CFPax8CompanyId"
COMPANY = "5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11"
NEW = {"name": "Harbour Lane Print", "customfields": [{"name": FIELD, "value": COMPANY}]}
LINE_BODY = {"ihid": HEADER, "_itemid": ITEM, "qty_order": 3}


@pytest.fixture
def halo() -> Iterator[HaloKit]:
    with running_halo() as kit:
        sample_tenant(kit.store)
        yield kit


def test_a_client_is_made_with_its_custom_field_where_the_tenant_has_it(halo: HaloKit) -> None:
    halo.store.define_custom_field("client", FIELD)
    made = halo.post("/Client", [NEW])
    shown = halo.get(f"/Client/{made['id']}", includedetails="true")
    assert (shown["name"], shown["customfields"][0]["value"]) == ("Harbour Lane Print", COMPANY)
    halo.store.custom_fields["client"].clear()
    assert halo.post("/Client", [NEW])["customfields"] == []
    assert halo.store.violations == []


def test_a_client_without_a_name_is_refused_and_a_change_of_one_is_recorded_as_a_fault(halo: HaloKit) -> None:
    assert halo.refused("/Client", [{"customfields": []}])[0] == 400
    halo.post("/Client", [{**NEW, "id": CLIENT}])
    assert len(halo.store.violations) == 1


def test_making_a_client_needs_its_own_scope(halo: HaloKit) -> None:
    halo.store.switches.scopes.remove("edit:customers")
    assert halo.refused("/Client", [NEW])[0] == 401


def test_a_new_line_leaves_the_others_unless_the_switch_says_otherwise(halo: HaloKit) -> None:
    before = [line["id"] for line in halo.header()["lines"]]
    made = halo.post("/RecurringInvoice/Lines", [LINE_BODY])
    assert [line["id"] for line in halo.header()["lines"]] == [*before, made["id"]]
    halo.store.switches.change({"lines_call_replaces": True})
    made = halo.post("/RecurringInvoice/Lines", [LINE_BODY])
    assert [line["id"] for line in halo.header()["lines"]] == [made["id"]]
    assert LINE in before


@pytest.mark.parametrize("status", [404, 405])
def test_a_halo_without_the_call_for_new_lines_refuses_it(halo: HaloKit, status: int) -> None:
    halo.store.switches.change({"lines_call_supported": status})
    assert halo.refused("/RecurringInvoice/Lines", [LINE_BODY])[0] == status
