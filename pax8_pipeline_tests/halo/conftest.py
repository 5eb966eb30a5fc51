"""A Halo client against a scripted server, on a clock that only waiting moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pydantic import SecretStr

from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.halo.config import HaloConfig
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

Connect = Callable[..., tuple[HaloClient, Server]]
Row = dict[str, Any]


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def connect(time: FakeTime) -> Iterator[Connect]:
    with ExitStack() as stack:

        def make(
            script: Script, *, tokens: bool = True, scope: str = "all", **config: Any
        ) -> tuple[HaloClient, Server]:
            guarded = TokenServer(3600, scope).guards(script) if tokens else script
            server = stack.enter_context(serving(guarded))
            given = {
                "client_id": "halo-app",
                "client_secret": SecretStr("halo-app-secret"),
                "api_url": f"{server.url}/api",
                "auth_url": f"{server.url}/auth",
                "tenant": "acme",
                **config,
            }
            client = stack.enter_context(HaloClient(HaloConfig(**given), timing=time.timing()))
            return client, server

        yield make


def paged(asked: ScriptedRequest, key: str, rows: list[Row], count: int | None = None) -> ScriptedResponse:
    """A page of `rows` as docs/vendors/halo.md#lists has it; without `pageinate` everything at once."""
    if asked.params.get("pageinate") != "true":
        return json_response({"record_count": len(rows), key: rows})
    size, number = int(asked.params.get("page_size", 50)), int(asked.params.get("page_no", 1))
    found = rows[(number - 1) * size : number * size]
    return json_response({"record_count": len(rows) if count is None else count, key: found})
