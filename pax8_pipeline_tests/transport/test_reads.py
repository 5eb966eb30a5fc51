"""A read is asked again where that can help, within bounds, and ends in one typed error that says what to do."""

from __future__ import annotations

import gzip
import threading
from decimal import Decimal

import pytest

from pax8_pipeline.errors import (
    AuthRefused,
    BadAnswer,
    BadRequest,
    Forbidden,
    NotFound,
    RateLimited,
    ServerFault,
    Unreachable,
    VendorError,
)
from pax8_pipeline.transport.client import Transport
from pax8_pipeline.transport.retry import RetryPolicy
from pax8_pipeline_tests.support.scripted_http import (
    FakeTime,
    Script,
    ScriptedRequest,
    ScriptedResponse,
    TokenServer,
    html,
    json_response,
    serving,
)
from pax8_pipeline_tests.transport.conftest import Build

OK = json_response({"price": Decimal("22.00")})


def test_chunked_and_compressed_answers_are_read(build: Build) -> None:
    body = gzip.compress(b'{"a": 1}')
    transport, _ = build(then_fine(ScriptedResponse(200, body, {"Content-Encoding": "gzip"}, chunked=True)))
    assert transport.get_json("/Client") == {"a": 1}


def then_fine(*bad: ScriptedResponse) -> Script:
    """Each bad answer once, then a good one; tokens always."""
    left = list(bad)
    return TokenServer().guards(lambda asked: left.pop(0) if left else OK)


def always(answer: ScriptedResponse) -> Script:
    return TokenServer().guards(lambda asked: answer)


def test_a_read_gives_numbers_exactly(build: Build) -> None:
    transport, server = build(then_fine())
    assert str(transport.get_json("/Client", {"client_id": "7"})["price"]) == "22.00"
    assert server.sent("GET")[0].params == {"client_id": "7"}
    assert server.sent("GET")[0].headers["user-agent"].startswith("pax8-pipeline/")


@pytest.mark.parametrize(
    "bad",
    [
        html(500),
        html(502),
        json_response({"message": "busy"}, 503),
        json_response({"message": "slow"}, 504),
        json_response({"message": "slow"}, 408),
        ScriptedResponse(200, b'{"a": [1, 2, 3]}', cut_after=7),
        ScriptedResponse(200, b'{"a": 1} {"b"', chunked=True, cut_after=8),
        ScriptedResponse(200, b"not gzip", {"Content-Encoding": "gzip"}),
        ScriptedResponse(200, b'{"a": [1, 2'),
        ScriptedResponse(200, b""),
        html(200, "Log in"),
        ScriptedResponse(drop=True),
    ],
    ids=[
        "500-html",
        "502",
        "503",
        "504",
        "408",
        "cut",
        "cut-chunked",
        "bad-gzip",
        "half-json",
        "empty",
        "html-on-200",
        "dropped",
    ],
)
def test_a_read_is_asked_again_after(bad: ScriptedResponse, build: Build, time: FakeTime) -> None:
    transport, server = build(then_fine(bad, bad))
    assert transport.get_json("/Client") == {"price": Decimal("22.00")}
    assert len(server.sent("GET")) == 3
    assert time.slept == [1.0, 2.0]


@pytest.mark.parametrize(
    ("bad", "kind", "status"),
    [
        (html(502), ServerFault, 502),
        (json_response({"message": "slow"}, 408), ServerFault, 408),
        (ScriptedResponse(200, b'{"a": [1, 2, 3]}', cut_after=7), Unreachable, None),
        (html(200, "Log in"), BadAnswer, 200),
    ],
)
def test_eight_tries_are_the_most(
    bad: ScriptedResponse, kind: type[VendorError], status: int | None, build: Build
) -> None:
    transport, server = build(always(bad))
    with pytest.raises(kind, match="given up after 8 tries") as caught:
        transport.get_json("/Client")
    assert len(server.sent("GET")) == 8
    assert type(caught.value) is kind
    assert (caught.value.vendor, caught.value.where, caught.value.status) == ("Halo", "GET /Client", status)


def test_refusals_are_sat_out_longer_than_the_longest_window_and_then_given_up(build: Build, time: FakeTime) -> None:
    transport, _ = build(always(json_response({}, 429)))
    with pytest.raises(RateLimited, match=r"given up after \d+ tries") as caught:
        transport.get_json("/Client")
    assert 300 < time.now - 1000.0 < 420
    assert caught.value.status == 429


def test_a_slow_answer_is_given_up_and_asked_again(build: Build) -> None:
    release = threading.Event()
    transport, server = build(then_fine(ScriptedResponse(hang=release, drop=True)), read_timeout_s=0.05)
    try:
        assert transport.get_json("/Client") == {"price": Decimal("22.00")}
        assert len(server.sent("GET")) == 2
    finally:
        release.set()


