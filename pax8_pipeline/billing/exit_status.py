"""What a run comes to for the caller: its exit code and the sentence behind it.

0 done, nothing left to write and nothing waits for a person; 2 a plan waits, or a loss or an overcharge that only a
person can resolve and that nobody has acknowledged; 3 held back by a blocking check or a guardrail; 1 error. The worst
wins: 1 before 3 before 2. What remains counts, not what the plan began with: approvals and acknowledgements let rows
through that the plan's head still counts as waiting or held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pax8_pipeline.billing.findings import FindingTotals
from pax8_pipeline.billing.model import Plan, Remaining
from pax8_pipeline.billing.planning.guardrails import override_instructions
from pax8_pipeline.text.plurals import plural

DONE, ERROR, WAITS, HELD = 0, 1, 2, 3
_HELD_BY = "held by a guardrail: "
NEXT = "put them right, or `pax8-pipeline acknowledge` those that are meant to be so (`--list` shows all)"


@dataclass(frozen=True)
class ExitStatus:
    """Exit code and why. `only_findings`: all is written, and what waits for a person is no change of the plan."""

    code: int
    sentence: str
    only_findings: bool = False


def evaluate(
    plan: Plan | None,
    states: Mapping[str, int],
    remaining: Remaining,
    held: Sequence[str],
    *,
    errors: Sequence[str],
    blocking: Sequence[str],
    pending: Sequence[str] = (),
    two_writers: Sequence[str] = (),
    findings: FindingTotals | None = None,
) -> ExitStatus:
    """Evaluate a run by its plan, what the ledger says was written and what remains, its errors and blocking checks.

    `held`: the sentences of the guardrails that hold what remains; `blocking`: whatever else kept the run from writing;
    `pending`: a sentence for each creation of which nobody knows the result yet; `two_writers`: what this run met of
    another writer (one key on two invoices, documents of another data folder). It comes before the errors that follow
    from it: a person has to see to it before anything else.
    `findings`: what only a person can put right, where the plan is the newest of a daily run.
    """
    if two_writers:
        return ExitStatus(HELD, "; ".join(two_writers))
    verified = states.get("verified", 0)
    also = f"; {plural(verified, 'other change was', 'other changes were')} written and read back" if verified else ""
    broken = [f"{plural(states[s], 'write')} {s}" for s in ("failed", "unknown", "skipped") if states.get(s)]
    if errors or broken:
        return ExitStatus(ERROR, "; ".join([*errors, *broken]))
    if blocking:
        return ExitStatus(HELD, f"held back by a blocking check: {'; '.join(blocking)}{also}")
    if plan is None:
        return ExitStatus(ERROR, "no plan was made")
    if not plan.complete:
        return ExitStatus(HELD, f"the plan may not be applied: {plan.problem}")
    if held:
        reasons = "; ".join(text.removeprefix(_HELD_BY) for text in held)  # the sentence of a row names it itself
        return ExitStatus(HELD, f"{_HELD_BY}{reasons}; {override_instructions(plan.plan_id)}{also}")
    return _waiting(plan, remaining, pending, findings, verified) or _done(states, verified)


def _waiting(
    plan: Plan, remaining: Remaining, pending: Sequence[str], findings: FindingTotals | None, verified: int
) -> ExitStatus | None:
    """Return the status of a run of which something waits for a person or for a later run; None when nothing does."""
    open_findings = [f"{findings.sentence}; {NEXT}"] if findings and findings.count else []
    if remaining.unwritten or remaining.waiting or remaining.drifted:
        return ExitStatus(WAITS, "; ".join([_waits(plan, remaining), *pending, *open_findings]))
    if pending:
        return ExitStatus(WAITS, "; ".join([*pending, *open_findings]))
    if open_findings:
        done = f"{plural(verified, 'change')} written and read back" if verified else "nothing to write"
        return ExitStatus(WAITS, "; ".join([done, *open_findings]), only_findings=True)
    return None


def _done(states: Mapping[str, int], verified: int) -> ExitStatus:
    return ExitStatus(
        DONE, f"done: {plural(verified, 'change')} written and read back" if states else "done: nothing to write"
    )


def _waits(plan: Plan, remaining: Remaining) -> str:
    parts = []
    if remaining.drifted:
        parts.append(
            f"{plural(remaining.drifted, 'target changed since the plan and was', 'targets changed since the plan and were')} left alone"
        )
    if remaining.unwritten:
        parts.append(f"{plural(remaining.unwritten, 'change')} not written ({plan.write_mode.replace('_', ' ')})")
    if remaining.waiting:
        parts.append(plural(remaining.waiting, "change waits for a person", "changes wait for a person"))
    return f"plan {plan.plan_id} waits: {', '.join(parts)}"
