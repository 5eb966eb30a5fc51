"""Every answer that Halo's description knows, and every sample of our reference page, comes through the client without loss."""

from __future__ import annotations

from typing import Any

import pytest

from pax8_pipeline.text import jsontext
from pax8_pipeline_tests.halo.conftest import Connect, paged
from pax8_pipeline_tests.support.samples import answers, page_samples
from pax8_pipeline_tests.support.scripted_http import json_response


def text(value: Any) -> str:
    return jsontext.dumps(value)


@pytest.mark.parametrize(("method", "path", "status", "value"), answers("halo"))
def test_a_described_answer_comes_through_without_loss(
    method: str, path: str, status: int, value: Any, connect: Connect
) -> None:
    client, _ = connect(lambda asked: json_response(value, status))
    assert text(client._transport.get_json("/sample")) == text(value)


@pytest.mark.parametrize("value", page_samples("halo"))
def test_a_sample_of_the_reference_page_comes_through_as_a_row_and_by_id(value: Any, connect: Connect) -> None:
    key = "invoices" if "lines" in value else "licences"
    client, _ = connect(
        lambda asked: json_response(value) if asked.path.endswith(f"/{value['id']}") else paged(asked, key, [value])
    )
    if key == "invoices":
        assert text(list(client.recurring_invoices().objects)) == text([value])
        assert text(client.recurring_invoice(value["id"])) == text(value)
    else:
        assert text(list(client.licences().objects)) == text([value])
        assert text(client.licence(value["id"])) == text(value)
