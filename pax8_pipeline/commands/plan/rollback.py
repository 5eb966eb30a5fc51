"""`pax8-pipeline plan rollback`: make a plan that undoes what another plan wrote. Halo is read, not written."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from pax8_pipeline.billing.ledger import ledger
from pax8_pipeline.billing.planning import planner as plans
from pax8_pipeline.billing.planning.context import PlanContext
from pax8_pipeline.billing.rollback import make_rollback
from pax8_pipeline.clients import halo_config
from pax8_pipeline.clock import utc_now
from pax8_pipeline.commands import run_report
from pax8_pipeline.commands.common import console, json_option, notify
from pax8_pipeline.commands.target import open_target
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.reports import formatting, plan_report
from pax8_pipeline.reports.page.context import report_context
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

_OPEN = ("claimed", "sent", "unknown")


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline plan rollback 20260820-060000-1a2b3c4d-9f8e\n\n"
    "Then `plan approve NEW` and `plan apply NEW` write it. Exit codes: 0 nothing can be undone, 2 the new plan "
    "waits, 1 error."
)
@click.argument("plan_id", metavar="ID")
@json_option
def rollback(plan_id: str, as_json: bool) -> None:
    """Plan to undo everything that plan ID wrote, as each target is in Halo now. Nothing is written.

    A target that changed since then is reported and skipped. The new plan waits for a person like any other. When the
    next run plans such a change again, that waits for a person too.
    """
    with open_target(load_settings(), notify) as settings:
        with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
            plans.load_plan(connection, plan_id)
            states = ledger.states(connection, plan_id)
        report = _make_rollback(settings, plan_id)
    skipped = [row for row in report.rows if row["reason"] == "changed_since"]
    unsettled = sum(states.get(state, 0) for state in _OPEN)
    if as_json:
        click.echo(formatting.to_json({**run_report.as_data(report), "undoes": plan_id, "unsettled": unsettled,
                                   "skipped": [_name(row) for row in skipped]}))  # fmt: skip
    else:
        run_report.show(console(), report, limit=100_000)
        _print_rest(plan_id, skipped, unsettled)
    raise SystemExit(report.verdict.code)


def _make_rollback(settings: Settings, plan_id: str) -> run_report.RunReport:
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.ensure_schema()
    run_id = f"rollback-{uuid.uuid4()}"
    plan_context = PlanContext(
        run_id=run_id,
        today=settings.today,
        made_at=utc_now(),
        policy=settings.policy,
        mapping_fingerprint=load_mappings(settings.mappings_path).fingerprint,
        write_mode=settings.write_mode,
        native="unknown",  # the apply asks again
    )
    with HaloClient(halo_config(settings)) as halo:
        plan = make_rollback(warehouse, plan_id, halo, plan_context)
    page = plan_report.write_report(warehouse, plan.plan_id, settings.reports_path, report_context(settings))
    return replace(run_report.build_run_report(settings, run_id, plan.plan_id, [], []), report=str(page))


def _name(row: dict[str, Any]) -> dict[str, Any]:
    names = ("row_id", "client_id", "client_name", "product_name", "target", "before", "after", "sentence")
    return {name: row[name] for name in names}


def _print_rest(plan_id: str, skipped: Sequence[dict[str, Any]], unsettled: int) -> None:
    out = console()
    for row in skipped:
        out.print(
            f"Skipped: {row['client_name'] or row['client_id']}: {row['product_name']}: {row['sentence']} "
            f"({row['target']}, would go from {row['before']} to {row['after']})",
            soft_wrap=True,
        )
    if unsettled:
        out.print(f"{plural(unsettled, 'write')} of plan {plan_id} not settled, so not in this plan: `pax8-pipeline run` settles them, "
                  "then roll back again.", soft_wrap=True)  # fmt: skip
