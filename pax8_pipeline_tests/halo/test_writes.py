"""The writes, what they send and what they refuse to send: docs/vendors/halo.md#writing, #recurring-invoice,
#invoice, docs/architecture.md#writing.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.errors import Forbidden, WriteRefused, WriteUnknown
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.halo.payloads import WriteReply
from pax8_pipeline_tests.halo.conftest import Connect
from pax8_pipeline_tests.support.scripted_http import ScriptedRequest, ScriptedResponse, html, json_response

LICENCE = {"id": 4127, "client_id": 231, "count": 20}
LINE = {"id": 24968, "ihid": -94, "qty_order": 7, "unit_price": Decimal("4.00"), "quantity_subscriptions": []}
HEADER = {"id": -94, "lines": [LINE]}
INVOICE = {
    "client_id": 231,
    "invoice_date": "2026-08-05",
    "reference": "PAX8-USAGE 2026-07 5f",
    "lines": [{"qty_order": 1}],
}
NEW_LICENCE = {"client_id": 231, "name": "Suite", "count": 20, "snowid": "c0ffee00-0000-4000-8000-00000000a001"}
NEW_LINE = {"ihid": -94, "_itemid": 88, "qty_order": 7, "unit_price": Decimal("4.00")}
NEW_CLIENT = {"name": "Harbour Lane Print", "customfields": [{"name": "CFPax8CompanyId", "value": "5f"}]}
WRITES: list[tuple[Callable[[HaloClient, Any], WriteReply], str, dict[str, Any]]] = [
    (HaloClient.update_licence, "/api/SoftwareLicence", LICENCE),
    (HaloClient.update_line, "/api/RecurringInvoice/updatelines", LINE),
    (HaloClient.replace_lines, "/api/RecurringInvoice", HEADER),
    (HaloClient.create_invoice, "/api/Invoice", INVOICE),
    (HaloClient.create_licence, "/api/SoftwareLicence", NEW_LICENCE),
    (HaloClient.create_line, "/api/RecurringInvoice/Lines", NEW_LINE),
    (HaloClient.create_client, "/api/Client", NEW_CLIENT),
]


@pytest.mark.parametrize(("write", "path", "element"), WRITES)
def test_a_write_is_one_post_of_an_array_with_one_element(
    write: Any, path: str, element: Any, connect: Connect
) -> None:
    client, server = connect(lambda asked: json_response({"id": 1}, 201))
    reply = write(client, element)
    (sent,) = server.sent("POST")
    assert (sent.path, sent.json) == (path, [element])
    assert (reply.status, reply.saved, reply.warning) == (201, {"id": 1}, "")


@pytest.mark.parametrize(
    ("write", "path", "element"),
    [
        (HaloClient.update_licences, "/api/SoftwareLicence", LICENCE),
        (HaloClient.update_lines, "/api/RecurringInvoice/updatelines", LINE),
    ],
)
def test_several_elements_are_one_post_of_one_array(write: Any, path: str, element: Any, connect: Connect) -> None:
    client, server = connect(lambda asked: json_response([{"id": 1}, {"id": 2, "_warning": "look"}], 201))
    reply = write(client, [element, {**element, "id": 5}])
    (sent,) = server.sent("POST")
    assert (sent.path, sent.json) == (path, [element, {**element, "id": 5}])
    assert (reply.status, reply.warning) == (201, "look")


@pytest.mark.parametrize(
    ("body", "status", "saved", "warning"),
    [
        ({"id": 1}, 200, {"id": 1}, ""),
        ([{"id": 1}], 201, {"id": 1}, ""),
        ({"id": 1, "_warning": " stale change_seq "}, 201, None, "stale change_seq"),
        ([{"id": 1, "_warning": "look"}], 200, None, "look"),
        ({"id": 1, "_warning": None}, 201, None, ""),
        ({"id": 1, "_warning": ""}, 201, None, ""),
        ([], 200, None, ""),
        ("ok", 200, None, ""),
    ],
)
def test_an_object_or_an_array_and_its_warning_are_understood(
    body: Any, status: int, saved: Any, warning: str, connect: Connect
) -> None:
    client, _ = connect(lambda asked: json_response(body, status))
    reply = client.update_licence(LICENCE)
    assert (reply.status, reply.body, reply.warning) == (status, body, warning)
    if saved is not None:
        assert reply.saved == saved


def test_money_is_sent_with_the_digits_it_was_read_with(connect: Connect) -> None:
    client, server = connect(lambda asked: json_response({}, 201))
    client.update_line(LINE)
    assert b'"unit_price":4.00' in server.sent("POST")[0].body


@pytest.mark.parametrize(("write", "path", "element"), WRITES)
def test_a_write_whose_answer_is_lost_is_never_sent_again(
    write: Any, path: str, element: Any, connect: Connect
) -> None:
    for lost in (ScriptedResponse(drop=True), html(502), ScriptedResponse(201, b'{"id": 1}', cut_after=3)):
        client, server = connect(lambda asked, lost=lost: lost)
        with pytest.raises(WriteUnknown):
            write(client, element)
        assert len(server.sent("POST")) == 1


def test_a_refused_write_carries_halos_words(connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response({"ClassName": "E", "Message": "Array expected"}, 400))
    with pytest.raises(WriteRefused, match="Array expected") as caught:
        client.update_line(LINE)
    assert (caught.value.status, caught.value.where) == (400, "POST /RecurringInvoice/updatelines")


def test_a_write_the_agent_may_not_make_is_forbidden(connect: Connect) -> None:
    client, server = connect(lambda asked: ScriptedResponse(401), scope="read:invoices")
    with pytest.raises(Forbidden, match="read:invoices"):
        client.update_licence(LICENCE)
    assert len(server.sent("POST")) == 3  # the token, and two fresh ones


def test_one_write_at_a_time(connect: Connect) -> None:
    held: list[bool] = []

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        held.append(client._writing.locked())
        return json_response({}, 201)

    client, _ = connect(script)
    client.many(client.update_licence, [LICENCE] * 3)
    assert held == [True] * 3
    assert not client._writing.locked()


@pytest.mark.parametrize(
    ("write", "bad", "words"),
    [
        (HaloClient.update_licence, {"client_id": 231, "count": 2}, "id must be"),
        (HaloClient.update_licence, {"id": 0, "client_id": 231}, "id must be"),
        (HaloClient.update_licence, {"id": 4127, "count": 2}, "client_id"),
        (HaloClient.update_licence, {**LICENCE, "count": Decimal("2.5")}, "whole number"),
        (HaloClient.update_licence, {**LICENCE, "count": "2"}, "whole number"),
        (HaloClient.update_licence, {**LICENCE, "count": True}, "whole number"),
        (HaloClient.update_line, {"id": 1, "qty_order": 2}, "ihid"),
        (HaloClient.update_line, {"ihid": -94, "qty_order": 2}, "id must be"),
        (HaloClient.replace_lines, {"id": -94}, "all of its lines"),
        (HaloClient.replace_lines, {"id": -94, "lines": []}, "all of its lines"),
        (HaloClient.create_invoice, {**INVOICE, "id": 51877}, "would change an invoice"),
        (HaloClient.create_invoice, {**INVOICE, "lines": []}, "without lines"),
        (HaloClient.create_invoice, {**INVOICE, "client_id": None}, "client_id"),
        (HaloClient.create_invoice, {**INVOICE, "lines": [{"entity_type": "labour"}]}, "labour"),
        (HaloClient.create_invoice, {**INVOICE, "lines": [{"ticket_id": 4}]}, "labour"),
        (HaloClient.create_licence, {**NEW_LICENCE, "id": 4127}, "would change a licence"),
        (HaloClient.create_licence, {**NEW_LICENCE, "client_id": 0}, "client_id"),
        (HaloClient.create_licence, {**NEW_LICENCE, "name": " "}, "without a name"),
        (HaloClient.create_licence, {**NEW_LICENCE, "count": Decimal("2.5")}, "whole number"),
        (HaloClient.create_line, {**NEW_LINE, "id": 24968}, "would change a line"),
        (HaloClient.create_line, {**NEW_LINE, "ihid": 51877}, "only put on recurring invoices"),
        (HaloClient.create_line, {**NEW_LINE, "_itemid": None}, "_itemid"),
        (HaloClient.create_line, {**NEW_LINE, "entity_type": "labour"}, "labour"),
        (HaloClient.create_client, {**NEW_CLIENT, "id": 231}, "would change a client"),
        (HaloClient.create_client, {"customfields": []}, "without a name"),
    ],
)
def test_what_could_do_harm_is_never_sent(write: Any, bad: Any, words: str, connect: Connect) -> None:
    client, server = connect(lambda asked: json_response({}, 201))
    with pytest.raises(ValueError, match=words):
        write(client, bad)
    assert server.asked == []


@pytest.mark.parametrize(
    ("write", "element"),
    [
        (HaloClient.update_licence, {**LICENCE, "price": 22.0}),
        (HaloClient.update_line, {**LINE, "unit_price": 4.0}),
        (HaloClient.replace_lines, {"id": -94, "lines": [{**LINE, "qty_order": 7.5}]}),
        (HaloClient.create_invoice, {**INVOICE, "lines": [{"unit_price": 143.27}]}),
        (HaloClient.create_licence, {**NEW_LICENCE, "price": 22.0}),
        (HaloClient.create_line, {**NEW_LINE, "unit_price": 4.0}),
    ],
)
def test_a_float_is_never_sent(write: Any, element: Any, connect: Connect) -> None:
    client, server = connect(lambda asked: json_response({}, 201))
    with pytest.raises(TypeError, match="float"):
        write(client, element)
    assert server.asked == []


def test_a_whole_decimal_count_is_sent_as_an_integer(connect: Connect) -> None:
    client, server = connect(lambda asked: json_response({}, 201))
    client.update_licence({**LICENCE, "count": Decimal("20.000")})
    assert server.sent("POST")[0].json == [LICENCE]


def test_there_is_no_way_to_delete_or_to_process(connect: Connect) -> None:
    names = {name for name in dir(HaloClient) if not name.startswith("_")}
    assert not {name for name in names if any(word in name for word in ("delete", "process", "void", "remove"))}
