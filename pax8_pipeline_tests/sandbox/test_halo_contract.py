"""Every answer of the Halo emulator against Halo's published description (and the table of deviations)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.sandbox.halo import invoicing
from pax8_pipeline_tests.support.halo_http import (
    CLIENT,
    HEADER,
    ITEM,
    LICENCE,
    LINE,
    HaloKit,
    running_halo,
    sample_tenant,
)
from pax8_pipeline_tests.support.openapi import DEVIATIONS, Deviation, Spec, load_spec, unused_deviations

_LIST_SCHEMAS = {
    "/Client": ("clients", "Area"),
    "/Item": ("items", "Item"),
    "/SoftwareLicence": ("licences", "Licence_List"),
    "/RecurringInvoice": ("invoices", "InvoiceHeader"),
    "/Invoice": ("invoices", "InvoiceHeader"),
    "/ClientContract": ("contracts", "ContractHeader"),
    "/Supplier": ("suppliers", "Company"),
    "/ExternalLink": ("externallinks", "ExternalLink_List"),
    "/InvoiceChange": ("invoicechanges", "InvoiceChange"),
    "/InvoiceDetailProRata": ("prorata", "InvoiceDetailProRata"),
}
_NEEDED = {"/InvoiceChange": {"invoice_id": HEADER}}


@pytest.fixture
def halo() -> Iterator[HaloKit]:
    with running_halo() as kit:
        sample_tenant(kit.store)
        kit.store.add_contract(client_id=CLIENT, ref="MS-1")
        kit.store.add_supplier(name="Pax8")
        invoicing.make_invoice(kit.store, kit.store.recurring_invoices[HEADER], date(2026, 1, 15))
        kit.post("/SoftwareLicence", [{"id": LICENCE, "client_id": CLIENT, "count": 20}])
        kit.post("/RecurringInvoice", [{"id": HEADER, "reference": "Monthly services and more"}])
        yield kit


@pytest.fixture
def spec() -> Spec:
    return load_spec("halo")


def assert_schema(spec: Spec, instance: Any, schema: str) -> None:
    assert not spec.problems(instance, schema)
    assert not spec.unknown_members(instance, schema)


@pytest.mark.parametrize("path", list(_LIST_SCHEMAS))
def test_every_row_of_every_list_is_of_its_schema(halo: HaloKit, spec: Spec, path: str) -> None:
    key, schema = _LIST_SCHEMAS[path]
    rows = halo.get(path, includelines="true", includeinactive="true", **_NEEDED.get(path, {}))[key]
    assert rows
    for row in rows:
        assert_schema(spec, row, schema)


@pytest.mark.parametrize("path", ["/RecurringInvoice", "/Invoice"])
@pytest.mark.parametrize("paged", [{}, {"pageinate": "true", "page_size": "2"}])
def test_invoice_lists_answer_the_described_envelope(
    halo: HaloKit, spec: Spec, path: str, paged: dict[str, str]
) -> None:
    assert not spec.answer_problems(halo.get(path, **paged), "GET", path, 200)


@pytest.mark.parametrize("details", ["true", "false"])
@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (f"/Client/{CLIENT}", "Area"),
        (f"/Item/{ITEM}", "Item"),
        (f"/SoftwareLicence/{LICENCE}", "Licence_List"),
        (f"/RecurringInvoice/{HEADER}", "InvoiceHeader"),
        ("/Pax8Details/1", "Pax8Details"),
    ],
)
def test_every_detail_is_of_its_schema(halo: HaloKit, spec: Spec, path: str, schema: str, details: str) -> None:
    assert_schema(spec, halo.get(path, includedetails=details), schema)


@pytest.mark.parametrize("mode", ["ok", "bare_array", "keyed", "object"])
def test_pax8_accounts_are_of_their_schema_in_every_shape(halo: HaloKit, spec: Spec, mode: str) -> None:
    halo.store.switches.change({"pax8details": mode})
    answer = halo.get("/Pax8Details")
    rows = answer if isinstance(answer, list) else answer.get("pax8details", [answer])
    assert len(rows) == 1
    assert_schema(spec, rows[0], "Pax8Details")


@pytest.mark.parametrize(
    ("path", "body", "schema"),
    [
        ("/SoftwareLicence", {"id": LICENCE, "client_id": CLIENT, "count": 21}, "Licence_List"),
        ("/RecurringInvoice", {"id": HEADER, "notes_1": "x"}, "InvoiceHeader"),
        ("/RecurringInvoice/updatelines", {"id": LINE, "ihid": HEADER, "comment_1": "x"}, "InvoiceDetail"),
        ("/RecurringInvoice/Lines", {"ihid": HEADER, "item_shortdescription": "x"}, "InvoiceDetail"),
        ("/Invoice", {"client_id": CLIENT, "lines": [{"_itemid": ITEM, "qty_order": 1}]}, "InvoiceHeader"),
    ],
)
def test_every_reply_to_a_write_is_of_its_schema(
    halo: HaloKit, spec: Spec, path: str, body: dict[str, Any], schema: str
) -> None:
    halo.store.switches.change({"soft_warning": "Look again."})
    reply = halo.post(path, [body])
    assert reply["_warning"] == "Look again."
    assert_schema(spec, reply, schema)
    if path in ("/RecurringInvoice", "/Invoice"):
        assert not spec.answer_problems(reply, "POST", path, 201)


def test_the_token_reply_is_as_described(halo: HaloKit, spec: Spec) -> None:
    reply = halo.ask_token().json()
    assert not spec.answer_problems(reply, "POST", "/auth/token", 200)
    assert not spec.unknown_members(reply, spec.answer_schema("POST", "/auth/token", 200))


def test_every_path_the_emulator_serves_is_described(spec: Spec) -> None:
    served = [("GET", path) for path in _LIST_SCHEMAS]
    served += [("POST", p) for p in ("/SoftwareLicence", "/RecurringInvoice", "/RecurringInvoice/updatelines")]
    served += [("POST", p) for p in ("/RecurringInvoice/Lines", "/Invoice", "/Invoice/updatelines", "/Invoice/5/void")]
    served += [("GET", "/AuthInfo"), ("GET", "/Pax8Details"), ("GET", "/CustomTable"), ("GET", "/LicenceChange")]
    assert [call for call in served if not spec.knows(*call)] == []


def test_the_helper_sees_an_unknown_member_a_wrong_type_and_a_null(spec: Spec) -> None:
    licence = {"id": None, "count": Decimal("1.5"), "surprise": 1}
    problems = "\n".join(spec.problems(licence, "Licence_List"))
    assert "surprise" in problems
    assert "1.5" in problems
    assert "id: None" in problems
    assert spec.unknown_members(licence, "Licence_List") == [".surprise"]


def test_the_helper_sees_a_wrong_value_deep_in_a_line(spec: Spec) -> None:
    header = {"id": -10, "lines": [{"id": 1, "quantity_subscriptions": [{"id": 1, "invoice_line_id": "1"}]}]}
    assert spec.problems(header, "InvoiceHeader") == [
        "lines/0/quantity_subscriptions/0/invoice_line_id: '1' is not of type 'integer', 'null'"
    ]


def test_a_documented_deviation_is_let_through_and_an_idle_one_is_found(
    spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = (
        Deviation("Licence_List", "surprise", "extra", "for this test"),
        Deviation("Licence_List", "id", "null", "for this test"),
        Deviation("Licence_List", "count", "type", "never needed"),
    )
    monkeypatch.setitem(DEVIATIONS, "halo", table)
    assert spec.problems({"id": None, "surprise": 1}, "Licence_List") == []
    assert spec.problems({"id": 1, "surprise": 1, "other": 1}, "Licence_List") != []
    assert spec.problems({"id": "1"}, "Licence_List") != []
    assert unused_deviations("halo") == [table[2]]
