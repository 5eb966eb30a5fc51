"""One token for all threads, renewed in time; bad credentials are named and not tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.errors import (
    AuthRefused,
    BadAnswer,
    NotFound,
    ServerFault,
    Unreachable,
    VendorError,
)
from pax8_pipeline.transport.oauth import TokenSource
from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline.transport.retry import RetryPolicy
from pax8_pipeline.transport.session import HttpSession
from pax8_pipeline_tests.support.scripted_http import (
    FakeTime,
    Script,
    ScriptedResponse,
    Server,
    TokenServer,
    html,
    json_response,
    serving,
)
from pax8_pipeline_tests.transport.conftest import token_request

Source = Callable[..., tuple[TokenSource, Server]]


@pytest.fixture
def source(time: FakeTime) -> Iterator[Source]:
    with ExitStack() as stack:

        def make(script: Script, *, url: str | None = None, **request: Any) -> tuple[TokenSource, Server]:
            server = stack.enter_context(serving(script))
            timing = time.timing(1.0)
            wire = HttpSession(url or f"{server.url}/token", connect_s=5, read_s=5, threads=4, clock=timing.clock)
            stack.callback(wire.close)
            tokens = TokenSource(
                token_request(**request),
                wire,
                timing=timing,
                retry=RetryPolicy(),
                limiter=RateLimiter(1000, 60, clock=timing.clock, sleep=timing.sleep),
            )
            return tokens, server

        yield make


def desk(life: Any = 3600, scope: str | None = None) -> Script:
    return TokenServer(life, scope).guards(lambda asked: ScriptedResponse(404))


@pytest.mark.parametrize(
    ("life", "good_for"),
    [(3600, 3510), (86400, 86310), (100, 50), ("3600", 3510), (Decimal("3600.0"), 3510), (None, 510), (-1, 510)],
)
def test_a_token_is_kept_until_ninety_seconds_or_half_its_life_before_its_end(
    life: Any, good_for: float, source: Source, time: FakeTime
) -> None:
    tokens, server = source(desk(life))
    first = tokens.current()
    time.now += good_for - 1
    assert tokens.current() is first
    time.now += 1
    assert tokens.current().value.get_secret_value() == "token-2"
    assert len(server.asked) == 2


def test_threads_that_ask_at_once_cause_one_fetch(source: Source) -> None:
    tokens, server = source(desk())
    assert {token.value.get_secret_value() for token in _at_once(8, tokens.current)} == {"token-1"}
    assert len(server.asked) == 1


def test_threads_that_are_refused_at_once_cause_one_renewal(source: Source) -> None:
    tokens, server = source(desk())
    old = tokens.current()
    assert {token.value.get_secret_value() for token in _at_once(8, lambda: tokens.renew(old))} == {"token-2"}
    assert len(server.asked) == 2


def test_the_scope_that_was_granted_is_kept(source: Source) -> None:
    tokens, _ = source(desk(scope="read:items edit:invoices"))
    assert tokens.current().scopes == ("read:items", "edit:invoices")


def test_without_a_scope_in_the_answer_none_is_claimed(source: Source) -> None:
    tokens, _ = source(desk())
    assert tokens.current().scopes == ()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            json_response({"error": "access_denied", "error_description": "Unauthorized"}, 401),
            "access_denied: Unauthorized",
        ),
        (json_response({"error": "invalid_client", "error_description": "Unknown"}, 401), "invalid_client: Unknown"),
        (json_response({"error": "invalid_scope"}, 400), "invalid_scope"),
        (ScriptedResponse(403), "403"),
    ],
)
def test_refused_credentials_are_named_and_not_tried_again(
    answer: ScriptedResponse, words: str, source: Source, time: FakeTime
) -> None:
    tokens, server = source(lambda asked: answer)
    for _ in range(3):  # other threads, right behind
        with pytest.raises(AuthRefused, match="Check HALO_CLIENT_ID and HALO_CLIENT_SECRET") as caught:
            tokens.current()
    assert words in str(caught.value)
    assert len(server.asked) == 1
    time.now += 61
    with pytest.raises(AuthRefused):
        tokens.current()
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "bad",
    [
        html(500),
        json_response({}, 503),
        json_response({}, 408),
        json_response({}, 429),
        ScriptedResponse(drop=True),
        ScriptedResponse(200, b"{"),
        html(200),
        json_response([]),
    ],
)
def test_a_token_service_that_stumbles_is_asked_again(bad: ScriptedResponse, source: Source) -> None:
    answers = [bad, json_response({"access_token": "token-9", "expires_in": 3600})]
    tokens, _ = source(lambda asked: answers.pop(0))
    assert tokens.current().value.get_secret_value() == "token-9"


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (html(500), ServerFault),
        (ScriptedResponse(drop=True), Unreachable),
        (json_response({"access_token": ""}), BadAnswer),
        (json_response({"access_token": "two words\r\nX-Evil: 1"}), BadAnswer),
        (json_response({"accessToken": "camel"}), BadAnswer),
    ],
)
def test_a_token_service_that_stays_broken_ends_after_eight_tries(
    bad: ScriptedResponse, kind: type[VendorError], source: Source
) -> None:
    tokens, server = source(lambda asked: bad)
    with pytest.raises(kind, match="given up after 8 tries") as caught:
        tokens.current()
    assert type(caught.value) is kind
    assert len(server.asked) == 8


@pytest.mark.parametrize(("answer", "kind"), [(ScriptedResponse(404), NotFound), (ScriptedResponse(301), BadAnswer)])
def test_a_wrong_address_is_named(answer: ScriptedResponse, kind: type[VendorError], source: Source) -> None:
    tokens, server = source(lambda asked: answer)
    with pytest.raises(kind, match="HALO_AUTH_URL"):
        tokens.current()
    assert len(server.asked) == 1


def test_the_hint_of_a_vendor_stands_in_the_message_for_5xx(source: Source) -> None:
    tokens, _ = source(lambda asked: html(500), fault_hint=" Check HALO_TENANT.")
    with pytest.raises(ServerFault, match="Check HALO_TENANT"):
        tokens.current()


def _at_once(number: int, work: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(number)
    results: list[Any] = []

    def run() -> None:
        barrier.wait(30)
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == number
    return results
