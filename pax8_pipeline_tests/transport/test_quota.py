"""The budget of requests follows what the vendor says: the limit a 429 names, a full window, a quiet one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import tenant
from pax8_pipeline.transport.quota import Quota, read_quota, usable_requests
from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline_tests.support.scripted_http import FakeTime, ScriptedResponse, json_response
from pax8_pipeline_tests.transport.conftest import Build


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        ("API calls quota exceeded! maximum admitted 300 per 5m.", Quota(300, 300.0)),
        ("You have exceeded the limit of 300 requests per 5 minutes", Quota(300, 300.0)),
        ("700 requests in a rolling 5-minute window", Quota(700, 300.0)),
        ("Rate limit: 1,000 calls every minute", Quota(1000, 60.0)),
        ("500 requests in 3 minutes", Quota(500, 180.0)),
        ("max 300 requests / 300s", Quota(300, 300.0)),
        ("Too many requests", None),
        ("Error 429 in 3 minutes try again", None),
        ("Request limit exceeded. Try again in 5 minutes", None),
        ("0 requests per 5 minutes", None),
        ("300 requests per 999999 hours", None),
        ("", None),
    ],
)
def test_number_and_window_are_read_from_the_text_of_a_refusal(text: str, quota: Quota | None) -> None:
    assert read_quota(text) == quota


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("API calls quota exceeded! Maximum admitted 300 per 5m.", "maximum admitted 300 per 5m"),
        ("700 requests in a rolling 5-minute window", "700 requests in a rolling 5-minute"),
        ("300 calls for Harbour Lane per 5 minutes", ""),
    ],
)
def test_the_words_of_a_limit_are_kept_unless_they_may_hold_a_name(text: str, words: str) -> None:
    quota = read_quota(text)
    assert quota is not None
    assert quota.text == words


def test_the_limit_that_a_refusal_names_is_kept_from_then_on_and_passed_on(build: Build) -> None:
    learned: list[Quota] = []
    answers = [
        ScriptedResponse(429, b"Maximum admitted 20 per 1m.", headers={"Retry-After": "1"}),
        json_response({"fine": True}),
    ]
    transport, _ = build(
        lambda asked: json_response({"access_token": "t"}) if asked.path == "/token" else answers.pop(0),
        on_quota=learned.append,
    )
    assert transport.get_json("/Client") == {"fine": True}
    assert learned == [Quota(20, 60.0)]
    assert (transport.limiter.limit, transport.limiter.window_s) == (18, 60.0)


def test_a_higher_limit_than_ours_changes_nothing() -> None:
    time = FakeTime()
    limiter = RateLimiter(270, 300.0, clock=time.clock, sleep=time.sleep)
    limiter.restrict(usable_requests(Quota(700, 300.0)), 300.0)
    assert (limiter.limit, limiter.window_s) == (270, 300.0)
    limiter.restrict(usable_requests(Quota(300, 600.0)), 600.0)
    assert (limiter.limit, limiter.window_s) == (270, 600.0)


def test_a_full_window_is_waited_for_until_its_oldest_requests_leave_it() -> None:
    time = FakeTime()
    limiter = RateLimiter(100, 300.0, clock=time.clock, sleep=time.sleep)
    for _ in range(50):
        limiter.acquire()  # at once, at second 0
    time.now += 200
    assert limiter.record_refusal() == pytest.approx(100.0)


def test_a_window_that_others_filled_is_waited_for_a_tenth_of_it() -> None:
    time = FakeTime()
    limiter = RateLimiter(100, 300.0, clock=time.clock, sleep=time.sleep)
    limiter.acquire()
    assert limiter.record_refusal() == pytest.approx(30.0)


def test_a_budget_with_a_ceiling_grows_while_it_is_used_and_nothing_is_refused() -> None:
    time = FakeTime()
    limiter = RateLimiter(500, 60.0, clock=time.clock, sleep=time.sleep, ceiling=1000)
    for _ in range(6_000):
        limiter.acquire()
    assert limiter.limit == 1000
    assert time.now - 1000.0 < 6_000 / 500 * 60.0


def test_a_budget_that_is_not_used_does_not_grow() -> None:
    time = FakeTime()
    limiter = RateLimiter(500, 60.0, clock=time.clock, sleep=time.sleep, ceiling=1000)
    for _ in range(100):
        limiter.acquire()
        time.now += 30
    assert limiter.limit == 500


def test_a_refusal_halves_a_budget_with_a_ceiling_once_for_all_requests_refused_together() -> None:
    time = FakeTime()
    limiter = RateLimiter(800, 60.0, clock=time.clock, sleep=time.sleep, ceiling=1000)
    for _ in range(3):
        limiter.pause(limiter.record_refusal())
    assert limiter.limit == 400
    time.now += 30
    limiter.pause(limiter.record_refusal())
    assert limiter.limit == 200


def test_what_halo_named_is_remembered_for_the_next_run(tmp_path: Path) -> None:
    assert tenant.named_quota(tmp_path, "halo") is None
    tenant.store_quota(tmp_path, "halo", Quota(300, 300.0), date(2026, 8, 6))
    assert tenant.named_quota(tmp_path, "halo") == Quota(300, 300.0)
    tenant.store_quota(tmp_path, "pax8", Quota(500, 60.0, "500 calls a minute"), date(2026, 8, 6))
    assert "500 calls a minute" in (tmp_path / "tenant.yaml").read_text()
    assert "2026-08-06" in (tmp_path / "tenant.yaml").read_text()
    tenant.store_quota(tmp_path, "halo", Quota(700, 300.0), date(2026, 8, 7))
    assert tenant.named_quota(tmp_path, "halo") == Quota(700, 300.0)
    assert [path.name for path in tmp_path.iterdir()] == ["tenant.yaml"]


@pytest.mark.parametrize(
    "text", ["- a\n", "halo_limit: 300\n", "halo_limit: {requests: 0, window_seconds: 1}\n", "a: [\n"]
)
def test_a_broken_file_is_named_with_the_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "tenant.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"tenant\.yaml: .*Delete the file"):
        tenant.named_quota(tmp_path, "halo")
