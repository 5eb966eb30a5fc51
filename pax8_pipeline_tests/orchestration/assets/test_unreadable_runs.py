"""Whole runs on lists that came whole and cannot be read: the guards count the rows that can be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from pax8_pipeline.extract.usable_rows import usable_problem
from pax8_pipeline.settings import load_settings
from pax8_pipeline_tests.support.assets import PipelineHarness, harness_of
from pax8_pipeline_tests.support.vendor_data import TODAY


def spoil(harness: PipelineHarness, rows: int) -> None:
    for row in harness.pax8.subscription_rows[:rows]:
        row["endDate"] = "31/12/2027"


def test_a_run_of_which_no_subscription_can_be_read_writes_nothing_and_is_no_measure(tmp_path: Path) -> None:
    harness = harness_of(tmp_path, 22)
    assert harness.sync().success
    harness.pax8.subscription_rows[21]["quantity"] = 21
    spoil(harness, 22)
    night = harness.sync()
    assert (night.success, harness.halo.written) == (False, [])
    assert night.plan_id is not None, "the plan shows each of them"
    spoil(harness, 21)
    harness.pax8.subscription_rows[21]["endDate"] = None
    again = harness.sync()
    assert (again.success, harness.halo.written) == (False, []), "one of 22 is no list either"
    for row in harness.pax8.subscription_rows:
        row["endDate"] = None
    assert harness.sync().success
    assert len(harness.halo.written) == 1


def test_a_few_rows_that_cannot_be_read_hold_only_themselves_unless_they_are_all(tmp_path: Path) -> None:
    harness = harness_of(tmp_path, 3)
    harness.pax8.subscription_rows[2]["quantity"] = 21
    spoil(harness, 2)
    assert harness.sync().success
    assert [body["id"] for _, body in harness.halo.written] == [5002]
    harness.pax8.subscription_rows[2].update(quantity=22)
    spoil(harness, 3)
    assert not harness.sync().success
    assert len(harness.halo.written) == 1


@pytest.mark.parametrize(
    ("rows", "usable", "before", "held"),
    [
        (22, 0, 22, True),
        (3, 0, None, True),
        (22, 17, 22, True),
        (22, 18, 22, False),
        (8, 1, 8, False),
        (0, 0, 22, True),
        (5, 5, None, False),
    ],
)
def test_usable_rows_are_held_against_the_last_good_run(rows: int, usable: int, before: int | None, held: bool) -> None:
    settings = load_settings({"PAX8_PIPELINE_TODAY": TODAY.isoformat()})
    assert (usable_problem("staging.subscriptions", rows, usable, before, settings) is not None) == held
    accepted = load_settings({"PAX8_PIPELINE_TODAY": TODAY.isoformat(), "PAX8_ACCEPT_SHRINK": TODAY.isoformat()})
    found = usable_problem("staging.subscriptions", rows, usable, before, accepted)
    assert (found is not None) == (rows > 0 and usable == 0), "a smaller list may be accepted, an unreadable one not"
