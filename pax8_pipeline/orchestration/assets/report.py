"""The report of a plan, for people: written every time a plan was made, whatever became of the writes.

Contains: making it last, and proving that it says what the plan says. Does not contain: its words (`reports`).

How it stays free of the gate: a blocking check on billing/plan stops everything downstream of the plan, but not an
asset that itself checks the plan (Dagster 1.13 exempts those). The report does: `report_agrees` compares its figures
with the plan's. Its low priority puts it after the writes in the in-process executor, without depending on them: it
is made when they were blocked and when they failed.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg

from pax8_pipeline.billing.ledger import ledger
from pax8_pipeline.billing.planning.planner import latest_plan_id
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.orchestration import retention
from pax8_pipeline.orchestration.assets.billing import plan_of_run
from pax8_pipeline.orchestration.assets.overview import OVERVIEW, SPEC, overview_metadata
from pax8_pipeline.orchestration.assets.specs import OWNERS, asset_key
from pax8_pipeline.orchestration.assets.step import AssetStep, asset_step
from pax8_pipeline.orchestration.tenancy import POOL, step_name
from pax8_pipeline.reports import plan_report, usage_report
from pax8_pipeline.reports.digest import digest
from pax8_pipeline.reports.page.context import report_context
from pax8_pipeline.warehouse import lake
from pax8_pipeline.warehouse.connection import Connection

_PLAN, _REPORT = asset_key("billing.plan"), asset_key("billing.report")
_AGREES = "report_agrees"
_PRIORITY = "-10"

_SPEC = dg.AssetSpec(
    _REPORT,
    deps=[_PLAN],
    description="The plan and what became of it, as HTML, Markdown, CSV and JSON in data/reports, and the published "
    "copy of the warehouse for people and BI tools. Made whether or not anything was written.",
    group_name="billing",
    kinds={"html", "duckdb"},
    owners=list(OWNERS),
)
_CHECK = dg.AssetCheckSpec(
    _AGREES, asset=_PLAN, description="The report holds every row of the plan, and its money to the cent."
)

AGREES = _CHECK.key


def assets() -> list[dg.AssetsDefinition]:
    """Return the report and the overview: one step makes both."""
    return [
        dg.AssetsDefinition(
            node_def=_write_report,
            keys_by_input_name={"plan": _PLAN},
            keys_by_output_name={"report": _REPORT, "overview": OVERVIEW},
            specs=[_SPEC, SPEC],
            check_specs_by_output_name={_AGREES: _CHECK},
            can_subset=True,
        )
    ]


@dg.op(
    name=step_name("billing.report"),
    ins={"plan": dg.In(dg.Nothing)},
    out={
        "report": dg.Out(dg.Nothing, is_required=False),
        "overview": dg.Out(dg.Nothing, is_required=False),
        _AGREES: dg.Out(dg.Nothing, is_required=False),
    },
    required_resource_keys={"settings", "warehouse"},
    tags={"dagster/priority": _PRIORITY},
    pool=POOL,
)
def _write_report(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    resources = context.resources
    with asset_step(context, resources.settings, resources.warehouse) as step, step.in_warehouse():
        with step.warehouse.connect() as connection:
            plan_id = _plan_id(connection, step.run_id)
        page = plan_report.write_report(
            step.warehouse, plan_id, step.settings.reports_path, report_context(step.settings)
        )
        _delete_old(step)
        step.warehouse.publish(step.settings.published_path)
        _write_lake(step, plan_id)
        step.log(f"report: {page}")
        with step.warehouse.connect() as connection:
            if _REPORT in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=_REPORT, metadata=_metadata(step, connection, plan_id, page))
            if OVERVIEW in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=OVERVIEW, metadata=overview_metadata(connection, page))
            if _CHECK.key in context.selected_asset_check_keys:
                yield _agreement(connection, plan_id, page.with_suffix(".csv"))


def _delete_old(step: AssetStep) -> None:
    """Delete what is older than the policy's retention, before the copy is published: it is smaller then."""
    pruned = retention.after_run(step.settings, step.context.instance)
    if pruned is not None:
        step.log(f"retention: {pruned.sentence}")


def _write_lake(step: AssetStep, plan_id: str) -> None:
    """Write what was published as Parquet too, where the policy says so."""
    folder = step.settings.lake_path
    if folder is not None:
        partition = lake.Partition(folder, step.settings.tenant or lake.NO_TENANT, step.settings.today)
        files = lake.write(step.warehouse, partition, run_id=step.run_id, plan_id=plan_id)
        step.log(f"lake: {files} Parquet files in {folder}")


def _plan_id(connection: Connection, run_id: str) -> str:
    """Return the plan this run made, else the one it wrote, else the newest."""
    written = connection.execute(
        "SELECT plan_id FROM billing.ledger WHERE run_id = ? ORDER BY entry DESC LIMIT 1", [run_id]
    ).fetchall()
    found = plan_of_run(connection, run_id) or (written[0][0] if written else latest_plan_id(connection))
    if found is None:
        raise PipelineError("there is no plan yet: run the daily_sync job")
    return str(found)


def _metadata(step: AssetStep, connection: Connection, plan_id: str, page: Path) -> dict[str, Any]:
    return {
        "plan_id": plan_id,
        "page": dg.MetadataValue.path(str(page)),
        "digest": digest(connection, plan_id, page),
        "published": dg.MetadataValue.path(str(step.settings.published_path)),
        "written": ledger.states(connection, plan_id) or "nothing",
        "report": dg.MetadataValue.md(plan_report.plan_markdown(connection, plan_id, 60)),
        "usage": dg.MetadataValue.md(usage_report.markdown(usage_report.load_usage(connection, plan_id))),
    }


def _agreement(connection: Connection, plan_id: str, written: Path) -> dg.AssetCheckResult:
    """Compare the report's own table with the plan."""
    with written.open(encoding="utf-8", newline="") as table:
        money = [row["money_per_month"] for row in csv.DictReader(table)]
    message = sum((Decimal(text or 0) for text in money), Decimal(0))
    number, meant = connection.execute(
        "SELECT count(*), coalesce(sum(money_per_month), 0) FROM billing.plan WHERE plan_id = ?", [plan_id]
    ).fetchall()[0]
    return dg.AssetCheckResult(
        asset_key=_PLAN,
        check_name=_AGREES,
        passed=len(money) == number and message == meant,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"rows_of_plan": int(number), "rows_of_report": len(money), "money_of_plan": str(meant),
                  "money_of_report": str(message)},
    )  # fmt: skip
