"""What Halo may do with a write, as switches of the emulator, and what must never be called
(docs/vendors/halo.md#open-answers).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pax8_pipeline_tests.support.halo_http import (
    CLIENT,
    HEADER,
    LICENCE,
    MANUAL_LINE,
    HaloKit,
    running_halo,
    sample_tenant,
)

LINES = "/RecurringInvoice/updatelines"
COUNT = {"id": LICENCE, "client_id": CLIENT, "count": 20}


@pytest.fixture
def halo() -> Iterator[HaloKit]:
    with running_halo() as kit:
        sample_tenant(kit.store)
        yield kit


def manual(halo: HaloKit, **changes: Any) -> dict[str, Any]:
    return {**halo.line(MANUAL_LINE), **changes}


@pytest.mark.parametrize("path", ["/IntegrationData/AdjustQty/Pax8", "/integrationdata/adjustqty/pax8"])
def test_an_order_through_halo_is_done_and_recorded_as_a_fault(halo: HaloKit, path: str) -> None:
    halo.post(path, {"licence_id": LICENCE, "current_quantity": 18, "new_quantity": 30})
    (violation,) = halo.store.violations
    assert "can order there" in str(violation)
    licence = halo.get(f"/SoftwareLicence/{LICENCE}")
    assert (licence["count"], licence["requested_quantity"]) == (18, 30)
    assert licence["requested_quantity_date"].startswith("2026-01-15")


def test_even_a_read_of_integration_data_is_recorded(halo: HaloKit) -> None:
    halo.get("/IntegrationData/Get/Pax8", resource="companies")
    assert len(halo.store.violations) == 1


def test_who_and_what_answers(halo: HaloKit) -> None:
    assert halo.get("/InstanceInfo")["app_version"] == "2.210.1"
    assert halo.get("/Agent/me")["name"] == "Pax8 Pipeline (API)"
    halo.store.switches.change({"instance_info": False})
    assert halo.call("GET", "/InstanceInfo").status_code == 404
    assert halo.store.violations == []


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(("shape", "key"), [("object", ""), ("array", ""), ("envelope", "licences")])
def test_the_reply_to_one_element_has_three_shapes(halo: HaloKit, shape: str, key: str, status: int) -> None:
    halo.store.switches.change({"post_reply": shape, "post_status": status})
    answer = halo.call("POST", "/SoftwareLicence", body=[COUNT])
    body = answer.json()
    saved = body if shape == "object" else body[0] if shape == "array" else body[key][0]
    assert (answer.status_code, saved["id"], saved["count"]) == (status, LICENCE, 20)


def test_lines_and_invoices_have_their_own_envelopes(halo: HaloKit) -> None:
    halo.store.switches.change({"post_reply": "envelope"})
    assert halo.post(LINES, [manual(halo, qty_order=7)])["lines"][0]["id"] == MANUAL_LINE
    made = halo.post("/Invoice", [{"client_id": CLIENT, "lines": [{"qty_order": 1}]}])
    assert made["invoices"][0]["id"] > 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/SoftwareLicence", [COUNT]),
        (LINES, [{"id": MANUAL_LINE, "ihid": HEADER, "qty_order": 7}]),
        ("/Invoice", [{"client_id": CLIENT, "lines": [{"qty_order": 1}]}]),
    ],
)
def test_a_write_may_be_answered_and_not_done(halo: HaloKit, path: str, body: Any) -> None:
    before = (halo.header(), halo.get(f"/SoftwareLicence/{LICENCE}"), dict(halo.store.invoices))
    halo.store.switches.change({"ignored_writes": [path.strip("/")]})
    assert halo.call("POST", path, body=body).status_code == 201
    assert (halo.header(), halo.get(f"/SoftwareLicence/{LICENCE}"), halo.store.invoices) == before


@pytest.mark.parametrize(("mode", "saves"), [("nothing_saved", 0), ("header_saved", 1)])
def test_two_savings_at_once_end_in_a_refusal_that_names_the_part(halo: HaloKit, mode: str, saves: int) -> None:
    """The header may be saved, and then its lines are not."""
    before = halo.header()
    halo.store.switches.change({"contested_save": mode})
    status, body = halo.refused(LINES, [manual(halo, qty_order=7)])
    assert status == 400
    assert "invoice lines: the database operation was expected to affect 1 row(s)" in body["message"]
    after = halo.header()
    assert after["lines"] == before["lines"]
    assert after["change_seq"] == before["change_seq"] + saves


def test_an_invoice_may_be_there_without_its_lines_after_a_refusal(halo: HaloKit) -> None:
    halo.store.switches.change({"contested_save": "header_saved"})
    halo.refused("/Invoice", [{"client_id": CLIENT, "reference": "PAX8-USAGE x", "lines": [{"qty_order": 1}]}])
    (made,) = halo.store.invoices.values()
    assert (made["reference"], made["lines"]) == ("PAX8-USAGE x", [])
