"""The guard in front of an application: a refused request never reaches it, and no page of it stands in a frame."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from pax8_pipeline.web_guard import Guarded, WebRules

Message = MutableMapping[str, Any]
JSON = (b"content-type", b"application/json")
HOST = (b"host", b"localhost:3000")
EVIL = (b"origin", b"https://evil.example")


def ask(
    headers: list[tuple[bytes, bytes]], *, kind: str = "http", path: str = "/graphql"
) -> tuple[bool, list[Message]]:
    """Send one request to a guarded application; return whether it was reached, and what was answered."""
    reached: list[str] = []
    answered: list[Message] = []

    async def app(scope: Message, receive: Any, send: Any) -> None:
        reached.append(scope["path"])
        opened = (
            {"type": "websocket.accept"}
            if scope["type"] == "websocket"
            else {"type": "http.response.start", "status": 200}
        )
        await send(opened)

    async def receive() -> Message:
        return {"type": f"{kind}.connect"}

    async def send(message: Message) -> None:
        answered.append(message)

    scope: Message = {"type": kind, "path": path, "query_string": b"", "headers": headers, "method": "POST"}
    guarded = Guarded(app, WebRules(post_only=("/graphql",)), under="/graphql")
    asyncio.run(guarded(scope, receive, send))
    return bool(reached), answered


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([HOST, JSON, EVIL], 403),
        ([(b"host", b"evil.example"), JSON], 403),
        ([HOST, (b"content-type", b"text/plain")], 415),
    ],
)
def test_a_refused_request_never_reaches_the_application(headers: list[tuple[bytes, bytes]], status: int) -> None:
    reached, answered = ask(headers)
    assert not reached
    assert answered[0]["status"] == status
    assert answered[1]["body"].startswith(b"Refused: ")


def test_a_websocket_of_another_site_is_closed_and_never_opened() -> None:
    reached, answered = ask([HOST, EVIL], kind="websocket")
    assert (reached, [message["type"] for message in answered]) == (False, ["websocket.close"])
    assert ask([HOST], kind="websocket")[0]


def test_answers_forbid_to_be_shown_in_a_frame() -> None:
    reached, answered = ask([HOST, JSON])
    assert reached
    assert (b"x-frame-options", b"DENY") in answered[0]["headers"]


def test_paths_that_are_not_guarded_are_handed_on() -> None:
    assert ask([(b"host", b"evil.example")], path="/pax8/companies")[0]
