"""No window ever holds more requests than allowed, whoever asks; a pause holds everybody."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline_tests.support.scripted_http import FakeTime


def limiter(time: FakeTime, limit: int = 10, window_s: float = 60.0) -> RateLimiter:
    return RateLimiter(limit, window_s, clock=time.clock, sleep=time.sleep)


def crowded(moments: list[float], limit: int, window_s: float) -> bool:
    """True if some rolling window holds more than the limit (a hair's breadth for float sums)."""
    return any(late - early < window_s - 1e-6 for early, late in zip(moments, moments[limit:], strict=False))


@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.floats(0, 40), st.one_of(st.none(), st.floats(0, 30))), min_size=1, max_size=60),
)
def test_no_rolling_window_holds_more_than_the_limit(limit: int, steps: list[tuple[float, float | None]]) -> None:
    time = FakeTime()
    budget = limiter(time, limit, 20.0)
    granted = []
    for idle, pause in steps:
        time.now += idle
        if pause is not None:
            budget.pause(pause)
        budget.acquire()
        granted.append(time.now)
    assert not crowded(granted, limit, 20.0)


def test_threads_share_one_budget() -> None:
    time = FakeTime()
    budget = limiter(time, 5, 20.0)
    granted: list[float] = []
    lock = threading.Lock()

    def work() -> None:
        for _ in range(5):
            budget.acquire()
            with lock:
                granted.append(time.now)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 20
    assert max(granted) - min(granted) >= 3 * 20.0  # 20 requests at 5 in 20 s need three windows more


def test_nine_tenths_of_the_budget_leave_at_once_and_the_rest_evenly() -> None:
    time = FakeTime()
    budget = limiter(time, 20)
    moments = []
    for _ in range(20):
        budget.acquire()
        moments.append(time.now - 1000.0)
    assert moments == [*[0] * 18, 3, 6]


def test_a_long_read_gets_the_whole_rate() -> None:
    time = FakeTime()
    budget = limiter(time)
    for _ in range(100):
        budget.acquire()
    assert time.now - 1000.0 <= 10 * 60.0


def test_a_request_within_the_budget_does_not_wait_at_all() -> None:
    time = FakeTime()
    limiter(time).acquire()
    assert time.slept == []


def test_a_pause_holds_the_next_request_until_it_is_over() -> None:
    time = FakeTime()
    budget = limiter(time)
    budget.pause(12.5)
    budget.acquire()
    assert time.now == 1012.5


def test_a_shorter_pause_does_not_shorten_a_longer_one() -> None:
    time = FakeTime()
    budget = limiter(time)
    budget.pause(30)
    budget.pause(1)
    budget.acquire()
    assert time.now == 1030


def test_a_pause_also_holds_a_request_that_was_already_waiting() -> None:
    time = FakeTime()
    budget: RateLimiter

    def sleep(seconds: float) -> None:
        if not time.slept:
            budget.pause(100)  # another thread is told to wait while this one sleeps
        time.sleep(seconds)

    budget = RateLimiter(1, 10.0, clock=time.clock, sleep=sleep)
    budget.acquire()
    budget.acquire()
    assert time.now == 1100


def test_after_a_pause_requests_leave_one_by_one() -> None:
    time = FakeTime()
    budget = limiter(time)
    budget.pause(5)
    budget.acquire()
    budget.acquire()
    assert time.now == pytest.approx(1005 + 6)


def test_used_is_the_share_of_the_window_that_was_spent() -> None:
    time = FakeTime()
    budget = limiter(time)
    assert budget.used() == 0
    for _ in range(4):
        budget.acquire()
    assert budget.used() == pytest.approx(0.4)
    time.now += 61
    assert budget.used() == 0


@pytest.mark.parametrize(("limit", "window_s"), [(0, 60.0), (5, 0.0)])
def test_a_limit_that_lets_nothing_through_is_refused(limit: int, window_s: float) -> None:
    with pytest.raises(ValueError, match="rate limit"):
        limiter(FakeTime(), limit, window_s)
