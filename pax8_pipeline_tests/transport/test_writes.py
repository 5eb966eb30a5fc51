"""A write leaves once. Only an answer that proves it was not taken, or no connection at all, lets it leave again."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal

import pytest

from pax8_pipeline.errors import (
    AuthRefused,
    Forbidden,
    RateLimited,
    ServerFault,
    Unreachable,
    VendorError,
    WriteRefused,
    WriteUnknown,
)
from pax8_pipeline.transport.client import Transport
from pax8_pipeline.transport.retry import RetryPolicy
from pax8_pipeline_tests.support.scripted_http import (
    FakeTime,
    Script,
    ScriptedRequest,
    ScriptedResponse,
    Server,
    TokenServer,
    html,
    json_response,
    serving,
)
from pax8_pipeline_tests.transport.conftest import Build

BODY = [{"id": 4127, "client_id": 231, "price": Decimal("22.00")}]
SAVED = json_response({"id": 4127}, 201)


def then_saved(*bad: ScriptedResponse) -> Script:
    left = list(bad)
    return TokenServer().guards(lambda asked: left.pop(0) if left else SAVED)


def posts(server: Server) -> int:
    return len(server.sent("POST"))


def test_a_write_is_sent_as_json_with_exact_numbers(build: Build) -> None:
    transport, server = build(then_saved())
    reply = transport.post_json("/SoftwareLicence", BODY)
    assert (reply.status, reply.body) == (201, {"id": 4127})
    (sent,) = server.sent("POST")
    assert sent.body == b'[{"id":4127,"client_id":231,"price":22.00}]'
    assert sent.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [200, 201, 204])
def test_an_empty_success_is_a_success(status: int, build: Build) -> None:
    transport, _ = build(then_saved(ScriptedResponse(status)))
    assert transport.post_json("/Invoice", BODY).body is None


@pytest.mark.parametrize(
    "answer",
    [
        html(500),
        html(502),
        json_response({"message": "busy"}, 503),
        json_response({}, 504),
        json_response({"message": "slow"}, 408),
        ScriptedResponse(302, b"", {"Location": "/elsewhere"}),
        ScriptedResponse(201, b'{"id": 4127, "count": 20}', cut_after=5),
        ScriptedResponse(201, b'{"id": 41'),
        html(200, "Log in"),
        ScriptedResponse(drop=True),
    ],
    ids=["500", "502", "503", "504", "408", "redirect", "cut", "half-json", "html-on-200", "dropped"],
)
def test_a_write_is_never_sent_again_after(answer: ScriptedResponse, build: Build, time: FakeTime) -> None:
    transport, server = build(then_saved(answer))
    with pytest.raises(WriteUnknown, match="not known whether") as caught:
        transport.post_json("/Invoice", BODY)
    assert posts(server) == 1
    assert time.slept == []
    assert (caught.value.vendor, caught.value.where) == ("Halo", "POST /Invoice")


def test_a_write_without_an_answer_in_time_is_never_sent_again(build: Build) -> None:
    release = threading.Event()
    transport, server = build(then_saved(ScriptedResponse(hang=release, drop=True)), read_timeout_s=0.05)
    try:
        with pytest.raises(WriteUnknown, match="no answer within"):
            transport.post_json("/Invoice", BODY)
        assert posts(server) == 1
    finally:
        release.set()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (json_response({"ClassName": "HaloException", "Message": "Count is required"}, 400), "Count is required"),
        (json_response({"message": "Bad licence"}, 400), "Bad licence"),
        (json_response({"resultCode": 9, "errorMessage": "No such client"}, 400), "No such client"),
        (json_response({"title": "Invalid", "errors": {"[0].count": ["not an int"]}}, 400), "not an int"),
        (json_response("Array expected", 400), "Array expected"),
        (html(404, "Resource not found"), "Resource not found"),
        (ScriptedResponse(405), "405"),
        (json_response({"message": "stale change_seq"}, 409), "stale change_seq"),
        (
            json_response({"type": "INVALID", "message": "Bad", "details": [{"message": "offset 2"}]}, 422),
            "Bad: offset 2",
        ),
    ],
)
def test_a_refused_write_says_in_the_vendors_words_that_nothing_changed(
    answer: ScriptedResponse, words: str, build: Build
) -> None:
    transport, server = build(then_saved(answer))
    with pytest.raises(WriteRefused) as caught:
        transport.post_json("/SoftwareLicence", BODY)
    assert words in str(caught.value)
    assert "nothing was changed" in str(caught.value)
    assert "<" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.status == answer.status
    assert posts(server) == 1


def test_too_many_requests_is_a_certain_refusal_so_the_write_is_sent_again(build: Build, time: FakeTime) -> None:
    transport, server = build(then_saved(json_response({}, 429, Retry_After="7"), json_response({}, 429)))
    assert transport.post_json("/Invoice", BODY).status == 201
    assert posts(server) == 3
    assert time.now - 1000.0 == pytest.approx(7 + 2 * 6.1, abs=1)


def test_too_many_requests_ends_once_no_window_can_be_that_long(build: Build) -> None:
    transport, server = build(then_saved(*[json_response({}, 429)] * 20))
    with pytest.raises(RateLimited, match="given up after 12 tries"):
        transport.post_json("/Invoice", BODY)
    assert posts(server) == 12


def test_an_expired_token_is_renewed_and_the_write_sent_again(build: Build) -> None:
    desk = TokenServer()

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        if desk.issued == 1:
            desk.expire()
            return ScriptedResponse(401)
        return SAVED

    transport, server = build(desk.guards(script))
    assert transport.post_json("/Invoice", BODY).status == 201
    assert [asked.token for asked in server.sent("POST")] == ["token-1", "token-2"]


@pytest.mark.parametrize(("means", "kind"), [("permission", Forbidden), ("credentials", AuthRefused)])
def test_a_third_401_stops(means: str, kind: type[VendorError], build: Build) -> None:
    transport, server = build(then_saved(*[ScriptedResponse(401)] * 5), fresh_401_means=means)
    with pytest.raises(kind) as caught:
        transport.post_json("/Invoice", BODY)
    assert type(caught.value) is kind
    assert posts(server) == 3


def test_a_lost_answer_after_a_refusal_is_still_unknown(build: Build) -> None:
    transport, server = build(then_saved(json_response({}, 429), ScriptedResponse(drop=True)))
    with pytest.raises(WriteUnknown):
        transport.post_json("/Invoice", BODY)
    assert posts(server) == 2


def test_without_a_connection_the_write_was_not_sent_and_is_tried_again(build: Build, time: FakeTime) -> None:
    with serving(lambda asked: SAVED) as gone:
        closed = gone.url
    transport, _ = build(then_saved(), api_url=closed)
    with pytest.raises(Unreachable, match="the write was not sent"):
        transport.post_json("/Invoice", BODY)
    assert len(time.slept) == 7


def test_a_token_service_that_fails_means_that_nothing_was_sent(build: Build) -> None:
    transport, server = build(lambda asked: html(500), retry=RetryPolicy(tries=2))
    with pytest.raises(ServerFault):
        transport.post_json("/Invoice", BODY)
    assert posts(server) == 0


def test_each_write_uses_a_connection_of_its_own(build: Build) -> None:
    """A kept connection may be closed by the other side just then: nobody could tell whether the write arrived."""
    transport, server = build(then_saved())
    transport.get_json("/Client")
    for _ in range(2):
        transport.post_json("/Invoice", BODY)
    assert len({asked.peer for asked in server.sent("POST")} | {server.sent("GET")[0].peer}) == 3


def test_a_read_only_transport_cannot_write(build: Build) -> None:
    transport, server = build(then_saved())
    transport._profile = replace(transport._profile, may_write=False)
    with pytest.raises(TypeError, match="read only"):
        transport.post_json("/Invoice", BODY)
    assert server.asked == []


def test_a_transport_has_no_other_way_to_send() -> None:
    public = {name for name in vars(Transport) if not name.startswith("_")}
    assert public == {"clock", "close", "fresh_token_error", "get_json", "limit_headers", "post_json"}
