"""The plan, the writes (the sink) and the ledger.

It decides the order of steps and what people see. How a plan is made and applied is in billing.

What stops the sink: the blocking checks are on billing/plan, so Dagster does not start billing/writes when one fails.
Everything else (permission, write mode, expiry, what is already in the ledger) is checked here.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
from pydantic import Field

from pax8_pipeline.billing import acknowledgements, findings
from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.applying import apply
from pax8_pipeline.billing.applying.lock import writer_lock
from pax8_pipeline.billing.approvals import Writable, ensure_fresh, writable
from pax8_pipeline.billing.ledger import documents, ledger, writer
from pax8_pipeline.billing.ledger.backup import backup
from pax8_pipeline.billing.model import Plan
from pax8_pipeline.billing.planning.context import PlanContext
from pax8_pipeline.billing.planning.guardrails import override_instructions
from pax8_pipeline.billing.planning.planner import load_plan, make_plan
from pax8_pipeline.billing.planning.rows import usage_hold
from pax8_pipeline.clock import compare, not_compared
from pax8_pipeline.errors import PipelineError, VendorError
from pax8_pipeline.extract.completeness import shrink_accepted
from pax8_pipeline.extract.halo_lists import ask_integration, distrust_empty_list, native_state
from pax8_pipeline.extract.vendor_clocks import run_day
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.orchestration.assets.metadata import markdown, money, plain, table
from pax8_pipeline.orchestration.assets.specs import asset_arguments, asset_key, column_lineage
from pax8_pipeline.orchestration.assets.step import AssetStep, asset_step
from pax8_pipeline.orchestration.resources import HaloResource, Pax8Resource, SettingsResource, WarehouseResource
from pax8_pipeline.orchestration.tenancy import POOL, step_name
from pax8_pipeline.orchestration.write_permission import SINK, Permission, refusal
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.reports import plan_report
from pax8_pipeline.settings import load_policy
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.build import holds_mappings
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import model

_PREVIEW_ROWS = 60
_LEDGER_ROWS = 50
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_PLAN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-z-]+")


def assets() -> list[dg.AssetsDefinition]:
    """Return plan, writes and ledger."""
    return [plan, writes]


class PlanConfig(dg.Config):
    """The months of usage that a backfill bills: the first and the last of them, yyyy-mm.

    Such a plan is about nothing else, and all of it waits for a person.
    """

    bill_from: str | None = Field(
        default=None,
        description="The first month of usage to bill, such as 2026-07. Leave it out for an ordinary plan.",
    )
    bill_to: str | None = Field(default=None, description="The last month of usage to bill, such as 2026-09.")

    def months(self) -> tuple[str, str] | None:
        """Return the months; None for an ordinary plan. Raises PipelineError when only one is given."""
        if not self.bill_from and not self.bill_to:
            return None
        if not self.bill_from or not self.bill_to:
            raise PipelineError("bill_from and bill_to go together: the first and the last month, yyyy-mm")
        for name, month in (("bill_from", self.bill_from), ("bill_to", self.bill_to)):
            if not _MONTH.fullmatch(month):
                # The value is not repeated: a configuration can name a variable of the environment, and Dagster would
                # insert it.
                raise PipelineError(
                    f"{name} in the configuration of {step_name('billing.plan')} is not a month such as 2026-07"
                )
        return self.bill_from, self.bill_to


@dg.asset(
    **asset_arguments("billing.plan", kinds={"duckdb"}),
    deps=[
        *(asset_key(f"reconciled.{n}") for n in ("subscriptions", "discrepancies", "usage_months", "usage")),
        asset_key("staging.halo_invoices"),
        asset_key("halo.integration"),
    ],
    pool=POOL,
)
def plan(
    context: dg.AssetExecutionContext, config: PlanConfig, settings: SettingsResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Settle what earlier runs left open, then plan."""
    with asset_step(context, settings, warehouse) as step, step.in_warehouse():
        settled = ledger.Ledger(step.warehouse, step.run_id).settle(step.settings.policy.unknown_wait)
        mappings = load_mappings(step.settings.mappings_path)
        with step.warehouse.connect() as connection:
            if not holds_mappings(connection, mappings):
                raise PipelineError(
                    f"the files in {step.settings.mappings_path} changed during this run, and its matches are "
                    "those of the older files; run again"
                )
        native, sentence = native_state(step.warehouse, step.run_id)
        acknowledged = acknowledgements.load(step.settings.acknowledged_path)
        plan_made = make_plan(
            step.warehouse,
            PlanContext(
                run_id=step.run_id,
                today=step.settings.today,
                made_at=_utc_now(),
                policy=step.settings.policy,
                mapping_fingerprint=mappings.fingerprint,
                write_mode=step.settings.write_mode,
                native=native,
                bill_months=config.months(),
                accept_missing=shrink_accepted(step.settings),
            ),
        )
        step.log(
            f"plan {plan_made.plan_id}: {plural(plan_made.rows_safe, 'change')}, {plan_made.rows_waiting} waiting, {plan_made.rows_blocked} held back"
        )
        acknowledgements.store(step.warehouse, acknowledged)
        findings.save_copy(step.warehouse, step.settings.backups_path)
        with step.warehouse.connect() as connection:
            metadata = _plan_metadata(connection, plan_made)
            metadata["findings"] = json.dumps(findings.by_check(findings.open_findings(connection, plan_made.plan_id)))
        metadata["native_integration"] = f"{native}: {sentence}"
        metadata["settled"] = table(settled, ("row_id", "state", "detail")) if settled else "nothing was open"
        return dg.MaterializeResult(metadata=metadata)


