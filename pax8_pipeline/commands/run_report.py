"""A run told to a person in the terminal, or to a program as JSON. Words only; the figures come from the warehouse."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rich.console import Console
from rich.table import Table

from pax8_pipeline.billing import approvals as approval
from pax8_pipeline.billing import exit_status, findings
from pax8_pipeline.billing.ledger import ledger, recovery, writer
from pax8_pipeline.billing.model import Left, Plan, money_sentences
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.commands.common import styled, utc_now
from pax8_pipeline.reports import plan_report, summary
from pax8_pipeline.settings import Settings
from pax8_pipeline.warehouse.connection import Connection, Warehouse

_SECTIONS = (
    ("Not billed to any client", lambda r: bool(r["unbilled_per_month"]) or r["verdict"] == "unbilled"),
    ("Changes", lambda r: r["class"] == "safe"),
    ("Waiting for a person", lambda r: r["class"] == "needs_approval"),
    ("Held back", lambda r: r["class"] == "blocked"),
    ("Worth knowing", lambda r: r["verdict"] in ("pending_cancel", "trial")),
)


@dataclass(frozen=True)
class Check:
    """One failed asset check."""

    asset: str
    name: str
    severity: str
    blocking: bool
    description: str
    subjects: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Told:
    """A run as told: the plan with its rows and what people agreed to in it, the failed checks and the verdict."""

    run_id: str
    plan: Plan | None
    rows: list[dict[str, Any]]
    states: dict[str, int]
    checks: Sequence[Check]
    errors: Sequence[str]
    verdict: exit_status.Verdict
    report: str
    approvals: Sequence[dict[str, Any]] = ()
    left: Left = field(default_factory=Left)
    pending: Sequence[str] = ()
    findings: Sequence[dict[str, Any]] = ()


def gather(
    settings: Settings,
    run_id: str,
    plan_id: str | None,
    checks: Sequence[Check],
    errors: Sequence[str],
    refused: Sequence[str] = (),
) -> Told:
    """Read what the run left in the warehouse and judge it. `refused`: why a plan that was to be written was not."""
    head, rows, states, left, held = None, [], {}, Left(), []
    found: list[dict[str, Any]] = []
    approvals: Sequence[dict[str, Any]] = ()
    pending: list[str] = []
    two_writers: list[str] = []
    if plan_id:
        with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
            head = plans.load_plan(connection, plan_id)
            rows = plan_report.plan_rows(connection, plan_id)
            states, left = ledger.states(connection, plan_id), ledger.left(connection, plan_id)
            held = approval.holds(connection, head, settings.policy, utc_now())
            approvals = approval.agreements(connection, plan_id)
            two_writers = _two_writers(connection, plan_id, states)
            pending = list(recovery.pending(connection, settings.policy.unknown_wait).values())
            found = findings.open_findings(connection, plan_id)
    summed = findings.summed(found)
    left = replace(left, waiting=max(0, left.waiting - summed.waiting_acknowledged))
    # What the guardrails hold is in `held`, as the plan stands now.
    blocking = [f"{c.name} ({c.description})" for c in checks if c.severity == "ERROR" and c.name != "guardrails"]
    blocking.extend([] if held else refused)
    verdict = exit_status.judge(head, states, left, held, errors=errors, blocking=blocking, pending=pending,
                            two_writers=two_writers, findings=summed)  # fmt: skip
    report = str(settings.reports_path / f"plan-{plan_id}.html") if plan_id else ""
    return Told(run_id, head, rows, states, checks, errors, verdict, report, approvals, left, pending, found)


def _two_writers(connection: Connection, plan_id: str, states: Mapping[str, int]) -> list[str]:
    """Return what a plan that was written met of another writer."""
    if not states:
        return []
    twice = ledger.duplicates(connection, plan_id)
    other = writer.conflict(connection)
    return [*twice, *([other] if other else [])]


def as_data(told: Told) -> dict[str, Any]:
    """Return the run as data for --json; money as decimal text."""
    return {
        "schema": "pax8-pipeline/run/1",
        "run_id": told.run_id,
        "exit_code": told.verdict.code,
        "sentence": told.verdict.sentence,
        "plan": None if told.plan is None else asdict(told.plan),
        "approvals": list(told.approvals),
        "written": told.states,
        "pending": list(told.pending),
        "only_findings": told.verdict.only_findings,
        "findings": list(told.findings),
        "next": next_commands(told),
        "failed_checks": [{**asdict(c), "subjects": sorted(c.subjects)} for c in told.checks],
        "errors": list(told.errors),
        "rows": [{k: v for k, v in r.items() if k not in ("expect", "evidence")} for r in told.rows],
        "report": told.report,
    }


def next_commands(told: Told) -> list[str]:
    """Return what a person would type next to get the rest of the plan written, if they agree with it."""
    if told.plan is None or not told.plan.complete:
        return []
    approve = f"pax8-pipeline plan approve {told.plan.plan_id}"
    steps = [f"{approve} --acknowledge"] if told.left.held else []
    steps += [approve] if told.left.waiting else []
    return [*steps, f"pax8-pipeline plan apply {told.plan.plan_id}"] if steps or told.left.unwritten else []


def show(console: Console, told: Told, *, details: bool = False, limit: int = 40, everything: bool = False) -> None:
    """Print a run on one screen; with `details` (or `everything`) all rows in tables before it."""
    if details or everything:
        _tables(console, told, limit, everything)
    width = min(console.width, _WIDEST)
    found = findings.summed(told.findings)
    money = told.plan.money if told.plan else {}
    for line in summary.lines(told.verdict.sentence, told.verdict.only_findings, money, found, told.rows, width):
        console.print(line, soft_wrap=True)
    _notes(console, told, found.acknowledged, width)
    for number, command in enumerate(next_commands(told) if told.left.waiting or told.left.held else (), 1):
        console.print(f"{number}. If you agree: {command}", soft_wrap=True)
    if told.plan:
        console.print(f"Report: {told.report}", soft_wrap=True)
        console.print("All rows: `pax8-pipeline plan show --details`", soft_wrap=True)


_WIDEST = 120


def _tables(console: Console, told: Told, limit: int, everything: bool) -> None:
    """Print the rows in tables, by what they are, and the failed checks in full."""
    rest = told.rows
    for title, wanted in _SECTIONS:
        section = [r for r in rest if wanted(r)]
        rest = [r for r in rest if not wanted(r)]
        if section:
            table(console, f"{title} ({len(section)})", section, limit)
    if rest and everything:
        table(console, f"Looked at, nothing to do ({len(rest)})", rest, limit)
    elif rest:
        console.print(f"Looked at, nothing to do: {len(rest)} rows")
    _checks(console, told.checks)
    for sentence in money_sentences(told.plan.money) if told.plan else ():
        console.print(sentence)


def _notes(console: Console, told: Told, acknowledged: int, width: int) -> None:
    """Print what a person should know besides: failed checks, approvals, writes without a known end, errors."""
    errors = sorted({check.name for check in told.checks if check.severity == "ERROR"})
    warnings = sorted({check.name for check in told.checks if check.severity != "ERROR"})
    for what, names, style in (("Failed checks", errors, "red"), ("Checks that warn", warnings, "yellow")):
        if names:
            listed = textwrap.shorten(", ".join(names), max(20, width - len(what) - 8), placeholder=" ...")
            console.print(styled((f"{what}: ", style), f"{len(names)}, {listed}"), soft_wrap=True)
    if acknowledged:
        console.print(f"Acknowledged and not counted: {acknowledged} (`pax8-pipeline acknowledge --list`)")
    for agreed in told.approvals:
        console.print(plan_report.agreed_text(agreed))
    for sentence in told.pending:
        console.print(f"Pending: {sentence}", soft_wrap=True)
    for error in told.errors:
        console.print(styled(("error", "red"), f" {error}"), soft_wrap=True)


def table(console: Console, title: str, rows: Sequence[dict[str, Any]], limit: int) -> None:
    """Print plan rows (`plan_report.plan_rows`)."""
    shown = Table(title=title, title_justify="left", title_style="bold", header_style="bold", expand=False)
    for name, right in (
        ("client", 0),
        ("product", 0),
        ("what and why", 0),
        ("before", 1),
        ("after", 1),
        ("money a month", 1),
        ("since", 0),
        ("state", 0),
    ):
        shown.add_column(
            name, justify="right" if right else "left", overflow="fold", no_wrap=name in ("money a month", "since")
        )
    for row in rows[:limit]:
        shown.add_row(
            row["client_name"] or f"{row['company_name'] or '?'} (Pax8)",
            row["product_name"] or "?",
            plan_report.what(row),
            row["before"] or "",
            (row["after"] or "") if row["action"] != "none" else "",
            plan_report.money(row),
            plan_report.since(row),
            row["state"] or "",
        )
    console.print(shown)
    if len(rows) > limit:
        console.print(f"... and {len(rows) - limit} more")


def _checks(console: Console, checks: Sequence[Check]) -> None:
    for check in checks:
        style = "red" if check.severity == "ERROR" else "yellow"
        held = ", holds back what depends on it" if check.blocking and check.severity == "ERROR" else ""
        console.print(
            styled((f"check {check.name}", style), f" on {check.asset}{held}: {check.description}"),
            soft_wrap=True,
        )
