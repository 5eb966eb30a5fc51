"""The result of a run, for a person in the terminal and as data for a program.

What fits one screen is chosen in `reports.summary`.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rich.console import Console
from rich.text import Text

from pax8_pipeline.billing import approvals as approvals_of_plans
from pax8_pipeline.billing import exit_status, findings
from pax8_pipeline.billing.ledger import ledger, recovery, writer
from pax8_pipeline.billing.model import Plan, Remaining, money_sentences
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.clock import utc_now
from pax8_pipeline.commands.common import print_table, shown_path, styled
from pax8_pipeline.orchestration.failed_check import FailedCheck
from pax8_pipeline.reports import plan_facts, plan_rows, summary
from pax8_pipeline.reports.mapping.hints import with_hints
from pax8_pipeline.reports.next_steps import STEPS
from pax8_pipeline.reports.table import Table
from pax8_pipeline.settings import Settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection, Warehouse

_SECTIONS = (
    ("Not billed to any client", lambda r: bool(r["unbilled_per_month"]) or r["verdict"] == "unbilled"),
    ("Changes", lambda r: r["class"] == "safe"),
    ("Waiting for a person", lambda r: r["class"] == "needs_approval"),
    ("Held back", lambda r: r["class"] == "blocked"),
    ("Worth knowing", lambda r: r["verdict"] in ("pending_cancel", "trial")),
)


@dataclass(frozen=True)
class RunReport:
    """The result of a run: its plan with rows and approvals, the checks that failed, and the exit status."""

    run_id: str
    plan: Plan | None
    rows: list[dict[str, Any]]
    states: dict[str, int]
    checks: Sequence[FailedCheck]
    errors: Sequence[str]
    verdict: exit_status.ExitStatus
    report: str
    approvals: Sequence[dict[str, Any]] = ()
    left: Remaining = field(default_factory=Remaining)
    pending: Sequence[str] = ()
    findings: Sequence[dict[str, Any]] = ()


def build_run_report(
    settings: Settings,
    run_id: str,
    plan_id: str | None,
    checks: Sequence[FailedCheck],
    errors: Sequence[str],
    refused: Sequence[str] = (),
) -> RunReport:
    """Read what the run left in the warehouse and find its exit status.

    `refused`: why a plan that was to be written was not.
    """
    head, rows, states, left, held = None, [], {}, Remaining(), []
    found: list[dict[str, Any]] = []
    approvals: Sequence[dict[str, Any]] = ()
    pending: list[str] = []
    two_writers: list[str] = []
    if plan_id:
        with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
            head = plans.load_plan(connection, plan_id)
            rows = with_hints(connection, plan_rows.plan_rows(connection, plan_id), settings.policy.usage)
            states, left = ledger.states(connection, plan_id), ledger.remaining(connection, plan_id)
            held = approvals_of_plans.holds(connection, head, settings.policy, utc_now())
            approvals = approvals_of_plans.list_approvals(connection, plan_id)
            two_writers = _two_writers(connection, plan_id, states)
            pending = list(recovery.pending(connection, settings.policy.unknown_wait).values())
            found = findings.open_findings(connection, plan_id)
    summed = findings.add_up(found)
    left = replace(left, waiting=max(0, left.waiting - summed.waiting_acknowledged))
    # What the guardrails hold is in `held`, as the plan stands now.
    blocking = [f"{c.name} ({c.description})" for c in checks if c.severity == "ERROR" and c.name != "guardrails"]
    blocking.extend([] if held else refused)
    verdict = exit_status.evaluate(head, states, left, held, errors=errors, blocking=blocking, pending=pending,
                            two_writers=two_writers, findings=summed)  # fmt: skip
    report = str(settings.reports_path / f"plan-{plan_id}.html") if plan_id else ""
    return RunReport(run_id, head, rows, states, checks, errors, verdict, report, approvals, left, pending, found)


def _two_writers(connection: Connection, plan_id: str, states: Mapping[str, int]) -> list[str]:
    """Return what a plan that was written met of another writer."""
    if not states:
        return []
    twice = ledger.duplicates(connection, plan_id)
    other = writer.conflict(connection)
    return [*twice, *([other] if other else [])]


def as_data(run: RunReport) -> dict[str, Any]:
    """Return the run as data for --json; money as decimal text."""
    return {
        "schema": "pax8-pipeline/run/1",
        "run_id": run.run_id,
        "exit_code": run.verdict.code,
        "sentence": run.verdict.sentence,
        "plan": None if run.plan is None else asdict(run.plan),
        "approvals": list(run.approvals),
        "written": run.states,
        "pending": list(run.pending),
        "only_findings": run.verdict.only_findings,
        "findings": list(run.findings),
        "next": next_commands(run),
        "failed_checks": [{**asdict(c), "subjects": sorted(c.subjects)} for c in run.checks],
        "errors": list(run.errors),
        "rows": [{k: v for k, v in r.items() if k not in ("expect", "evidence")} for r in run.rows],
        "report": run.report,
    }


def next_commands(run: RunReport) -> list[str]:
    """Return what a person would type next to get the rest of the plan written, if they agree with it."""
    if run.plan is None or not run.plan.complete:
        return []
    approve = f"pax8-pipeline plan approve {run.plan.plan_id}"
    steps = [f"{approve} --acknowledge"] if run.left.held else []
    steps += [approve] if run.left.waiting else []
    return [*steps, f"pax8-pipeline plan apply {run.plan.plan_id}"] if steps or run.left.unwritten else []


def show(
    console: Console,
    run: RunReport,
    *,
    details: bool = False,
    limit: int = 40,
    everything: bool = False,
    proof: str = "",
    all_rows: str = summary.ALL_ROWS,
    footer: str = "",
) -> None:
    """Print a run on one screen; with `details` (or `everything`) all rows in tables before it.

    `proof`: a text below the result. `all_rows`: the command that shows every row. `footer`: the last line.
    """
    if details or everything:
        _tables(console, run, limit, everything)
    width = min(console.width, WIDEST)
    found = findings.add_up(run.findings)
    notes = [*_notes(run, found.acknowledged, width), *_next_steps(run), *([footer] if footer else [])]
    shown = summary.lines(
        run.verdict.sentence,
        run.verdict.only_findings,
        run.plan.money if run.plan else {},
        found,
        run.rows,
        width,
        proof=proof,
        all_rows=all_rows,
        below=sum(max(1, math.ceil(len(note) / width)) for note in notes),
    )
    for line in (*shown, *notes):
        console.print(line, soft_wrap=True)


WIDEST = 120


def _tables(console: Console, run: RunReport, limit: int, everything: bool) -> None:
    """Print the rows in tables, by what they are, and the failed checks in full."""
    rest = run.rows
    for title, wanted in _SECTIONS:
        section = [r for r in rest if wanted(r)]
        rest = [r for r in rest if not wanted(r)]
        if section:
            print_rows(console, f"{title} ({len(section)})", section, limit)
    if rest and everything:
        print_rows(console, f"Looked at, nothing to do ({len(rest)})", rest, limit)
    elif rest:
        console.print(f"Looked at, nothing to do: {plural(len(rest), 'row')}")
    _checks(console, run.checks)
    for sentence in money_sentences(run.plan.money) if run.plan else ():
        console.print(sentence)


def _notes(run: RunReport, acknowledged: int, width: int) -> Iterator[str | Text]:
    """Yield what a person should know besides: failed checks, approvals, writes without a known end, errors."""
    errors = sorted({check.name for check in run.checks if check.severity == "ERROR"})
    warnings = sorted({check.name for check in run.checks if check.severity != "ERROR"})
    if summary.is_quiet(run.rows):  # the checks that list findings have nothing new either
        warnings = [name for name in warnings if name not in STEPS]
    for what, names, style in (("Failed checks", errors, "red"), ("Checks that warn", warnings, "yellow")):
        if names:
            listed = textwrap.shorten(", ".join(names), max(20, width - len(what) - 8), placeholder=" ...")
            yield styled((f"{what}: ", style), f"{len(names)}, {listed}")
    if acknowledged:
        yield f"Acknowledged and not counted: {acknowledged} (`pax8-pipeline acknowledge --list`)"
    for approval in run.approvals:
        yield plan_facts.approval_text(approval)
    for sentence in run.pending:
        yield f"Pending: {sentence}"
    for error in run.errors:
        yield styled(("error", "red"), f" {error}")


def _next_steps(run: RunReport) -> Iterator[str]:
    """Yield the commands that go on with the plan, and where its report is."""
    for number, command in enumerate(next_commands(run) if run.left.waiting or run.left.held else (), 1):
        yield f"{number}. If you agree: {command}"
    observed = sum(row["reason"] == "trust_observe" for row in run.rows)
    if observed and not run.left.waiting:
        yield f"{plural(observed, 'change')} only observed: pax8-pipeline status --trust"
    if run.plan:
        yield f"Report: {shown_path(run.report)}"


def print_rows(console: Console, title: str, rows: Sequence[Mapping[str, Any]], limit: int) -> None:
    """Print plan rows (`plan_rows.plan_rows`) as a table that fits the console; after `limit` rows it counts the others."""
    shown = [{**plan_rows.shown_row(row), "state": row["state"]} for row in rows[:limit]]
    print_table(console, Table(title, plan_rows.COLUMNS, shown).without_empty_columns())
    if len(rows) > limit:
        console.print(f"... and {len(rows) - limit} more")


def _checks(console: Console, checks: Sequence[FailedCheck]) -> None:
    for check in checks:
        style = "red" if check.severity == "ERROR" else "yellow"
        held = ", holds back what depends on it" if check.blocking and check.severity == "ERROR" else ""
        console.print(
            styled((f"check {check.name}", style), f" on {check.asset}{held}: {check.description}"), soft_wrap=True
        )
