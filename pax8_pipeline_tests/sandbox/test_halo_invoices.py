"""Ordinary invoices and how Halo makes them from recurring ones (docs/vendors/halo.md#recurring-invoice, #invoice)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.sandbox.halo import invoicing
from pax8_pipeline.sandbox.halo.nightly import nightly
from pax8_pipeline_tests.support.halo_http import (
    CLIENT,
    HEADER,
    ITEM,
    LICENCE,
    LINE,
    MANUAL_LINE,
    HaloKit,
    running_halo,
    sample_tenant,
)

USAGE = {
    "client_id": CLIENT,
    "invoice_date": "2026-02-05T00:00:00",
    "reference": "PAX8-USAGE 2026-01 5f2b7c1e",
    "lines": [
        {
            "_itemid": ITEM,
            "item_shortdescription": "Azure usage January 2026",
            "qty_order": 1,
            "unit_price": Decimal("143.27"),
            "baseprice": Decimal("143.27"),
            "unit_cost": Decimal("124.58"),
        }
    ],
}


@pytest.fixture
def halo() -> Iterator[HaloKit]:
    with running_halo() as kit:
        sample_tenant(kit.store)
        yield kit


def stored_line(halo: HaloKit, number: int = LINE) -> dict[str, Any]:
    return next(line for line in halo.store.recurring_invoices[HEADER]["lines"] if line["id"] == number)


def bill(halo: HaloKit, on: date = date(2026, 2, 1)) -> Any:
    number = invoicing.make_invoice(halo.store, halo.store.recurring_invoices[HEADER], on)
    return halo.get(f"/Invoice/{number}", includedetails="true")


# Through the API ------------------------------------------------------------------------------------


def test_a_posted_invoice_is_made_unposted_with_a_positive_number(halo: HaloKit) -> None:
    made = halo.post("/Invoice", [USAGE])
    read = halo.get(f"/Invoice/{made['id']}", includedetails="true")
    assert made["id"] > 0
    assert (read["posted"], read["reference"], read["client_name"]) == (False, USAGE["reference"], "Northwind Dental")
    assert (read["total"], read["lines"][0]["net_amount"]) == (Decimal("143.27"), Decimal("143.27"))
    assert read["lines"][0]["id"] > MANUAL_LINE


def test_two_equal_posts_make_two_invoices(halo: HaloKit) -> None:
    assert halo.post("/Invoice", [USAGE])["id"] != halo.post("/Invoice", [USAGE])["id"]
    assert len(halo.store.invoices) == 2


@pytest.mark.parametrize("wrong", [{"client_id": 0}, {"client_id": 999999}, {"lines": {}}, {"invoice_date": "soon"}])
def test_a_bad_invoice_is_refused(halo: HaloKit, wrong: dict[str, Any]) -> None:
    assert halo.refused("/Invoice", [{**USAGE, **wrong}])[0] == 400
    assert halo.store.invoices == {}


def test_an_invoice_cannot_be_made_posted_or_bill_a_ticket(halo: HaloKit) -> None:
    lines = [{**USAGE["lines"][0], "entity_type": "labour", "ticket_id": 7}]  # type: ignore[index]
    made = halo.post("/Invoice", [{**USAGE, "posted": True, "lines": lines}])
    assert made["posted"] is False
    assert {v["why"] for v in halo.store.violations} == {
        "`posted` was sent",
        "`entity_type` was sent",
        "`ticket_id` was sent",
    }


def test_an_unposted_invoice_can_be_changed_and_a_posted_one_cannot(halo: HaloKit) -> None:
    made = halo.post("/Invoice", [USAGE])
    line = made["lines"][0]
    halo.post("/Invoice", [{"id": made["id"], "internal_note": "seen"}])
    halo.post("/Invoice/updatelines", [{**line, "qty_order": 2}])
    assert halo.get(f"/Invoice/{made['id']}")["total"] == Decimal("286.54")
    halo.store.invoices[made["id"]]["posted"] = True
    assert halo.refused("/Invoice", [{"id": made["id"], "internal_note": "late"}])[0] == 400
    assert halo.refused("/Invoice/updatelines", [{**line, "qty_order": 3}])[0] == 400
    assert len(halo.store.violations) == 2
    assert halo.get(f"/Invoice/{made['id']}")["total"] == Decimal("286.54")


def test_an_invoice_custom_field_is_kept_only_where_the_tenant_has_it(halo: HaloKit) -> None:
    fields = [{"name": "CFPax8UsageKey", "value": "k"}]
    assert halo.post("/Invoice", [{**USAGE, "customfields": fields}])["customfields"] == []
    halo.store.define_custom_field("invoice", "CFPax8UsageKey")
    assert halo.post("/Invoice", [{**USAGE, "customfields": fields}])["customfields"][0]["value"] == "k"


def test_voiding_is_done_and_reported(halo: HaloKit) -> None:
    made = halo.post("/Invoice", [USAGE])
    assert halo.call("POST", f"/Invoice/{made['id']}/void").status_code == 200
    assert halo.store.invoices[made["id"]]["voided"] is True
    assert halo.store.violations[-1]["path"] == f"/Invoice/{made['id']}/void"


# From a recurring invoice ---------------------------------------------------------------------------


def test_an_invoice_bills_what_its_lines_follow_and_says_where_from(halo: HaloKit) -> None:
    halo.store.licences[LICENCE]["count"] = 20
    made = bill(halo)
    assert [(line["qty_order"], line["recurring_invoice_line_id"]) for line in made["lines"]] == [
        (20, LINE),
        (5, MANUAL_LINE),
    ]
    assert {line["recurring_invoice_id"] for line in made["lines"]} == {HEADER}
    assert (made["total"], made["posted"]) == (20 * 22 + 5 * 4, False)
    assert (made["period_start_date"][:10], made["period_end_date"][:10]) == ("2026-02-01", "2026-02-28")


def test_the_next_creation_date_moves_on_by_the_period_and_the_invoice_is_listed(halo: HaloKit) -> None:
    made = bill(halo)
    header = halo.header()
    assert header["nextcreationdate"] == "2026-03-01T00:00:00"
    assert header["lastcreated"] == "2026-02-01T00:00:00"
    assert [invoice["id"] for invoice in header["invoices"]] == [made["id"]]


@pytest.mark.parametrize(
    ("period", "expected"),
    [(1, "2026-02-07"), (2, "2026-02-28"), (3, "2027-01-31"), (4, "2026-04-30"), (5, "2026-07-31"), (7, "2029-01-31")],
)
def test_periods_keep_to_the_month_end(period: int, expected: str) -> None:
    assert invoicing.next_date(date(2026, 1, 31), period) == date.fromisoformat(expected)


def test_inactive_dated_reviewed_and_finished_lines_are_left_out(halo: HaloKit) -> None:
    for kept_out in (
        {"isinactive": True},
        {"startdate": "2026-03-01T00:00:00"},
        {"enddate": "2026-01-31T00:00:00"},
        {"needsreviewbeforecreation": True},
        {"onetimecharge": True, "onetimechargeinvoiceid": 7},
    ):
        before = dict(stored_line(halo))
        stored_line(halo).update(kept_out)
        assert [line["recurring_invoice_line_id"] for line in bill(halo)["lines"]] == [MANUAL_LINE], kept_out
        stored_line(halo).update(before)


def test_a_one_time_line_bills_once(halo: HaloKit) -> None:
    stored_line(halo, MANUAL_LINE)["onetimecharge"] = True
    first, second = bill(halo), bill(halo)
    assert (len(first["lines"]), len(second["lines"])) == (2, 1)
    assert stored_line(halo, MANUAL_LINE)["onetimechargeinvoiceid"] == first["id"]


def test_new_seats_are_billed_for_the_rest_of_their_period_on_the_next_invoice(halo: HaloKit) -> None:
    halo.wait(days=1)  # 16 January: 16 of 31 days are left
    halo.post("/SoftwareLicence", [{"id": LICENCE, "client_id": CLIENT, "count": 20}])
    made = bill(halo)
    lines = [(line["qty_order"], line["unit_price"]) for line in made["lines"]]
    assert lines == [(20, 22), (2, Decimal("11.35")), (5, 4)]
    assert stored_line(halo)["prorata_data"] == []
    assert [line["qty_order"] for line in bill(halo)["lines"]] == [20, 5]


def test_a_manual_entry_is_added_to_the_line_once_billed(halo: HaloKit) -> None:
    line = halo.line(MANUAL_LINE)
    entry = {"date": "2026-01-16T00:00:00", "quantity": 2, "unitprice": 4}
    halo.post("/RecurringInvoice/updatelines", [{**line, "prorata_data": [entry]}])
    assert [made["qty_order"] for made in bill(halo)["lines"]] == [18, 5, 2]
    assert [made["qty_order"] for made in bill(halo)["lines"]] == [18, 7]


def test_an_entry_dated_after_the_invoices_start_waits(halo: HaloKit) -> None:
    halo.wait(days=20)
    halo.post("/SoftwareLicence", [{"id": LICENCE, "client_id": CLIENT, "count": 20}])
    assert len(bill(halo)["lines"]) == 2
    assert len(stored_line(halo)["prorata_data"]) == 1
    assert len(bill(halo)["lines"]) == 3


# Nights ---------------------------------------------------------------------------------------------


def test_a_night_makes_what_is_due_and_catches_up(halo: HaloKit) -> None:
    nightly(halo.store)
    assert halo.store.invoices == {}
    halo.wait(days=50)
    nightly(halo.store)
    assert [i["invoice_date"][:10] for i in halo.store.invoices.values()] == ["2026-02-01", "2026-03-01"]


@pytest.mark.parametrize(
    "held", [{"disabled": True}, {"enddate": "2026-01-20T00:00:00"}, {"nextcreationdate": "1900-01-01T00:00:00"}]
)
def test_a_stopped_recurring_invoice_makes_none(halo: HaloKit, held: dict[str, Any]) -> None:
    halo.store.recurring_invoices[HEADER].update(held)
    halo.wait(days=50)
    nightly(halo.store)
    assert halo.store.invoices == {}


def test_nothing_is_made_by_itself_when_switched_off(halo: HaloKit) -> None:
    halo.store.switches.change({"auto_invoice": False})
    halo.wait(days=50)
    nightly(halo.store)
    assert halo.store.invoices == {}


def test_native_sync_overwrites_our_count_at_night(halo: HaloKit) -> None:
    halo.store.native_counts = lambda: {"C0FFEE00-0000-4000-8000-00000000A001": 11}
    halo.post("/SoftwareLicence", [{"id": LICENCE, "client_id": CLIENT, "count": 20}])
    nightly(halo.store)
    assert halo.store.licences[LICENCE]["count"] == 20
    halo.store.switches.change({"native_sync": "on"})
    nightly(halo.store)
    assert halo.store.licences[LICENCE]["count"] == 11
    assert halo.store.licence_changes[-1]["who"] == "Halo Integrator"


def test_native_sync_may_switch_off_licences_it_does_not_know(halo: HaloKit) -> None:
    halo.store.switches.change({"native_sync": "on"})
    halo.store.native_counts = dict
    nightly(halo.store)
    assert halo.store.licences[LICENCE]["is_active"] is True
    halo.store.integration["deactivate_missing_licenses"] = True
    nightly(halo.store)
    assert halo.store.licences[LICENCE]["is_active"] is False


def test_the_accounts_may_post_and_renumber_invoices(halo: HaloKit) -> None:
    made = halo.post("/Invoice", [{**USAGE, "thirdpartyinvoicenumber": "PAX8-USAGE"}])["id"]
    nightly(halo.store)
    assert (halo.store.invoices[made]["posted"], halo.store.invoices[made]["thirdpartyinvoicenumber"]) == (
        False,
        "PAX8-USAGE",
    )
    halo.store.switches.change({"accounting_sync": True, "accounting_sync_overwrites_thirdparty": True})
    nightly(halo.store)
    assert halo.store.invoices[made]["posted"] is True
    assert halo.store.invoices[made]["thirdpartyinvoicenumber"] == f"INV-{made:06d}"
