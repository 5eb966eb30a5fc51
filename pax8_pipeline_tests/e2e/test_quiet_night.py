"""The second night, on which nothing happened, as a person reads it; then a night with news."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pax8_pipeline_tests.support.nightly import night, small_story
from pax8_pipeline_tests.support.operator import desk

# How many lines a quiet night may print.
MOST, MOST_AT_60_COLUMNS = 9, 11


def test_a_night_without_news_prints_about_eight_lines_and_a_night_with_news_shows_them_alone(tmp_path: Path) -> None:
    with desk(tmp_path, small_story()) as at:
        night(at, usage=True)
        world = at.sandbox.world
        world.clock.set(world.today + timedelta(days=1))
        quiet = at.command("run", COLUMNS="80")
        assert quiet.code == 2  # what was held yesterday still waits for a person
        lines = quiet.out.splitlines()
        assert lines[0].startswith("nothing to write; ")
        assert lines[0].endswith(" wait for a person (none new)")
        assert any(
            line.startswith("Nothing new; ") and line.endswith("`pax8-pipeline plan show --details`") for line in lines
        )
        assert len(lines) <= MOST
        assert len(quiet.err.splitlines()) <= 6  # what it is doing: nothing of the result again
        assert "plan 2" not in quiet.err
        narrow = at.command("plan", "show", COLUMNS="60").out.splitlines()
        assert len(narrow) <= MOST_AT_60_COLUMNS

        active = (s for s, verdict in world.expected_verdicts().items() if verdict == "in_step")
        world.pax8.change_subscription(next(active), {"billingTerm": "Fortnightly"})
        night(at, apply=False)
        shown = at.command("plan", "show", "--new", COLUMNS="80").out.splitlines()
        assert shown[0].startswith("1 of ")
        assert shown[1].startswith("* ")
        assert shown[1].endswith("explain it")
        assert len(shown) == 3
        assert "(1 new)" in at.command("plan", "show", COLUMNS="80").out
