"""Lists, paging and details of the Halo emulator (docs/vendors/halo.md#lists)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pax8_pipeline_tests.support.halo_http import CLIENT, HEADER, LICENCE, LINE, HaloKit, running_halo, sample_tenant

PAGED = {"pageinate": "true", "order": "id"}


@pytest.fixture
def halo() -> Iterator[HaloKit]:
    with running_halo() as kit:
        sample_tenant(kit.store)
        yield kit


@pytest.fixture
def crowd(halo: HaloKit) -> HaloKit:
    """A tenant with 120 clients more, given in falling order of name."""
    for number in range(120, 0, -1):
        halo.store.add_client(name=f"Client {number:03d}")
    return halo


def ids(body: Any, key: str = "clients") -> list[int]:
    return [row["id"] for row in body[key]]


def test_page_parameters_mean_nothing_without_pageinate(crowd: HaloKit) -> None:
    body = crowd.get("/Client", page_no="2", page_size="10")
    assert len(body["clients"]) == body["record_count"] == 121
    assert "page_no" not in body


def test_a_page_holds_fifty_unless_told(crowd: HaloKit) -> None:
    pages = [crowd.get("/Client", **PAGED, page_no=str(n)) for n in (1, 2, 3, 4)]
    assert [len(page["clients"]) for page in pages] == [50, 50, 21, 0]
    assert {page["record_count"] for page in pages} == {121}
    assert len({number for page in pages for number in ids(page)}) == 121
    assert ids(pages[0]) == sorted(ids(pages[0]))


def test_a_tenant_may_cap_the_page(crowd: HaloKit) -> None:
    crowd.store.switches.change({"page_cap": 7})
    body = crowd.get("/Client", **PAGED, page_size="100")
    assert (len(body["clients"]), body["record_count"]) == (7, 121)


def test_count_limits_the_rows_and_is_then_the_record_count(crowd: HaloKit) -> None:
    body = crowd.get("/Client", count="5")
    assert (len(body["clients"]), body["record_count"]) == (5, 5)


@pytest.mark.parametrize(("how", "shown"), [("true", 121), ("too_small", 60), ("fifty", 50)])
def test_record_count_may_lie(crowd: HaloKit, how: str, shown: int) -> None:
    crowd.store.switches.change({"record_count": how})
    assert crowd.get("/Client", **PAGED)["record_count"] == shown


def test_a_page_may_come_twice_and_nothing_is_lost(crowd: HaloKit) -> None:
    crowd.store.switches.change({"repeated_page": True})
    pages = [ids(crowd.get("/Client", **PAGED, page_no=str(n))) for n in range(1, 6)]
    assert pages[0] == pages[1]
    assert pages[4] == []
    assert len({number for page in pages for number in page}) == 121


def test_the_last_page_may_come_for_ever(crowd: HaloKit) -> None:
    crowd.store.switches.change({"repeated_page": "endless"})
    third, tenth = (ids(crowd.get("/Client", **PAGED, page_no=str(n))) for n in (3, 10))
    assert third == tenth
    assert len(third) == 21


def test_without_an_order_rows_do_not_come_by_id(crowd: HaloKit) -> None:
    plain = ids(crowd.get("/Client"))
    assert plain != sorted(plain)
    assert ids(crowd.get("/Client", order="id", orderdesc="true")) == sorted(plain, reverse=True)


def test_inactive_rows_are_hidden_unless_asked_for(halo: HaloKit) -> None:
    halo.store.add_client(name="Gone", inactive=True)
    halo.store.add_item(name="Gone", status=1)
    halo.store.add_licence(name="Gone", client_id=CLIENT, is_active=False)
    for path, key in (("/Client", "clients"), ("/Item", "items"), ("/SoftwareLicence", "licences")):
        shown = halo.get(path)["record_count"]
        assert halo.get(path, includeinactive="true")["record_count"] == shown + 1, key


def test_a_deleted_licence_is_never_listed(halo: HaloKit) -> None:
    halo.store.add_licence(name="Deleted", client_id=CLIENT, deleted=True)
    assert ids(halo.get("/SoftwareLicence", includeinactive="true"), "licences") == [LICENCE]


def test_resource_names_are_case_insensitive(halo: HaloKit) -> None:
    assert halo.get("/softwareLICENCE")["licences"] == halo.get("/SoftwareLicence")["licences"]


@pytest.mark.parametrize("path", ["/Licence", "/Clients", f"/Client/{CLIENT}/Sites"])
def test_a_wrong_resource_is_an_html_404(halo: HaloKit, path: str) -> None:
    answer = halo.call("GET", path)
    assert answer.status_code == 404
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_wrong_id_is_an_empty_404_and_a_malformed_one_a_400(halo: HaloKit) -> None:
    answer = halo.call("GET", "/Client/999999")
    assert (answer.status_code, answer.content) == (404, b"")
    assert halo.call("GET", "/Client/abc").status_code == 400
    assert halo.call("GET", "/RecurringInvoice", params={"client_id": "abc"}).status_code == 400


def test_list_rows_carry_no_custom_fields_and_details_do(halo: HaloKit) -> None:
    listed = halo.get("/Client")["clients"][0]
    assert (listed["customfields"], listed["external_links"]) == (None, None)
    plain = halo.get(f"/Client/{CLIENT}")
    assert plain["customfields"] is None
    full = halo.get(f"/Client/{CLIENT}", includedetails="true")
    assert full["customfields"][0]["name"] == "CFPax8CompanyId"
    assert full["external_links"][0]["halo_id"] == CLIENT


def test_lists_hold_lines_only_when_asked(halo: HaloKit) -> None:
    assert halo.get("/RecurringInvoice")["invoices"][0]["lines"] is None
    assert halo.get(f"/RecurringInvoice/{HEADER}")["lines"] is None
    lines = halo.get("/RecurringInvoice", includelines="true")["invoices"][0]["lines"]
    assert lines[0]["quantity_subscriptions"][0]["licence_id"] == LICENCE
    assert lines[0]["customfields"] is None


def test_links_of_a_line_may_be_kept_for_the_detail(halo: HaloKit) -> None:
    halo.store.switches.change({"list_lines_without_links": True})
    line = halo.get("/RecurringInvoice", includelines="true")["invoices"][0]["lines"][0]
    assert line["quantity_subscriptions"] is None
    assert line["qty_order"] == 18
    assert halo.line(LINE)["quantity_subscriptions"][0]["licence_id"] == LICENCE


def test_invoices_are_found_by_client_date_and_third_party_number(halo: HaloKit) -> None:
    other = halo.store.add_client(name="Other")
    early = halo.store.add_invoice(client_id=CLIENT, invoice_date="2026-01-05T00:00:00", lines=[])
    late = halo.store.add_invoice(client_id=CLIENT, invoice_date="2026-02-05T00:00:00", lines=[])
    halo.store.add_invoice(client_id=other, thirdpartyinvoicenumber="INV-1", posted=True, lines=[])
    window = {"datesearch": "invoice_date", "start_date": "2026-01-06", "end_date": "2026-02-05", "client_id": CLIENT}
    assert ids(halo.get("/Invoice", **window), "invoices") == [late]
    assert ids(halo.get("/Invoice", client_ids=f"{CLIENT}"), "invoices") == [late, early]
    assert len(ids(halo.get("/Invoice", third_party_id="INV-1"), "invoices")) == 1
    assert len(ids(halo.get("/Invoice", notpostedonly="true"), "invoices")) == 2
    halo.store.switches.change({"date_search_supported": False})
    assert ids(halo.get("/Invoice", **window), "invoices") == [late, early]


@pytest.mark.parametrize(("several", "shown"), [("all", 2), ("first", 1), ("ignored", 3)])
def test_a_filter_with_several_clients_is_read_as_the_switch_says(halo: HaloKit, several: str, shown: int) -> None:
    clients = [CLIENT, halo.store.add_client(name="Second"), halo.store.add_client(name="Third")]
    for client in clients:
        halo.store.add_invoice(client_id=client, lines=[])
    halo.store.switches.change({"several_clients": several})
    assert len(ids(halo.get("/Invoice", client_ids=f"{clients[0]},{clients[1]}"), "invoices")) == shown


def test_search_on_invoices_covers_only_the_columns_of_the_switch(halo: HaloKit) -> None:
    halo.store.add_invoice(client_id=CLIENT, reference="PAX8-USAGE 2026-01 x", lines=[])
    assert len(halo.get("/Invoice", search="pax8-usage")["invoices"]) == 1
    halo.store.switches.change({"invoice_search_columns": []})
    assert halo.get("/Invoice", search="pax8-usage")["invoices"] == []


def test_recurring_invoices_are_negative_and_not_among_the_ordinary(halo: HaloKit) -> None:
    made = halo.store.add_recurring_invoice(client_id=CLIENT, lines=[])
    assert made == HEADER - 1
    assert halo.get("/Invoice")["invoices"] == []
    row = halo.get(f"/RecurringInvoice/{HEADER}")
    assert (row["invoicenumber"], row["is_recurring_invoice"]) == ("85", True)


def test_an_external_link_is_found_by_its_third_party_id(halo: HaloKit) -> None:
    link = halo.get("/ExternalLink", third_party_id="5f2b7c1e-0000-4000-8000-000000000001")["externallinks"][0]
    assert link["halo_id"] == CLIENT
    assert halo.get("/ExternalLink", third_party_id="none")["externallinks"] == []
    halo.store.switches.change({"unknown_envelopes": "bare"})
    assert len(halo.get("/ExternalLink")) == 1


def test_unknown_parameters_are_ignored(halo: HaloKit) -> None:
    assert halo.get("/Client", whatever="1")["record_count"] == 1


def test_times_carry_no_offset_and_no_date_is_1900(halo: HaloKit) -> None:
    row = halo.get(f"/RecurringInvoice/{HEADER}")
    assert row["last_modified"] == "2026-01-15T03:00:00"
    assert row["enddate"] == "1900-01-01T00:00:00"


def test_some_times_may_carry_a_z_and_can_be_written_back(halo: HaloKit) -> None:
    halo.store.switches.change({"zoned_times": True})
    row = halo.get(f"/RecurringInvoice/{HEADER}")
    assert (row["nextcreationdate"], row["enddate"]) == ("2026-02-01T00:00:00Z", "1900-01-01T00:00:00")
    halo.post("/RecurringInvoice", [row])
    assert halo.store.recurring_invoices[HEADER]["nextcreationdate"] == "2026-02-01T00:00:00"


@pytest.mark.parametrize("path", ["/LicenceChange", "/InvoiceChange"])
def test_a_change_log_without_its_id_is_a_server_error(halo: HaloKit, path: str) -> None:
    answer = halo.call("GET", path)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (500, "text/html")
    halo.store.switches.change({"change_log_needs_filter": False})
    assert halo.get(path)["record_count"] == 0


def test_one_resource_may_cap_its_pages(crowd: HaloKit) -> None:
    crowd.store.switches.change({"page_caps": {"client": 9}})
    assert len(crowd.get("/Client", pageinate="true", page_size="100")["clients"]) == 9
    assert crowd.get("/Item", pageinate="true", page_size="100")["page_size"] == 100


def test_with_count_every_page_is_the_same(crowd: HaloKit) -> None:
    pages = [crowd.get("/Client", pageinate="true", page_no=number, count="5")["clients"] for number in ("1", "2")]
    assert pages[0] == pages[1]
    assert len(pages[0]) == 5


def test_only_the_literal_true_sorts_descending(crowd: HaloKit) -> None:
    for text, descending in (("true", True), ("1", False), ("false", False)):
        ids = [row["id"] for row in crowd.get("/Client", order="id", orderdesc=text)["clients"]]
        assert ids == sorted(ids, reverse=descending)


def test_a_list_may_ignore_includelines(halo: HaloKit) -> None:
    halo.store.switches.change({"list_ignores_includelines": True})
    assert all(
        "lines" not in row or row["lines"] is None
        for row in halo.get("/RecurringInvoice", includelines="true")["invoices"]
    )
