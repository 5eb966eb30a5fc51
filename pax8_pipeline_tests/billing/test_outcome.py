"""Exit codes: the worst wins, and warnings change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from pax8_pipeline.billing.outcome import judge
from pax8_pipeline_tests.billing.fake import plan

CASES: dict[str, tuple[dict[str, Any], dict[str, int], dict[str, Any], int]] = {
    "nothing to do": ({"rows_safe": 0}, {}, {}, 0),
    "all written": ({"rows_safe": 2}, {"verified": 2}, {}, 0),
    "unmapped rows are only warnings": ({"rows_safe": 0, "rows_blocked": 9}, {}, {}, 0),
    "dry run with changes": ({"rows_safe": 2, "write_mode": "dry_run"}, {}, {}, 2),
    "approval needed": ({"rows_safe": 1, "rows_waiting": 1}, {"verified": 1}, {}, 2),
    "a target drifted": ({"rows_safe": 2}, {"verified": 1, "drifted": 1}, {}, 2),
    "run held": ({"rows_safe": 0, "held": "26 lines ended"}, {}, {}, 3),
    "client held, others written": ({"rows_safe": 1}, {"verified": 1}, {"held_clients": ["client 1"]}, 3),
    "blocking check": ({"rows_safe": 1}, {}, {"blocking": ["snapshot_shrank"]}, 3),
    "incomplete plan": ({"complete": False, "problem": "old reads"}, {}, {}, 3),
    "a write failed": ({"rows_safe": 2}, {"verified": 1, "failed": 1}, {}, 1),
    "a write is unknown": ({"rows_safe": 1}, {"unknown": 1}, {}, 1),
    "an error beats a held run": ({"held": "x"}, {}, {"errors": ["Halo does not answer"]}, 1),
}


@pytest.mark.parametrize("name", CASES)
def test_exit_code(name: str) -> None:
    head, states, more, code = CASES[name]
    found = judge(plan(**head), states, more.get("held_clients", []), errors=more.get("errors", []),
                  blocking=more.get("blocking", []))  # fmt: skip
    assert found.code == code
    assert found.sentence


def test_a_run_without_a_plan_is_an_error_unless_a_check_held_it() -> None:
    assert judge(None, {}, [], errors=[], blocking=[]).code == 1
    assert judge(None, {}, [], errors=[], blocking=["incomplete_read"]).code == 3
