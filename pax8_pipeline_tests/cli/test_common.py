"""What all commands share when they talk."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from pax8_pipeline.commands.common import notify, print_json, progress


def test_steps_are_plain_lines_on_stderr_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as step:
        step("Reading Pax8 [companies]")
        step("Planning")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == ["Reading Pax8 [companies]", "Planning"]


def test_a_count_is_said_only_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as step:
        for done in range(1, 1001):
            step(f"usage summaries: {done} of 1,000")
        step("usage lines: 1 of 2")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["usage summaries: 1 of 1,000", "usage summaries: 100 of 1,000"]
    assert lines[-2:] == ["usage summaries: 1000 of 1,000", "usage lines: 1 of 2"]
    assert len(lines) == 12


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(quiet=True) as step:
        step("anything")
    assert capsys.readouterr().err == ""


def test_json_on_stdout_is_not_mixed_with_what_is_told_and_keeps_money_exact(
    capsys: pytest.CaptureFixture[str],
) -> None:
    notify("[1/2] on the way")
    print_json({"money": Decimal("0.10")})
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"money": "0.10"}
    assert printed.err == "[1/2] on the way\n"
