"""Every answer that Pax8 describes, and every sample of our reference page, comes through the client without loss."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from pax8_pipeline.errors import AuthRefused, VendorError
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.text import jsontext
from pax8_pipeline.transport.listing import Listing
from pax8_pipeline_tests.pax8.conftest import Connect, Row, paged
from pax8_pipeline_tests.support.samples import answers, page_samples
from pax8_pipeline_tests.support.scripted_http import ScriptedRequest, ScriptedResponse, json_response

LISTS: dict[str, Callable[[Pax8Client, Row], Listing]] = {
    "/companies": lambda client, first: client.companies(),
    "/products": lambda client, first: client.products(),
    "/subscriptions": lambda client, first: client.subscriptions(),
    "/invoices": lambda client, first: client.invoices(),
    "/invoices/{invoiceId}/items": lambda client, first: client.invoice_items("i1"),
    "/subscriptions/{subscriptionId}/usage-summaries": lambda client, first: client.usage_summaries("s1"),
    "/usage-summaries/{usageSummaryId}/usage-lines": lambda client, first: client.usage_lines(
        "u1", date.fromisoformat(first["usageDate"][:10])
    ),
}
SINGLES: dict[str, Callable[[Pax8Client, Row], Row]] = {
    "/subscriptions/{subscriptionId}": lambda client, row: client.subscription(row["id"]),
    "/usage-summaries/{usageSummaryId}": lambda client, row: client.usage_summary(row["id"]),
}


SPEC = answers("pax8-partner")
# Answers of endpoints that nothing here needs, and errors, only have to parse.
READ = [p for p in SPEC if p.values[1] in {*LISTS, *SINGLES} and p.values[2] == 200]


def text(value: Any) -> str:
    """As written: 5 and 5.0 are not the same."""
    return jsontext.dumps(value)


@pytest.mark.parametrize(("method", "path", "status", "value"), SPEC)
def test_a_described_answer_comes_through_without_loss_and_an_error_with_its_message(
    method: str, path: str, status: int, value: Any, connect: Connect
) -> None:
    client, _ = connect(lambda asked: json_response(value, status))
    if status == 200:
        assert text(client._transport.get_json("/sample")) == text(value)
    else:
        with pytest.raises(VendorError) as error:
            client._transport.get_json("/sample")
        assert str(status) in str(error.value)
        assert value["message"] in str(error.value)


@pytest.mark.parametrize(("method", "path", "status", "value"), READ)
def test_the_method_for_its_endpoint_gives_back_the_samples_objects(
    method: str, path: str, status: int, value: Any, connect: Connect
) -> None:
    if path in LISTS:
        rows = value.get("content", [])
        # The sample's page totals are those of another list.
        client, _ = connect(lambda asked: paged(asked, rows))
        first = rows[0] if rows else {}
        listing = LISTS[path](client, first)
        wanted = [row for row in rows if row.get("usageDate") == first.get("usageDate")]
        assert text(list(listing.objects)) == text(wanted)
    else:
        client, _ = connect(lambda asked: json_response(value))
        assert text(SINGLES[path](client, value)) == text(value)


def test_every_list_and_every_single_read_has_a_described_answer() -> None:
    assert {p.values[1] for p in READ} == {*LISTS, *SINGLES}


@pytest.mark.parametrize("value", page_samples("pax8"))
def test_a_sample_of_the_reference_page_comes_through_without_loss(value: Any, connect: Connect) -> None:
    client, _ = connect(lambda asked: paged(asked, [value]))
    assert text(list(client.subscriptions().objects)) == text([value])


@pytest.mark.parametrize(("method", "path", "status", "value"), answers("pax8-authentication"))
def test_the_described_token_answer_is_understood(
    method: str, path: str, status: int, value: Any, connect: Connect
) -> None:
    answer = {**value, "access_token": "a-token"}
    client, server = connect(
        lambda asked: json_response(answer) if asked.path == "/v1/token" else paged(asked, []), tokens=False
    )
    client.check()
    assert status == 200
    assert server.sent("GET")[0].token == "a-token"


def test_refused_credentials_are_understood(connect: Connect) -> None:
    refusal = {"error": "access_denied", "error_description": "Unauthorized"}

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        return json_response(refusal, 401) if asked.path == "/v1/token" else paged(asked, [])

    client, _ = connect(script, tokens=False, client_secret=SecretStr("another-secret"))
    with pytest.raises(AuthRefused):
        client.check()


def test_samples_are_compared_by_their_digits() -> None:
    assert text(Decimal("5.0")) != text(5)
