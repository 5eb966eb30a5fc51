"""What a run comes to for the caller: its exit code and the sentence behind it.

0 done, nothing left to write; 2 a plan waits; 3 held back by a blocking check or a guardrail; 1 error (DESIGN
section 2). The worst wins: 1 before 3 before 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pax8_pipeline.billing.model import Plan

DONE, ERROR, WAITS, HELD = 0, 1, 2, 3


@dataclass(frozen=True)
class Verdict:
    """Exit code and why."""

    code: int
    sentence: str


def judge(
    plan: Plan | None,
    states: Mapping[str, int],
    held_clients: Sequence[str],
    *,
    errors: Sequence[str],
    blocking: Sequence[str],
) -> Verdict:
    """Judge a run by its plan, what the ledger says was written, its errors and its failed blocking checks."""
    broken = [f"{states[s]} writes {s}" for s in ("failed", "unknown", "skipped") if states.get(s)]
    if errors or broken:
        return Verdict(ERROR, "; ".join([*errors, *broken]))
    if blocking:
        return Verdict(HELD, f"held back by a blocking check: {'; '.join(blocking)}")
    if plan is None:
        return Verdict(ERROR, "no plan was made")
    if not plan.complete:
        return Verdict(HELD, f"the plan may not be applied: {plan.problem}")
    if plan.held or held_clients:
        return Verdict(HELD, f"held by a guardrail: {'; '.join([plan.held] if plan.held else held_clients)}")
    unwritten = plan.rows_safe - states.get("verified", 0)
    if unwritten > 0 or plan.rows_waiting:
        return Verdict(WAITS, _waits(plan, unwritten, states.get("drifted", 0)))
    return Verdict(
        DONE, f"done: {states.get('verified', 0)} changes written and read back" if states else "done: nothing to write"
    )


def _waits(plan: Plan, unwritten: int, drifted: int) -> str:
    parts = []
    if drifted:
        parts.append(f"{drifted} targets changed since the plan and were left alone")
    if unwritten - drifted > 0:
        parts.append(f"{unwritten - drifted} changes not written ({plan.write_mode.replace('_', ' ')})")
    if plan.rows_waiting:
        parts.append(f"{plan.rows_waiting} changes wait for a person")
    return f"plan {plan.plan_id} waits: {', '.join(parts)}"
