"""Answers to a write in every shape, two savings at once, and the resource that is never called."""

from __future__ import annotations

from typing import Any

import pytest

from pax8_pipeline.errors import WriteContested, WriteRefused
from pax8_pipeline.halo.payloads import is_save_conflict
from pax8_pipeline_tests.halo.conftest import Connect
from pax8_pipeline_tests.support.scripted_http import json_response

LICENCE = {"id": 4127, "client_id": 231, "count": 20}
CONTEST = (
    "An error occurred while saving the invoice lines: the database operation was expected to affect 1 row(s) but "
    "actually affected 0 row(s)."
)


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ({"id": 7}, 7),
        ([{"id": 7}], 7),
        ({"record_count": 1, "invoices": [{"id": 7}]}, 7),
        ({"licences": [{"id": 7}]}, 7),
        # A saved invoice has lines with ids of their own: they are not the id.
        ({"id": 7, "lines": [{"id": 99}]}, 7),
        ([{"id": 7, "lines": [{"id": 99}]}], 7),
        ({"invoices": []}, None),
        ({"invoices": [{"id": 7}, {"id": 8}]}, None),
        ({"something": [{"id": 7}]}, None),
    ],
    ids=str,
)
def test_the_id_is_taken_from_any_of_the_three_shapes(body: Any, number: int | None, connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response(body, 201))
    assert ((client.update_licence(LICENCE).saved or {}).get("id")) == number


def test_a_warning_inside_an_envelope_is_seen(connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response({"invoices": [{"id": 7, "_warning": "look"}]}, 201))
    assert client.update_licence(LICENCE).warning == "look"


def test_two_savings_at_once_are_an_error_of_their_own_and_sent_once(connect: Connect) -> None:
    client, server = connect(lambda asked: json_response({"message": CONTEST}, 400))
    with pytest.raises(WriteContested, match="Somebody else saved it at the same time"):
        client.update_licence(LICENCE)
    assert len(server.sent("POST")) == 1


@pytest.mark.parametrize("text", ["This period is locked.", "Please select a customer", "row 1 is not valid"])
def test_other_refusals_are_not_taken_for_it(text: str, connect: Connect) -> None:
    assert not is_save_conflict(text)
    client, _ = connect(lambda asked: json_response({"message": text}, 400))
    with pytest.raises(WriteRefused) as caught:
        client.update_licence(LICENCE)
    assert not isinstance(caught.value, WriteContested)


@pytest.mark.parametrize(
    "text",
    [CONTEST, "Invoice payments: 1 row was expected to change and 0 did", "expected to update 1 row(s), updated 0"],
)
def test_halos_words_for_it_are_known(text: str) -> None:
    assert is_save_conflict(text)


@pytest.mark.parametrize(
    "path",
    [
        "/IntegrationData",
        "/IntegrationData/AdjustQty/Pax8",
        "/integrationdata/Get/Pax8",
        "//IntegrationData/Get/Pax8",
        "IntegrationData/Get/Pax8",
        "/Integration%44ata/Get/Pax8",
        "/IntegrationData?resource=companies",
    ],
)
def test_integration_data_is_never_called_by_any_method(path: str, connect: Connect) -> None:
    """`AdjustQty` orders a change at Pax8 (docs/vendors/halo.md#ordering)."""
    client, server = connect(lambda asked: json_response({}))
    for send in (lambda: client._transport.get_json(path), lambda: client._transport.post_json(path, {})):
        with pytest.raises(TypeError, match="nothing in this product may call Halo's integrationdata"):
            send()
    assert [asked.path for asked in server.asked if "ntegration" in asked.path] == []
