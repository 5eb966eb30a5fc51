"""How long we wait: growing, jittered, bounded, and as the vendor asks."""

from __future__ import annotations

import pytest

from pax8_pipeline.transport.retry import RetryPolicy, http_date, retry_after

POLICY = RetryPolicy()


def test_waits_double_up_to_their_maximum_and_chance_takes_any_part_of_them() -> None:
    assert [POLICY.backoff(tried, 1.0) for tried in (1, 2, 3, 4, 7, 500)] == [1, 2, 4, 8, 60, 60]
    assert POLICY.backoff(3, 0.25) == 1.0
    assert POLICY.backoff(3, 0.0) == 0.0


def test_refusals_without_a_time_wait_until_the_window_has_room_and_longer_each_time() -> None:
    assert [POLICY.refusal_wait(n, None, 30.0) for n in (1, 2, 3, 10, 11)] == [30, 60, 90, 300, 300]


def test_a_named_wait_is_kept_but_clamped() -> None:
    assert POLICY.refusal_wait(1, 17.0, 30.0) == 17.0
    assert POLICY.refusal_wait(1, 10**9, 30.0) == POLICY.retry_after_max_s


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("12", 12.0),
        (" 1.5 ", 1.5),
        ("Sat, 01 Aug 2026 00:00:30 GMT", 30.0),
        ("Fri, 31 Jul 2026 23:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, server_now=http_date("Sat, 01 Aug 2026 00:00:00 GMT") or 0) == seconds