def _plan_metadata(connection: Connection, plan_made: Plan) -> dict[str, Any]:
    return {
        "dagster/row_count": plan_made.rows_considered,
        "dagster/column_lineage": column_lineage(model("billing.plan")),
        "plan_id": plan_made.plan_id,
        "checksum": plan_made.checksum,
        "expires_at": f"{plan_made.expires_at:%Y-%m-%d %H:%M} UTC",
        "complete": plan_made.complete,
        "problem": plan_made.problem or "none",
        "held": plan_made.held or "no",
        "safe": plan_made.rows_safe,
        "waiting": plan_made.rows_waiting,
        "blocked": plan_made.rows_blocked,
        "money": json.dumps(plan_made.money),
        "write_mode": plan_made.write_mode,
        "biggest_changes": dg.MetadataValue.md(biggest(connection, plan_made.plan_id)),
        "preview": dg.MetadataValue.md(plan_report.plan_markdown(connection, plan_made.plan_id, _PREVIEW_ROWS)),
    }


def biggest(connection: Connection, plan_id: str, rows: int = 5) -> str:
    """Return the changes of a plan with the largest amounts a month, as Markdown."""
    changes = snapshots.dicts(
        connection.execute(
            'SELECT client_name AS client, product_name AS product, "before", "after", '
            "round(money_per_month, 2) AS money_a_month, currency FROM billing.plan "
            "WHERE plan_id = ? AND class = 'safe' ORDER BY abs(money_per_month) DESC, row_id LIMIT ?",
            [plan_id, rows],
        )
    )
    return markdown(changes) if changes else "(no changes)"


class WritesConfig(dg.Config):
    """The stored plan that a run must write. `checksum`: the plan's, as its page shows it.

    A run that was started in the UI needs all three. Approvals are recorded only by `pax8-pipeline plan approve`.
    """

    apply: bool = Field(
        default=False,
        description="`true` writes the named plan to Halo, if the write mode is `apply` too. `false` writes nothing.",
    )
    plan_id: str | None = Field(
        default=None,
        description="The plan to write: `plan_id` on the page of billing/plan, or `pax8-pipeline plan list`.",
    )
    checksum: str | None = Field(
        default=None,
        description="`checksum` on the page of billing/plan. It proves that the plan is the one that you have seen.",
    )

    def names_plan(self) -> bool:
        """True when a plan and its checksum are named, and `apply` is set."""
        return self.apply and bool(self.plan_id) and bool(self.checksum)


_WRITES = dg.AssetSpec(
    asset_key("billing.writes"),
    deps=[asset_key("billing.plan")],
    description="The sink: writes the plan of this run to Halo. Each target is read before, claimed in the ledger, "
    "written once and read back. Writes only in write mode `apply`, and only when the schedule or `pax8-pipeline` started "
    "the run, or its configuration names a stored plan with its checksum.",
    group_name="billing",
    kinds={"api"},
    owners=["team:billing"],
)
_LEDGER = dg.AssetSpec(**asset_arguments("billing.ledger", kinds={"duckdb"}), deps=[_WRITES.key])


@dg.multi_asset(name=SINK, specs=[_WRITES, _LEDGER], pool=POOL)
def writes(
    context: dg.AssetExecutionContext,
    config: WritesConfig,
    settings: SettingsResource,
    warehouse: WarehouseResource,
    pax8: Pax8Resource,
    halo: HaloResource,
    permission: dg.ResourceParam[Permission],
) -> Iterator[dg.MaterializeResult]:
    """Write the plan, or report why nothing was written. A failed write fails the step after everything is recorded and
    shown.
    """
    with asset_step(context, settings, warehouse, reading=False) as step:
        metadata, failed = _sink(step, config, pax8, halo, permission)
        step.log(f"writes: {metadata['outcome']}")
        yield dg.MaterializeResult(asset_key=_WRITES.key, metadata=metadata)
        with step.warehouse.connect() as connection:
            yield dg.MaterializeResult(asset_key=_LEDGER.key, metadata=_ledger_metadata(connection))
        if failed:
            raise dg.Failure(f"{metadata['outcome']}; {metadata['problems']}", allow_retries=False)
        if config.apply and not metadata["applied"] and not permission.granted:
            # A person asked for it in the UI: a green run would look as if it was written. Commands say it themselves.
            raise dg.Failure(metadata["outcome"], allow_retries=False)


