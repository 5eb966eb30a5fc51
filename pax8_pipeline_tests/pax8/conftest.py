"""A Pax8 client against a scripted server, on a clock that only waiting moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pydantic import SecretStr

from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.pax8.config import Pax8Config
from pax8_pipeline_tests.support.scripted_http import (
    FakeTime,
    Script,
    ScriptedRequest,
    ScriptedResponse,
    Server,
    TokenServer,
    json_response,
    serving,
)

Connect = Callable[..., tuple[Pax8Client, Server]]
Row = dict[str, Any]


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def connect(time: FakeTime) -> Iterator[Connect]:
    with ExitStack() as stack:

        def make(script: Script, *, tokens: bool = True, **config: Any) -> tuple[Pax8Client, Server]:
            server = stack.enter_context(serving(TokenServer(86400).guards(script) if tokens else script))
            given = {
                "client_id": "partner-app",
                "client_secret": SecretStr("partner-app-secret"),
                "api_url": f"{server.url}/v1",
                "token_url": f"{server.url}/v1/token",
                **config,
            }
            client = stack.enter_context(Pax8Client(Pax8Config(**given), timing=time.timing()))
            return client, server

        yield make


def paged(asked: ScriptedRequest, rows: list[Row], **changes: Any) -> ScriptedResponse:
    """A page of `rows` as docs/vendors/pax8.md#lists has it: default size 10, `content` left out when empty."""
    size, number = int(asked.params.get("size", 10)), int(asked.params.get("page", 0))
    found = rows[number * size : (number + 1) * size]
    total = len(rows)
    page = {"size": size, "totalElements": total, "totalPages": -(-total // size), "number": number, **changes}
    return json_response({"page": page, "content": found} if found else {"page": page})
