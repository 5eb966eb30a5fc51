"""A day left in .env, as real processes meet it: nothing is written, exit 3, and one sentence says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pax8_pipeline_tests.support.operator import desk


@pytest.mark.proof
def test_a_day_left_in_the_environment_stops_every_write_until_it_is_gone(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        held = at.run(PAX8_PIPELINE_TODAY="2027-06-05")
        assert (held.code, at.posts()) == (3, []), held.err
        assert "PAX8_PIPELINE_TODAY says 2027-06-05. Remove PAX8_PIPELINE_TODAY from .env" in held.data["sentence"]
        at.sandbox.halo.switches.change({"date_header": False})
        done = at.run()
        assert done.code == 2, done.err  # written; losses wait for a person
        assert at.in_step()
        assert "Halo sent no Date header" in done.err