def _sink(
    step: AssetStep, config: WritesConfig, pax8: Pax8Resource, halo: HaloResource, permission: Permission
) -> tuple[dict[str, Any], bool]:
    """Return the metadata of the writes, and whether any of them failed."""
    refused = refusal(
        step.context.run,
        step.context.instance,
        permission,
        names_plan=config.names_plan(),
        write_mode=step.settings.write_mode,
    )
    plan_head, changes_now = _open_changes(step, config)
    if plan_head is None:
        return _nothing("no plan was made in this run", None), False
    reason = refused or _plan_refusal(step, plan_head, config)
    if changes_now.held and not changes_now.changes:
        reason = reason or f"{'; '.join(changes_now.held)}; {override_instructions(plan_head.plan_id)}"
    reason = reason or _usage_refusal(step, changes_now)
    if reason:
        return _nothing(reason, plan_head, waiting=len(changes_now.changes)), False
    if not changes_now.changes:
        nothing = {k: v for k, v in _nothing("", plan_head).items() if k != "reason"}
        return {**nothing, "applied": True, "outcome": "nothing to write"}, False
    client, source = halo.client(step.settings), pax8.client(step.settings)
    refused = _wrong_day(step, source, client) or _native_refusal(step, client)
    if refused:
        return {**_nothing(refused, plan_head, waiting=len(changes_now.changes)), "held_back": refused}, False
    return _write(step, config, source, client)


def _write(step: AssetStep, config: WritesConfig, pax8: Pax8Client, halo: HaloClient) -> tuple[dict[str, Any], bool]:
    """Write what may be written, as the only writer; return the metadata, and whether any write went wrong."""
    zone = ZoneInfo(step.settings.policy.timezone)
    with writer_lock(step.settings.data / "writer.lock"):
        # Another apply may have written changes while this one waited for the lock. They are not written again.
        plan_head, changes = _open_changes(step, config)
        assert plan_head is not None
        identity = writer.ensure(step.warehouse, _utc_now())
        with step.warehouse.connect() as connection:
            retired = writer.retired(connection)
            licence_calls = snapshots.calls_of(connection, "halo.licences")
        applier = apply.Applier(
            halo=halo,
            pax8=pax8,
            ledger=ledger.Ledger(step.warehouse, step.run_id),
            today=step.settings.today,
            vendor_day=lambda: pax8.clock.day(zone) if pax8.clock else None,
            acknowledged=changes.acknowledged,
            line_fallback=step.settings.policy.halo.line_fallback,
            licence_calls=licence_calls,
            progress=step.progress("writes"),
            writer=identity,
            retired=retired,
        )
        result = applier.apply(plan_head, changes.changes)
        with step.warehouse.transaction() as connection:
            documents.remember(connection, result.documents, _utc_now())
        metadata, failed = _outcome(plan_head, result)
        metadata["held"] = "; ".join(changes.held) or "nothing"
        metadata["backup"] = str(backup(step.warehouse, plan_head.plan_id, step.settings.backups_path))
        return metadata, failed


def _native_refusal(step: AssetStep, halo: HaloClient) -> str | None:
    """Ask Halo just before the first write whether its own Pax8 integration is off; return why not to write."""
    if step.settings.policy.native_integration != "refuse":
        return None
    with step.warehouse.connect() as connection:
        found = distrust_empty_list(ask_integration(halo), connection)
    return None if found.state == "off" else f"two writers never: {found.sentence}"


def _usage_refusal(step: AssetStep, changes_now: Writable) -> str | None:
    """Return why usage must not be written; None when there is no reason or no usage to write."""
    if not any(registry.is_usage(change.action) for change in changes_now.changes):
        return None
    with step.warehouse.connect() as connection:
        return usage_hold(connection)[1]


def _wrong_day(step: AssetStep, pax8: Pax8Client, halo: HaloClient) -> str | None:
    """Ask both vendors for the time, just before the first write. Return how it contradicts this run's day, or None."""
    for ask in (pax8.check, halo.instance_info):
        with suppress(VendorError):  # a refusal shows the time too; a vendor that is down fails the first read
            ask()
    wrong, silent = compare({"Pax8": pax8.clock, "Halo": halo.clock}, run_day(step.settings))
    if silent:
        step.log(not_compared(silent))
    return f"clock: {'; '.join(wrong)}" if wrong else None


