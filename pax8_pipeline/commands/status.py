"""`pax8-pipeline status`: where everything stands, at a glance. Reads files and the warehouse; asks no vendor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from pax8_pipeline.commands.common import (
    console,
    json_option,
    notify,
    print_fields,
    print_json,
    print_wrapped,
    shown_path,
)
from pax8_pipeline.commands.status_trust import raise_hint, read_trust, trust_data, trust_lines
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.orchestration import heartbeat
from pax8_pipeline.orchestration.heartbeat import RunEnd
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.status import PlanStatus, plan_status
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

LATE = 3


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline status             the last run, what waits, the money that is open\n"
    "  pax8-pipeline status --trust     what each client lacks before auto, and who may be raised\n"
    "  pax8-pipeline status --check     ends with 3 when no daily sync has ended well for 26 hours\n\n"
    "--check is for monitoring: Nagios and the like, or a second line in cron."
)
@click.option("--check", is_flag=True, help="End with exit code 3 when no daily sync has ended well for 26 hours.")
@click.option("--trust", is_flag=True, help="Show each client's trust mode and what it lacks before auto.")
@click.option(
    "--all", "everything", is_flag=True, help="With --trust: every client, not only those with the most money."
)
@json_option
def status(check: bool, trust: bool, everything: bool, as_json: bool) -> int:
    """Show the last run and its result, the next run, what waits and since when, and the money that is open."""
    settings = data_target(load_settings(), notify)
    if trust:
        _show_trust(settings, everything=everything, as_json=as_json)
        return 0
    found = _plan(settings)
    last, success = heartbeat.last_run(settings), heartbeat.last_success(settings)
    now = datetime.now(UTC)
    late = success is None or success.is_late(now)
    if as_json:
        print_json(_data(settings, found, last, success, late=late))
    else:
        print_fields(console(), _lines(settings, found, last, success, now))
        if hint := raise_hint(read_trust(settings)):
            print_fields(console(), [("Trust", hint)])
    return LATE if check and late else 0


def _show_trust(settings: Settings, *, everything: bool, as_json: bool) -> None:
    found, needed = read_trust(settings), settings.policy.trust.suggest_after_nights
    if as_json:
        print_json(trust_data(found, needed))
        return
    out = console()
    for line in trust_lines(found, needed, everything=everything):
        print_wrapped(out, line)


def _plan(settings: Settings) -> PlanStatus:
    if not settings.warehouse_path.exists():
        return PlanStatus()
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        return plan_status(connection)


def _lines(
    settings: Settings, found: PlanStatus, last: RunEnd | None, success: RunEnd | None, now: datetime
) -> Iterator[tuple[str, str]]:
    yield "Last run", _ended(last, now) if last else "none yet: pax8-pipeline run"
    if last is not None and (success is None or success.run_id != last.run_id):
        yield "Last success", _ended(success, now) if success else "none yet"
    if success is not None and success.is_late(now):
        yield (
            "",
            f"More than {heartbeat.LATE_HOURS} hours ago: see whether the schedule or the cron job still starts runs.",
        )
    yield "Next run", _next_run(settings, now)
    yield "Write mode", "apply" if settings.write_mode == "apply" else "dry run: nothing is written to Halo"
    if found.plan is None:
        return
    plan = found.plan
    yield "Newest plan", f"{plan.plan_id}, made {formatting.moment(plan.made_at)}"
    yield "", _result(found)
    if plan.held:
        yield "Held", plan.held
    for row in found.open_money:
        known = row["amount"] is not None
        what = f"{formatting.money(row['amount'], row['currency'])} {row['kind']}" if known else row["kind"]
        rows = plural(row["number"], "finding")
        yield "Open", f"{what} ({rows} since {row['since']})"
    yield "Report", shown_path(settings.reports_path / f"plan-{plan.plan_id}.html")
    if found.waiting:
        yield "Next step", f"pax8-pipeline plan show {plan.plan_id}, then pax8-pipeline plan approve {plan.plan_id}"


def _result(found: PlanStatus) -> str:
    plan = found.plan
    assert plan is not None
    written = found.written.get("verified", 0)
    waiting = "1 waits" if found.waiting == 1 else f"{found.waiting} wait"
    planned = plan.rows_safe + plan.rows_waiting
    return f"{written} of {plural(planned, 'change')} written; {waiting} for approval, {plan.rows_blocked} held back"


def _ended(end: RunEnd, now: datetime) -> str:
    hours = int((now - end.ended_at) / timedelta(hours=1))
    ago = "under 1 hour ago" if hours < 1 else f"{plural(hours, 'hour')} ago"
    return f"{end.ended_at:%Y-%m-%d %H:%M} UTC ({ago}): {end.job} {'ended well' if end.success else 'FAILED'}"


def _next_run(settings: Settings, now: datetime) -> str:
    when = settings.policy.schedule
    local = now.astimezone(ZoneInfo(settings.policy.timezone))
    start = local.replace(hour=when.hour, minute=when.minute, second=0, microsecond=0)
    start += timedelta(days=1) if start <= local else timedelta()
    switch = "" if settings.schedule_on else " if the schedule is on; cron has its own times"
    return f"{start:%Y-%m-%d %H:%M} {settings.policy.timezone}{switch}"


def _data(
    settings: Settings, found: PlanStatus, last: RunEnd | None, success: RunEnd | None, *, late: bool
) -> dict[str, Any]:
    return {
        "schema": "pax8-pipeline/status/1",
        "last_run": None if last is None else vars(last),
        "last_success": None if success is None else vars(success),
        "late": late,
        "write_mode": settings.write_mode,
        "plan_id": None if found.plan is None else found.plan.plan_id,
        "held": None if found.plan is None else found.plan.held,
        "written": dict(found.written),
        "waiting": found.waiting,
        "blocked": 0 if found.plan is None else found.plan.rows_blocked,
        "open_money": [dict(row) for row in found.open_money],
    }
