"""`pax8-pipeline plan approve`: record that a person approves a part of one plan. Nothing is written to Halo."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import click

from pax8_pipeline.billing import approvals
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.clock import utc_now
from pax8_pipeline.commands import run_report
from pax8_pipeline.commands.common import HALO_ID, console, json_option, notify, user_name
from pax8_pipeline.commands.target import data_target, existing_warehouse
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.reports import formatting, plan_rows
from pax8_pipeline.settings import load_settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

SCHEMA = "pax8-pipeline/approval/1"


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline plan approve 20260820-060000-1a2b3c4d-9f8e                 all that waits in this plan\n"
    "  pax8-pipeline plan approve 20260820-060000-1a2b3c4d-9f8e --client 231    one client\n"
    "  pax8-pipeline plan approve 20260820-060000-1a2b3c4d-9f8e --acknowledge   what a guardrail holds\n\n"
    "Then `pax8-pipeline plan apply ID` writes it. An expired or stale plan is refused with exit code 1."
)
@click.argument("plan_id", metavar="ID")
@click.option("--client", type=HALO_ID, metavar="N", help="Only this Halo client.")
@click.option(
    "--row",
    metavar="ROW",
    help="Only this row: a Pax8 subscription id, or another row id that `plan show --json` names.",
)
@click.option(
    "--acknowledge",
    is_flag=True,
    help="Let what a guardrail holds in this one plan past it "
    "(a loss that nobody can write is acknowledged by `pax8-pipeline acknowledge`).",
)
@click.option("--by", metavar="NAME", help="Who approves; the user of this machine unless given.")
@json_option
def approve(
    plan_id: str, client: int | None, row: str | None, acknowledge: bool, by: str | None, as_json: bool
) -> None:
    """Approve the changes of plan ID that wait for a person. Recorded: who, when, the plan's checksum."""
    settings = data_target(load_settings(), notify)
    warehouse = existing_warehouse(settings)
    who = by if by is not None else user_name()
    scope = approvals.Scope(client, _row_id(warehouse, plan_id, row))
    approval = approvals.record_approval(
        warehouse,
        plan_id,
        kind="acknowledge" if acknowledge else "approve",
        who=who,
        now=utc_now(),
        policy=settings.policy,
        mappings=load_mappings(settings.mappings_path).fingerprint,
        scope=scope,
    )
    with warehouse.connect() as connection:
        head = plans.load_plan(connection, plan_id)
        rows = [r for r in plan_rows.plan_rows(connection, plan_id, no_ops=False) if r["row_id"] in approval.row_ids]
        open_changes = approvals.writable(connection, head, settings.policy, applied_by_person=True, now=approval.at)
    next_commands = [f"pax8-pipeline plan apply {plan_id}"]
    if open_changes.held and not acknowledge:
        next_commands.insert(0, f"pax8-pipeline plan approve {plan_id} --acknowledge")
    if as_json:
        click.echo(formatting.to_json(_as_data(approval, scope, rows, open_changes.held, next_commands)))
        return
    _show(approval, rows, open_changes.held, next_commands)
    if settings.write_mode != "apply":
        notify("The write mode is dry_run: `plan apply` needs HALO_WRITE_MODE=apply.")


def _row_id(warehouse: Warehouse, plan_id: str, row: str | None) -> str | None:
    """Return the row's id in the plan's own spelling: Pax8 ids are compared without case."""
    if row is None:
        return None
    with warehouse.connect() as connection:
        plans.load_plan(connection, plan_id)
        rows = connection.execute(
            "SELECT row_id FROM billing.plan WHERE plan_id = ? AND lower(row_id) = lower(?)", [plan_id, row.strip()]
        ).fetchall()
    if not rows:
        raise PipelineError(f"plan {plan_id} has no row {row}; `pax8-pipeline plan show {plan_id}` lists its rows")
    return str(rows[0][0])


def _as_data(
    approval: approvals.Approval,
    scope: approvals.Scope,
    rows: list[dict[str, Any]],
    held: tuple[str, ...],
    next_commands: list[str],
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "plan_id": approval.plan_id,
        "checksum": approval.checksum,
        "kind": approval.kind,
        "approved_by": approval.who,
        "approved_at": approval.at,
        "client_id": scope.client_id,
        "row_id": scope.row_id,
        "rows_covered": approval.rows,
        "rows": [{k: v for k, v in r.items() if k not in ("expect", "evidence")} for r in rows],
        "still_held": list(held),
        "next": next_commands,
    }


def _show(
    approval: approvals.Approval, rows: list[dict[str, Any]], held: tuple[str, ...], next_commands: list[str]
) -> None:
    out = console()
    verb = "Approved" if approval.kind == "approve" else "Acknowledged"
    run_report.print_rows(out, f"{verb} ({approval.rows})", rows, limit=100_000)
    for currency, up, down in _money(rows):
        out.print(f"Money a month in {currency}: {formatting.money(up)} up, {formatting.money(down)} down")
    out.print(
        f"{verb} by {approval.who} at {approval.at:%Y-%m-%d %H:%M} UTC: {plural(approval.rows, 'change')} of plan {approval.plan_id}, "
        f"checksum {approval.checksum[:16]}. Nothing is written yet.",
        soft_wrap=True,
    )
    for sentence in held:
        out.print(f"A guardrail still holds: {sentence}", soft_wrap=True)
    for command in next_commands:
        out.print(f"Next: {command}", soft_wrap=True)


def _money(rows: list[dict[str, Any]]) -> list[tuple[str, Decimal, Decimal]]:
    """Return money up and down a month by currency, so that an increase does not hide a decrease."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for row in rows:
        amount = row["money_per_month"] or Decimal(0)
        up, down = sums.get(row["currency"] or "?", (Decimal(0), Decimal(0)))
        sums[row["currency"] or "?"] = (up + max(amount, Decimal(0)), down - min(amount, Decimal(0)))
    return [(currency, up, down) for currency, (up, down) in sorted(sums.items()) if up or down]