def _open_changes(step: AssetStep, config: WritesConfig) -> tuple[Plan | None, Writable]:
    """Return a plan (the one named, else the one made in this run) and its changes that no run has started to write."""
    with step.warehouse.connect() as connection:
        if config.plan_id and not _PLAN_ID.fullmatch(config.plan_id):
            # The value is not repeated: a configuration can name a variable of the environment, and Dagster would
            # insert it.
            raise PipelineError(f"plan_id in the configuration of {SINK} is not the id of a plan")
        plan_id = config.plan_id or plan_of_run(connection, step.run_id)
        if plan_id is None:
            return None, Writable([], ())
        head = load_plan(connection, plan_id)
        applied_by_person = config.plan_id is not None
        return head, writable(
            connection, head, step.settings.policy, applied_by_person=applied_by_person, now=_utc_now()
        )


def plan_of_run(connection: Connection, run_id: str) -> str | None:
    """Return the plan that a run made, None when it made none."""
    rows = connection.execute(
        "SELECT plan_id FROM billing.plans WHERE run_id = ? ORDER BY made_at DESC, plan_id DESC LIMIT 1", [run_id]
    ).fetchall()
    return str(rows[0][0]) if rows else None


def _plan_refusal(step: AssetStep, head: Plan, config: WritesConfig) -> str | None:
    try:
        apply.ensure_applicable(head, _utc_now(), acknowledged=True)  # `writable` reports a guardrail that holds it
        if config.plan_id and config.checksum and config.checksum.strip().lower() != head.checksum.lower():
            return f"the checksum in the configuration is not that of plan {head.plan_id}; look at the plan again"
        # From the files, not from the settings of this run: somebody may have changed them since.
        policy = load_policy(step.settings.data / "policy.yaml")
        mappings = load_mappings(step.settings.mappings_path).fingerprint
        with step.warehouse.connect() as connection:
            ensure_fresh(connection, head, _utc_now(), policy, mappings)
    except PipelineError as error:
        return str(error)
    return None


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _nothing(reason: str, head: Plan | None, waiting: int = 0) -> dict[str, Any]:
    return {
        "applied": False,
        "outcome": f"nothing written: {reason}"
        + (f" ({plural(waiting, 'change waits', 'changes wait')})" if waiting else ""),
        "reason": reason,
        "plan_id": head.plan_id if head else "none",
        "waiting": waiting,
        "verified": 0,
        "failed": 0,
        "problems": "none",
    }


def _outcome(head: Plan, result: apply.ApplyResult) -> tuple[dict[str, Any], bool]:
    states = {str(state): int(count) for state, count in sorted(result.states.items())}
    summary = ", ".join(f"{count} {state}" for state, count in states.items()) or "nothing to write"
    metadata: dict[str, Any] = {
        "applied": True,
        "outcome": summary,
        "plan_id": head.plan_id,
        "states": states,
        "verified": result.verified,
        "failed": sum(
            count for state, count in states.items() if state in ("failed", "unknown", "skipped", "duplicate")
        ),
        "problems": "; ".join(result.problems[:10]) or "none",
    }
    return metadata, result.failed


def _ledger_metadata(connection: Connection) -> dict[str, Any]:
    states = connection.execute(
        "SELECT state, count(*) FROM billing.ledger_state GROUP BY state ORDER BY state"
    ).fetchall()
    rows = snapshots.dicts(
        connection.execute(
            'SELECT l.entry, l.recorded_at, l.state, l.action, p.client_name, p.product_name, l."before", l."after", '
            "round(l.money_per_month, 2) AS money_per_month, l.currency, l.detail FROM billing.ledger l "
            "LEFT JOIN billing.plan p ON p.plan_id = l.plan_id AND p.row_id = l.row_id "
            "ORDER BY l.entry DESC LIMIT ?",
            [_LEDGER_ROWS],
        )
    )
    total = connection.execute("SELECT count(*) FROM billing.ledger").fetchall()[0][0]
    verified_money = connection.execute(
        "SELECT coalesce(currency, '?'), sum(money_per_month) FROM billing.ledger_state "
        "WHERE state = 'verified' GROUP BY 1"
    ).fetchall()
    figures: dict[str, Any] = {f"state/{state}": int(count) for state, count in states}
    newest = [
        {**row, "recorded_at": f"{row['recorded_at']:%Y-%m-%d %H:%M:%S}", "entry": plain(row["entry"])} for row in rows
    ]
    return {
        "dagster/row_count": int(total),
        **figures,
        "verified_money_a_month": money(dict(verified_money)),
        "newest": table(newest, tuple(newest[0]) if newest else ("entry", "state")),
    }
