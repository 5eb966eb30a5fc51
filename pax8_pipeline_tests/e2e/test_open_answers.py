"""Where the reference pages leave Halo's answer open, either answer ends in the same state
(docs/vendors/halo.md#open-answers).
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.nightly import night, small_story
from pax8_pipeline_tests.support.operator import desk

ONE_BY_ONE: list[dict[str, Any]] = [
    {"inactive_licence_flips_line": "at_once"},
    {"inactive_licence_flips_line": "nightly"},
    {"post_reply": "array", "post_status": 200},
    {"qty_order_refresh": "at_creation"},
    {"updatelines_blanks_missing": True},
    {"stale_change_seq": "400", "updatelines_supported": 404},
    {"stale_change_seq": "warning", "updatelines_supported": 405},
    {"record_count": "fifty"},
    {"record_count": "too_small", "date_search_supported": False},
    {"page_cap": 20},
    {"page_caps": {"RecurringInvoice": 7, "SoftwareLicence": 50}},
    {"list_ignores_includelines": True},
    {"list_lines_without_links": True},
    {"lines_omission_deletes": False},
    {"several_clients": "first"},
    {"several_clients": "ignored"},
]
# Answers that have nothing to do with each other, together. `make proofs` plays each alone.
TOGETHER = [reduce(or_, ONE_BY_ONE[n::4]) for n in range(4)]
SWITCHES = ONE_BY_ONE if WHOLE else TOGETHER


def test_no_answer_is_lost_when_several_are_given_together() -> None:
    assert sum(len(answers) for answers in TOGETHER) == sum(len(answer) for answer in ONE_BY_ONE)


@pytest.mark.whole
@pytest.mark.parametrize("switch", SWITCHES, ids=str)
def test_whatever_halo_answers_the_end_is_the_same(switch: dict[str, Any], tmp_path: Path) -> None:
    world = small_story()
    (tmp_path / "policy.yaml").write_text("halo: {line_fallback: whole_invoice}\n")
    with desk(tmp_path, world) as at:
        world.halo.switches.change(switch)
        _, outcome = night(at)
        assert outcome is not None
        assert set(outcome.states) == {"verified"}, outcome.problems
        assert at.in_step()
        again, _ = night(at, apply=False)
        assert again.rows_safe == 0


def test_a_halo_that_repeats_its_pages_is_not_read_and_nothing_is_written(tmp_path: Path) -> None:
    world = small_story()
    with desk(tmp_path, world) as at:
        world.halo.switches.change({"repeated_page": True})
        plan, outcome = night(at)
        assert (plan.complete, outcome) == (False, None)
        assert "halo." in str(plan.problem)
        assert at.posts() == []


REFUSED = [(400, "halo: {line_fallback: whole_invoice}\n"), (404, ""), (405, "")]


@pytest.mark.whole
@pytest.mark.parametrize(("status", "policy"), REFUSED if WHOLE else REFUSED[:2], ids=str)
def test_a_refused_line_is_not_followed_by_its_whole_invoice(status: int, policy: str, tmp_path: Path) -> None:
    """400 says nothing about why; 404 and 405 count only where policy allows the other way."""
    world = small_story()
    (tmp_path / "policy.yaml").write_text(policy)
    with desk(tmp_path, world) as at:
        world.halo.switches.change({"updatelines_supported": status})
        _, outcome = night(at)
        assert outcome is not None
        assert outcome.states["failed"] > 0
        assert "/halo/api/RecurringInvoice" not in at.posts()
        assert any(str(status) in problem for problem in outcome.problems)