def test_no_new_try_begins_after_the_deadline(build: Build) -> None:
    transport, server = build(always(html(500)), retry=RetryPolicy(tries=100, deadline_s=10.0))
    with pytest.raises(ServerFault, match="given up after 4 tries"):
        transport.get_json("/Client")  # waits 1 + 2 + 4 s; 8 more would be too late
    assert len(server.sent("GET")) == 4


def test_chance_spreads_the_waits(build: Build, time: FakeTime) -> None:
    transport, _ = build(then_fine(html(500), html(500)), chance=0.25)
    transport.get_json("/Client")
    assert time.slept == [0.25, 0.5]


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ({"Retry_After": "17"}, 17.0),
        ({"Retry_After": "Sat, 01 Aug 2026 00:00:42 GMT"}, 42.0),
        ({"Retry_After": "Sat, 01 Aug 2026 05:00:42 GMT", "Date": "Sat, 01 Aug 2026 05:00:00 GMT"}, 42.0),
        ({"Retry_After": "86400"}, 300.0),
        ({"Retry_After": "never"}, 6.1),
        ({}, 6.1),
    ],
    ids=["seconds", "date", "date-by-the-vendors-clock", "clamped", "unreadable", "absent"],
)
def test_too_many_requests_waits_as_asked(header: dict[str, str], waited: float, build: Build, time: FakeTime) -> None:
    transport, _ = build(then_fine(json_response({}, 429, **header)))
    transport.get_json("/Client")
    assert time.now - 1000.0 == pytest.approx(waited)


def test_without_retry_after_each_wait_is_a_tenth_of_the_window_longer(build: Build, time: FakeTime) -> None:
    transport, _ = build(then_fine(*[ScriptedResponse(429, b"slow down")] * 5))
    transport.get_json("/Client")
    assert time.now - 1000.0 == pytest.approx(6.1 * (1 + 2 + 3 + 4 + 5))


def test_a_refusal_holds_every_other_request_of_that_vendor(build: Build, time: FakeTime) -> None:
    transport, _ = build(then_fine(json_response({}, 429, Retry_After="30")), retry=RetryPolicy(refusals_for_s=1))
    with pytest.raises(RateLimited):
        transport.get_json("/Client")
    assert time.now == 1000.0
    transport.get_json("/Item")
    assert time.now == 1030.0


def test_unavailable_with_a_longer_retry_after_gets_it(build: Build, time: FakeTime) -> None:
    transport, _ = build(then_fine(json_response({}, 503, Retry_After="25")))
    transport.get_json("/Client")
    assert time.slept == [25.0]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            json_response({"type": "NOT_FOUND", "message": "Company Not Found: 3f"}, 404),
            NotFound,
            "Company Not Found: 3f",
        ),
        (html(404, "No such page"), NotFound, "No such page"),
        (ScriptedResponse(404), NotFound, "No such id"),
        (ScriptedResponse(403), Forbidden, "permission"),
        (json_response({"message": "usageDate missing"}, 400), BadRequest, "usageDate missing"),
        (json_response({"message": "bad offset"}, 422), BadRequest, "bad offset"),
        (json_response({"ClassName": "System.Exception", "Message": "Bad id"}, 400), BadRequest, "Bad id"),
        (json_response({"resultCode": 3, "errorMessage": "No filter"}, 400), BadRequest, "No filter"),
    ],
)
def test_what_the_vendor_refuses_is_not_asked_again(
    answer: ScriptedResponse, kind: type[VendorError], words: str, build: Build, time: FakeTime
) -> None:
    transport, server = build(always(answer))
    with pytest.raises(kind, match=words) as caught:
        transport.get_json("/Client")
    assert type(caught.value) is kind
    assert caught.value.status == answer.status
    assert len(server.sent("GET")) == 1
    assert time.slept == []


def test_an_expired_token_is_renewed_once_and_the_read_goes_on(build: Build) -> None:
    desk = TokenServer()

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        if desk.issued == 1:
            desk.expire()
            return json_response({"type": "UNAUTHORIZED", "message": "expired"}, 401)
        return OK

    transport, server = build(desk.guards(script))
    assert transport.get_json("/Client") == {"price": Decimal("22.00")}
    assert [asked.token for asked in server.sent("GET")] == ["token-1", "token-2"]


