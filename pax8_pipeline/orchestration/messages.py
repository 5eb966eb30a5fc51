"""The words of an alert: what a run that failed, was held, or ended well says to people.

Everything comes from the run's own events (`run_events`), because a sensor must not open the warehouse. Sending is in
`alerts`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg
from dagster import DagsterInstance

from pax8_pipeline.orchestration.failed_check import FailedCheck
from pax8_pipeline.orchestration.run_events import failed_checks, figures, step_failures
from pax8_pipeline.settings.policy import Digest
from pax8_pipeline.text.plurals import plural


@dataclass(frozen=True)
class Message:
    """A title of one line, and plain text under it."""

    title: str
    body: str


def of_run(instance: DagsterInstance, run: dg.DagsterRun, digest: Digest) -> Message | None:
    """Return what a finished run has to say, None when there is nothing.

    A failed run always says so. A run that ended well does when it was held, when a check has news, and, as `digest`
    asks for, when something changed (`on_change`) or every time (`daily`).
    """
    if not run.is_success:
        return _failure(instance, run)
    plan, writes = figures(instance, run.run_id, "billing.plan"), figures(instance, run.run_id, "billing.writes")
    checks = [check for check in failed_checks(instance, run.run_id) if not _known_before(check, plan)]
    changed = any(plan.get(name, "0") != "0" for name in ("safe", "waiting")) or writes.get("verified", "0") != "0"
    held = writes.get("held_back") or (plan.get("held", "no") if plan.get("held", "no") != "no" else "")
    if not (checks or held or digest == "daily" or (digest == "on_change" and changed)):
        return None
    report = figures(instance, run.run_id, "billing.report").get("digest")
    lines = [
        *([f"Held: {held}"] if held else []),
        *(_check_line(check) for check in checks),
        *([report] if report else []),
        f"Run {run.run_id}",
    ]
    return Message(_title(run, plan, writes, checks, held), "\n".join(lines))


def _title(
    run: dg.DagsterRun, plan: Mapping[str, str], writes: Mapping[str, str], checks: list[FailedCheck], held: str
) -> str:
    if held:
        return f"Pax8 sync: {run.job_name} was held"
    written, planned = int(writes.get("verified", "0")), int(plan.get("safe", "0")) + int(plan.get("waiting", "0"))
    result = f"{written} written" if written else f"{planned} planned"
    attention = f", {plural(len(checks), 'check needs', 'checks need')} attention" if checks else ""
    return f"Pax8 sync: {result}{attention}"


def _failure(instance: DagsterInstance, run: dg.DagsterRun) -> Message:
    lines = [*step_failures(instance, run.run_id), *map(_check_line, failed_checks(instance, run.run_id))]
    return Message(
        f"Pax8 sync: {run.job_name} failed", "\n".join([*(lines or ["no step gave a reason"]), f"Run {run.run_id}"])
    )


def _known_before(check: FailedCheck, plan: Mapping[str, str]) -> bool:
    """Return whether an earlier run found all that this check found: its findings are counted in the plan."""
    counted = json.loads(plan.get("findings") or "{}").get(check.name)
    return check.severity != "ERROR" and counted is not None and not counted["news"]


def _check_line(check: FailedCheck) -> str:
    return f"[{check.severity}] {check.name} on {check.asset}: {check.description}"
