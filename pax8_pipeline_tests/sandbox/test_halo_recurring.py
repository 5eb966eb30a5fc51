"""Writing recurring invoices and their lines (docs/vendors/halo.md#writing, #line, #open-answers)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.sandbox.halo.nightly import nightly
from pax8_pipeline_tests.support.halo_http import (
    CLIENT,
    HEADER,
    LICENCE,
    LINE,
    MANUAL_LINE,
    HaloKit,
    running_halo,
    sample_tenant,
)

UPDATE = "/RecurringInvoice/updatelines"


@pytest.fixture
def halo() -> Iterator[HaloKit]:
    with running_halo() as kit:
        sample_tenant(kit.store)
        yield kit


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


MONEY = {"net_amount", "total_price", "net_total", "total_net_total", "total_costprice", "line_totals"}
CONVERTED = {"net_amount_converted", "total_price_converted", "total_price_monthly", "total_price_annual"}


# updatelines ----------------------------------------------------------------------------------------


def test_a_whole_line_sent_back_with_another_quantity_changes_that_alone(halo: HaloKit) -> None:
    before, other = halo.line(MANUAL_LINE), halo.line(LINE)
    halo.post(UPDATE, [{**before, "qty_order": 7}])
    after = halo.line(MANUAL_LINE)
    assert changed(before, after) == {"qty_order"} | MONEY | CONVERTED
    assert after["net_amount"] == 28
    assert halo.line(LINE) == other
    rows = halo.get("/InvoiceChange", invoice_id=HEADER, line_id=MANUAL_LINE)["invoicechanges"]
    assert [(r["field_name"], r["old_value"], r["new_value"]) for r in rows] == [("qty_order", "5.0", "7.0")]


def test_members_left_out_are_kept_or_blanked_per_switch(halo: HaloKit) -> None:
    halo.post(UPDATE, [{"id": LINE, "ihid": HEADER, "isinactive": True}])
    stored = halo.line()
    assert (stored["unit_price"], len(stored["quantity_subscriptions"]), stored["isinactive"]) == (22, 1, True)
    halo.store.switches.change({"updatelines_blanks_missing": True})
    halo.post(UPDATE, [{"id": LINE, "ihid": HEADER, "isinactive": False}])
    blank = halo.line()
    assert (blank["unit_price"], blank["quantity_subscriptions"], blank["item_shortdescription"]) == (0, [], "")
    assert len(halo.header()["lines"]) == 2


def test_a_whole_line_survives_the_blanking_switch(halo: HaloKit) -> None:
    halo.store.switches.change({"updatelines_blanks_missing": True})
    before = halo.line()
    halo.post(UPDATE, [{**before, "isinactive": True}])
    assert changed(before, halo.line()) == {"isinactive", "isActive"}


def test_a_line_as_a_list_without_links_shows_it_loses_its_links_when_blanking(halo: HaloKit) -> None:
    halo.store.switches.change({"updatelines_blanks_missing": True, "list_lines_without_links": True})
    listed = halo.get("/RecurringInvoice", includelines="true")["invoices"][0]["lines"][0]
    halo.post(UPDATE, [{**listed, "isinactive": True}])
    assert halo.line()["quantity_subscriptions"] == []


def test_null_members_are_taken_as_left_out(halo: HaloKit) -> None:
    before = halo.line()
    halo.post(UPDATE, [{**before, "quantity_subscriptions": None, "unit_price": None}])
    assert halo.line() == before


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_tenant_may_refuse_updatelines(halo: HaloKit, status: int) -> None:
    halo.store.switches.change({"updatelines_supported": status})
    assert halo.refused(UPDATE, [{**halo.line(MANUAL_LINE), "qty_order": 7}])[0] == status
    assert halo.line(MANUAL_LINE)["qty_order"] == 5
    assert halo.store.writes == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": MANUAL_LINE},
        {"ihid": HEADER, "qty_order": 7},
        {"id": 1, "ihid": HEADER},
        {"id": MANUAL_LINE, "ihid": -11},
        {"id": MANUAL_LINE, "ihid": HEADER, "qty_order": "7"},
        {"id": MANUAL_LINE, "ihid": HEADER, "isinactive": "true"},
        {"id": MANUAL_LINE, "ihid": HEADER, "_itemid": 999999},
        {"id": LINE, "ihid": HEADER, "quantity_subscriptions": [{"licence_id": 999999}]},
        {"id": LINE, "ihid": HEADER, "quantity_subscriptions": {}},
    ],
)
def test_a_bad_line_is_refused_and_its_good_sister_with_it(halo: HaloKit, wrong: dict[str, Any]) -> None:
    before = halo.header()
    status, _ = halo.refused(UPDATE, [{"id": MANUAL_LINE, "ihid": HEADER, "qty_order": 9}, wrong])
    assert status == 400
    assert halo.header() == before


def test_qty_order_written_on_a_followed_line_is_not_billed(halo: HaloKit) -> None:
    halo.store.switches.change({"qty_order_refresh": "at_creation"})
    halo.post(UPDATE, [{"id": LINE, "ihid": HEADER, "qty_order": 99}])
    assert halo.line()["qty_order"] == 99
    halo.wait(days=20)
    nightly(halo.store)
    made = halo.get("/Invoice", includelines="true")["invoices"][0]
    assert [line["qty_order"] for line in made["lines"]] == [18, 5]
    assert halo.line()["qty_order"] == 18


def test_computed_and_unknown_members_are_ignored(halo: HaloKit) -> None:
    before = halo.line(MANUAL_LINE)
    halo.post(UPDATE, [{"id": MANUAL_LINE, "ihid": HEADER, "net_amount": 1, "isActive": False, "surprise": 1}])
    assert halo.line(MANUAL_LINE) == before


def test_a_quantity_comes_back_as_a_double(halo: HaloKit) -> None:
    halo.post(UPDATE, [{"id": MANUAL_LINE, "ihid": HEADER, "qty_order": Decimal("2.50")}])
    assert str(halo.line(MANUAL_LINE)["qty_order"]) == "2.5"
    halo.post(UPDATE, [{"id": MANUAL_LINE, "ihid": HEADER, "qty_order": 3}])
    assert str(halo.line(MANUAL_LINE)["qty_order"]) == "3.0"


def test_computed_money_may_carry_the_noise_of_doubles(halo: HaloKit) -> None:
    halo.post(UPDATE, [{"id": MANUAL_LINE, "ihid": HEADER, "qty_order": 18, "unit_price": Decimal("22.3")}])
    assert halo.line(MANUAL_LINE)["net_amount"] == Decimal("401.4")
    halo.store.switches.change({"double_noise": True})
    assert str(halo.line(MANUAL_LINE)["net_amount"]) == "401.40000000000003"


def test_a_pro_rata_entry_can_be_added_by_hand_and_gets_a_number(halo: HaloKit) -> None:
    entry = {"date": "2026-01-10T00:00:00Z", "quantity": 2, "unitprice": 4}
    halo.post(UPDATE, [{**halo.line(MANUAL_LINE), "prorata_data": [entry]}])
    (stored,) = halo.line(MANUAL_LINE)["prorata_data"]
    assert stored["id"] > 0
    assert (stored["invoicedetailid"], stored["date"]) == (MANUAL_LINE, "2026-01-10T00:00:00")


def test_line_custom_fields_exist_only_where_the_tenant_has_them(halo: HaloKit) -> None:
    body = [{"id": LINE, "ihid": HEADER, "customfields": [{"name": "CFKey", "value": "k"}]}]
    halo.post(UPDATE, body)
    assert halo.line()["customfields"] == []
    halo.store.define_custom_field("line", "CFKey")
    halo.post(UPDATE, body)
    assert [(f["name"], f["value"]) for f in halo.line()["customfields"]] == [("CFKey", "k")]


# POST /RecurringInvoice -----------------------------------------------------------------------------


def test_a_header_without_lines_keeps_them(halo: HaloKit) -> None:
    lines = halo.header()["lines"]
    halo.post("/RecurringInvoice", [{"id": HEADER, "reference": "New"}])
    assert halo.header()["lines"] == lines
    assert halo.header()["reference"] == "New"


def test_lines_left_out_of_the_set_are_deleted_or_kept_per_switch(halo: HaloKit) -> None:
    halo.store.switches.change({"lines_omission_deletes": False})
    body = [{"id": HEADER, "lines": [halo.line(MANUAL_LINE)]}]
    halo.post("/RecurringInvoice", body)
    assert [line["id"] for line in halo.header()["lines"]] == [LINE, MANUAL_LINE]
    halo.store.switches.change({"lines_omission_deletes": True})
    halo.post("/RecurringInvoice", body)
    assert [line["id"] for line in halo.header()["lines"]] == [MANUAL_LINE]


def test_members_left_out_of_a_sent_line_are_blanked_or_kept_per_switch(halo: HaloKit) -> None:
    short = [{"id": HEADER, "lines": [halo.line(LINE), {"id": MANUAL_LINE, "qty_order": 7}]}]
    halo.store.switches.change({"header_lines_blank_missing": False})
    halo.post("/RecurringInvoice", short)
    assert (halo.line(MANUAL_LINE)["qty_order"], halo.line(MANUAL_LINE)["unit_price"]) == (7, 4)
    halo.store.switches.change({"header_lines_blank_missing": True})
    halo.post("/RecurringInvoice", short)
    assert (halo.line(MANUAL_LINE)["qty_order"], halo.line(MANUAL_LINE)["unit_price"]) == (7, 0)


def test_every_line_as_read_with_one_change_is_the_safe_fallback(halo: HaloKit) -> None:
    before = halo.header()
    lines = [{**line, "qty_order": 7} if line["id"] == MANUAL_LINE else line for line in before["lines"]]
    halo.post("/RecurringInvoice", [{"id": HEADER, "lines": lines}])
    after = halo.header()
    assert after["lines"][0] == before["lines"][0]
    assert changed(before["lines"][1], after["lines"][1]) == {"qty_order"} | MONEY | CONVERTED


def test_new_lines_come_with_the_set_or_beside_it(halo: HaloKit) -> None:
    halo.post("/RecurringInvoice", [{"id": HEADER, "add_lines": [{"_itemid": 90, "qty_order": 2, "baseprice": 3}]}])
    added = halo.header()["lines"][-1]
    assert (added["id"] > MANUAL_LINE, added["ihid"], added["unit_price"]) == (True, HEADER, 3)
    assert added["item_shortdescription"] == "Backup seat"
    halo.post("/RecurringInvoice", [{"id": HEADER, "lines": [*halo.header()["lines"], {"qty_order": 1}]}])
    assert len(halo.header()["lines"]) == 4


def test_a_line_of_another_invoice_or_twice_the_same_is_refused(halo: HaloKit) -> None:
    line = halo.line()
    for lines in ([line, line], [{**line, "id": 1}]):
        assert halo.refused("/RecurringInvoice", [{"id": HEADER, "lines": lines}])[0] == 400
    assert len(halo.header()["lines"]) == 2


def test_change_seq_rises_by_one_per_save(halo: HaloKit) -> None:
    halo.post("/RecurringInvoice", [{"id": HEADER, "reference": "New"}])
    halo.wait(hours=1)
    halo.post(UPDATE, [{"id": LINE, "ihid": HEADER, "comment_1": "x"}])
    header = halo.header()
    assert (header["change_seq"], header["last_change_seq"]) == (3, 2)
    assert header["last_modified"] == "2026-01-15T04:00:00"


@pytest.mark.parametrize(
    ("how", "status", "warned"), [("ignored", 201, False), ("warning", 201, True), ("400", 400, False)]
)
def test_a_stale_change_seq_does_what_the_switch_says(halo: HaloKit, how: str, status: int, warned: bool) -> None:
    halo.store.switches.change({"stale_change_seq": how})
    seq = halo.header()["change_seq"]
    halo.post("/RecurringInvoice", [{"id": HEADER, "reference": "One", "change_seq": seq}])
    answer = halo.call("POST", "/RecurringInvoice", body=[{"id": HEADER, "reference": "Two", "change_seq": seq}])
    assert answer.status_code == status
    assert ("_warning" in answer.json()) is warned
    assert halo.header()["reference"] == ("One" if status == 400 else "Two")
    forced = {"id": HEADER, "reference": "Three", "change_seq": seq, "ignore_change_seq": True}
    assert "_warning" not in halo.post("/RecurringInvoice", [forced])


def test_lines_can_be_added_by_their_own_endpoint(halo: HaloKit) -> None:
    made = halo.post("/RecurringInvoice/Lines", [{"ihid": HEADER, "item_shortdescription": "New", "qty_order": 1}])
    assert [line["id"] for line in halo.header()["lines"]] == [LINE, MANUAL_LINE, made["id"]]
    assert halo.refused("/RecurringInvoice/Lines", [{"ihid": 5, "item_shortdescription": "New"}])[0] == 400


def test_a_new_recurring_invoice_gets_a_negative_number(halo: HaloKit) -> None:
    made = halo.post("/RecurringInvoice", [{"client_id": CLIENT, "lines": [{"item_shortdescription": "x"}]}])
    assert made["id"] < HEADER
    assert halo.refused("/RecurringInvoice", [{"reference": "no client"}])[0] == 400


def test_process_and_delete_do_their_harm_and_are_reported(halo: HaloKit) -> None:
    halo.call("POST", "/RecurringInvoice/process", body=[HEADER])
    assert len(halo.store.invoices) == 1
    halo.call("DELETE", f"/RecurringInvoice/{HEADER}")
    assert halo.store.recurring_invoices == {}
    assert [v["path"] for v in halo.store.violations] == ["/RecurringInvoice/process", f"/RecurringInvoice/{HEADER}"]
    assert halo.store.writes == []


def test_the_writes_are_remembered_in_order(halo: HaloKit) -> None:
    halo.post("/SoftwareLicence", [{"id": LICENCE, "client_id": CLIENT, "count": 20}])
    halo.post(UPDATE, [{"id": LINE, "ihid": HEADER, "comment_1": "x"}])
    assert [(w["method"], w["path"]) for w in halo.store.writes] == [("POST", "/SoftwareLicence"), ("POST", UPDATE)]
    assert halo.store.writes[1]["body"] == [{"id": LINE, "ihid": HEADER, "comment_1": "x"}]


def test_everything_read_and_sent_back_unchanged_leaves_no_change_row(halo: HaloKit) -> None:
    header = halo.header()
    stored = dict(halo.store.recurring_invoices[HEADER]["lines"][0])
    halo.post("/RecurringInvoice", [header])
    halo.post("/SoftwareLicence", [halo.get(f"/SoftwareLicence/{LICENCE}", includedetails="true")])
    assert halo.store.invoice_changes == halo.store.licence_changes == []
    assert halo.store.recurring_invoices[HEADER]["lines"][0] == stored
    assert halo.store.violations == []