@pytest.mark.parametrize(("means", "kind"), [("permission", Forbidden), ("credentials", AuthRefused)])
def test_a_second_refused_fresh_token_stops_it(means: str, kind: type[VendorError], build: Build) -> None:
    desk = TokenServer(scope="read:customers")
    script = desk.guards(lambda asked: json_response({"error": "invalid_token"}, 401))
    transport, server = build(script, fresh_401_means=means)
    with pytest.raises(kind) as caught:
        transport.get_json("/Pax8Details")
    assert type(caught.value) is kind
    assert len(server.token_calls) == 3
    assert len(server.sent("GET")) == 3
    if means == "permission":
        assert "read:customers" in str(caught.value)


def test_a_renewed_token_that_dies_before_its_first_use_is_renewed_again(build: Build) -> None:
    """The vendor drops all tokens twice in a row: seen with several threads, of which another one fell first."""
    desk = TokenServer()

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        if desk.issued < 3:
            desk.expire()
            return ScriptedResponse(401)
        return OK

    transport, server = build(desk.guards(script))
    assert transport.get_json("/Client") == {"price": Decimal("22.00")}
    assert len(server.token_calls) == 3


def test_a_renewed_token_that_was_taken_elsewhere_and_died_is_renewed_again(build: Build) -> None:
    """Two threads, two expiries: the second must not look like bad credentials to the slower thread."""
    desk = TokenServer()
    transport: Transport

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        if asked.path == "/slow" and desk.issued < 3:
            if desk.issued == 2:  # the other thread uses the new token, then all tokens die once more
                transport.get_json("/quick")
            desk.expire()
            return ScriptedResponse(401)
        return OK

    transport, server = build(desk.guards(script))
    assert transport.get_json("/slow") == {"price": Decimal("22.00")}
    assert len(server.token_calls) == 3


def test_renewals_within_one_call_are_bounded(build: Build) -> None:
    desk = TokenServer()
    transport: Transport

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        if asked.path == "/slow":
            transport.get_json("/quick")
            return ScriptedResponse(401)
        return OK

    transport, server = build(desk.guards(script))
    with pytest.raises(Forbidden):
        transport.get_json("/slow")
    assert len(server.token_calls) == 1 + 3


def test_a_token_that_expired_while_waiting_is_not_used_again(build: Build) -> None:
    left = [json_response({}, 503, Retry_After="200")]
    transport, server = build(TokenServer(life=100).guards(lambda asked: left.pop() if left else OK))
    transport.get_json("/Client")
    assert [asked.token for asked in server.sent("GET")] == ["token-1", "token-2"]


def test_a_redirect_is_never_followed_so_no_token_leaks(build: Build) -> None:
    with serving(lambda asked: OK) as elsewhere:
        transport, _ = build(always(ScriptedResponse(302, b"", {"Location": f"{elsewhere.url}/Client"})))
        with pytest.raises(BadAnswer, match="HALO_API_URL"):
            transport.get_json("/Client")
        assert elsewhere.asked == []


def test_a_refused_connection_is_tried_again_and_named(build: Build, time: FakeTime) -> None:
    transport, server = build(then_fine(), api_url=_closed_port())
    with pytest.raises(Unreachable, match=r"connection was refused.*HALO_API_URL.*8 tries"):
        transport.get_json("/Client")
    assert len(time.slept) == 7
    assert len(server.token_calls) == 1


def test_a_name_that_does_not_exist_is_named_so(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    transport, _ = build(then_fine(), api_url="https://no-such-host.invalid/api", retry=RetryPolicy(tries=1))
    with pytest.raises(Unreachable, match="name could not be found"):
        transport.get_json("/Client")


def test_every_request_is_logged_with_its_outcome(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    transport, _ = build(then_fine(html(500), ScriptedResponse(drop=True)))
    with caplog.at_level("DEBUG", logger="pax8_pipeline.transport.request_log"):
        transport.get_json("/Client", {"page": "1"})
    assert [message.rpartition(" in ")[0] for message in caplog.messages if message.startswith("Halo ")] == [
        "Halo POST /token: 200",
        "Halo GET /Client: 500",
        "Halo GET /Client: no answer",
        "Halo GET /Client: 200",
    ]


def test_the_vendors_clock_is_compared_with_ours(build: Build) -> None:
    transport, _ = build(always(json_response({}, Date="Sat, 01 Aug 2026 00:10:00 GMT")))
    assert transport.clock is None
    transport.get_json("/Client")
    assert transport.clock is not None
    assert (transport.clock.vendor_time - transport.clock.local_time).total_seconds() == 600.0


def test_no_more_requests_are_under_way_than_threads_are_allowed(build: Build) -> None:
    room: list[bool] = []

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        room.append(transport._slots.acquire(blocking=False))
        return OK

    transport, _ = build(TokenServer().guards(script), threads=1)
    transport.get_json("/Client")
    transport.get_json("/Client")
    assert room == [False, False]


def _closed_port() -> str:
    with serving(lambda asked: OK) as gone:
        return gone.url
