"""What is read again just before and after a write is read as strictly as the lists were."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pax8_pipeline.billing.actions import compare
from pax8_pipeline.billing.actions.end_line import EndLine
from pax8_pipeline.billing.actions.target import Target
from pax8_pipeline_tests.billing.test_apply import applier, halo
from pax8_pipeline_tests.support.billing import change, computed_line, plan


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ("licence", "is_active", "perhaps"), ("licence", "is_active", None), ("licence", "deleted", "?"), ("licence", "count", "five"),
        ("line", "isinactive", "maybe"), ("line", "isinactive", None), ("header", "disabled", "?"),
        ("line", "quantity_subscriptions", [{"licence_id": 11}, {"id": 4}]),
        ("line", "quantity_subscriptions", [{"licence_id": 11}, {"licence_id": "11b"}]),
    ],
)  # fmt: skip
def test_a_target_that_cannot_be_read_is_not_written(place: str, name: str, value: Any) -> None:
    target = halo(computed_line(1, 11))
    row = {"licence": target.licence_rows[11], "line": target.headers[-94]["lines"][0], "header": target.headers[-94]}[
        place
    ]
    row[name] = value
    outcome = applier(target).apply(plan(), [change("set_licence_count", 8)])
    assert (outcome.states, target.applied) == ({"drifted": 1}, [])


@pytest.mark.parametrize("end", ["01/12/2027", "0001-01-01x", "2026-02-30", "tomorrow", ""])
def test_an_end_date_that_cannot_be_read_ends_nothing(end: str) -> None:
    target = halo()
    pax8 = {"sub-1-11": {"status": "Cancelled", "endDate": end}}
    outcome = applier(target, pax8=pax8).apply(plan(), [change("end_line", None)])
    assert (outcome.states, target.applied) == ({"drifted": 1}, [])


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [(True, "true", True), (True, "false", False), (False, None, True), (True, "?", False), (False, "?", False), (False, 0, True)],
)  # fmt: skip
def test_a_flag_that_cannot_be_read_is_like_no_other(a: Any, b: Any, same: bool) -> None:
    assert compare.same(a, b) is same


def test_a_switch_that_cannot_be_read_proves_no_end() -> None:
    ended = change("end_line", None, licence=None)
    header = {"id": -94, "lines": [{"id": 1, "isinactive": "who knows"}]}
    target = Target.of(ended, header, None)
    assert not EndLine.from_change(ended).reached(target)
    assert not EndLine.from_change(ended).half_done(target)


def test_days_are_read_as_written_or_not_at_all() -> None:
    assert compare.calendar_day("2026-08-19T00:00:00Z") == date(2026, 8, 19)
    assert [compare.calendar_day(d) for d in (None, "", "20260819", "2026-8-19", "19/08/2026", 20260819)] == [None] * 6
