"""Makes a plan out of what was reconciled, holds it against the guardrails, stores it, and finds it again.

What its rows say is in `rows`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from pax8_pipeline.billing import findings
from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.model import Change, Plan
from pax8_pipeline.billing.planning import guardrails
from pax8_pipeline.billing.planning.context import PlanContext
from pax8_pipeline.billing.planning.rows import empty_rows, make_rows
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql, model
from pax8_pipeline.warehouse.snapshots import dicts, newest_snapshots

# A plan may only rest on lists that were read whole in the very run that makes it.
CORE_READS = ("pax8.companies", "pax8.subscriptions", "halo.clients", "halo.licences", "halo.recurring_invoices")


def make_plan(warehouse: Warehouse, context: PlanContext) -> Plan:
    """Plan from reconciled.subscriptions and store it in billing.plan and billing.plans, in one transaction."""
    with warehouse.transaction() as connection:
        make_rows(connection, context)
        held = _apply_guardrails(connection, context.policy)
        reads = newest_snapshots(connection)
        plan = _head(connection, context, reads, held)
        _store(connection, plan, context, reads)
        # A plan of some months alone, or from old lists, says nothing of what is not in it.
        if plan.complete and context.bill_months is None:
            findings.update(connection, plan.plan_id, context.today, context.policy)
    return plan


def store_rows(connection: Connection, rows: Sequence[Mapping[str, Any]], context: PlanContext) -> Plan:
    """Store rows made elsewhere (an inverse plan) as a plan, under the same guardrails.

    Such a plan rests on its own reading of each target, not on whole lists, so it is complete by itself.
    """
    names = [c for c in model("billing.plan").column_names if c != "plan_id"]
    empty_rows(connection)
    with connection.appender("plan_rows") as appender:
        appender.append_rows([tuple(row[name] for name in names) for row in rows])
    held = _apply_guardrails(connection, context.policy)
    reads = newest_snapshots(connection)
    plan = replace(_head(connection, context, reads, held), complete=True, problem=None)
    _store(connection, plan, context, reads)
    return plan


def _apply_guardrails(connection: Connection, policy: Policy) -> str | None:
    """Block what the guardrails hold; return the sentence when the whole run is held."""
    lines = connection.execute(
        "SELECT client_id, count(*) FROM plan_rows WHERE line_id IS NOT NULL AND NOT meta.is_usage(verdict) "
        "AND verdict NOT IN ('unreadable_record', 'price_update') GROUP BY client_id"
    ).fetchall()
    holds = guardrails.check(_changes(connection, "plan_rows", "class = 'safe'"), dict(lines), policy.guardrails)
    clients = [(False, *hold) for hold in holds.clients.items()] + [(True, *hold) for hold in holds.usage.items()]
    if clients:
        connection.execute("CREATE OR REPLACE TEMP TABLE held (usage BOOLEAN, client_id BIGINT, sentence VARCHAR)")
        with connection.appender("held") as appender:
            appender.append_rows(clients)
        connection.execute(
            "UPDATE plan_rows SET class = 'blocked', reason = 'guardrail_client', "
            "sentence = 'held by a guardrail: ' || h.sentence FROM held AS h WHERE class = 'safe' "
            "AND plan_rows.client_id IS NOT DISTINCT FROM h.client_id AND list_contains(?, action) = h.usage",
            [list(registry.usage_actions())],
        )
    if holds.run:
        connection.execute(
            "UPDATE plan_rows SET class = 'blocked', reason = 'guardrail_run', sentence = ? "
            "WHERE class = 'safe' AND NOT list_contains(?, action)",
            [f"held by a guardrail: {holds.run}", list(registry.usage_actions())],
        )
    return holds.run


def _head(connection: Connection, context: PlanContext, reads: Mapping[Any, Any], held: str | None) -> Plan:
    checksum = connection.execute(load_sql("billing/planning/checksum.sql")).fetchall()[0][0]
    counts = dict(connection.execute("SELECT class, count(*) FROM plan_rows GROUP BY class").fetchall())
    problem = _problem(reads, context.run_id)
    return Plan(
        # The run is part of the id: two runs of one second that find the same are still two plans.
        plan_id=f"{context.made_at:%Y%m%d-%H%M%S}-{checksum[:8]}-{sha256(context.run_id.encode()).hexdigest()[:4]}",
        made_at=context.made_at,
        expires_at=context.made_at + timedelta(hours=context.policy.plan_expires_hours),
        run_id=context.run_id,
        today=context.today,
        checksum=checksum,
        complete=problem is None,
        problem=problem,
        write_mode=context.write_mode,
        rows_considered=sum(counts.values()),
        rows_safe=counts.get("safe", 0),
        rows_waiting=counts.get("needs_approval", 0),
        rows_blocked=counts.get("blocked", 0),
        held=held,
        money=_money(connection),
    )


def _problem(reads: Mapping[Any, Any], run_id: str) -> str | None:
    old = [t for t in CORE_READS if reads.get((t, ""), {}).get("run_id") != run_id]
    if not old:
        return None
    return f"not read whole in this run: {', '.join(old)}; run the whole daily_sync job"


def _money(connection: Connection) -> dict[str, dict[str, str]]:
    """Sum the plan's money by currency: of seats a month, of usage what it charges once."""
    found = dicts(connection.execute(load_sql("billing/planning/plan_money.sql")))
    sums = {row.pop("currency"): row for row in found}
    return {c: {name: f"{amount:.2f}" for name, amount in row.items()} for c, row in sums.items() if any(row.values())}


def _store(connection: Connection, plan: Plan, context: PlanContext, reads: Mapping[Any, Any]) -> None:
    for table, rows in (("billing.plan", "plan_rows"), ("billing.plan_lines", "plan_line_rows")):
        columns = ", ".join(f'"{c}"' for c in model(table).column_names if c != "plan_id")
        connection.execute(f"INSERT INTO {table} (plan_id, {columns}) SELECT ?, {columns} FROM {rows}", [plan.plan_id])
    snapshots = {f"{t} {scope}".strip(): row["snapshot_id"] for (t, scope), row in sorted(reads.items())}
    snapshot_json = json.dumps(snapshots)
    row = {
        **{f: getattr(plan, f) for f in Plan.__dataclass_fields__},
        "money": json.dumps(plan.money),
        "snapshot_ids": snapshot_json,
        "snapshot_id": connection.execute("SELECT sha256(?)", [snapshot_json]).fetchall()[0][0][:16],
        "policy_fingerprint": context.policy.fingerprint,
        "mapping_fingerprint": context.mapping_fingerprint,
    }
    names = model("billing.plans").column_names
    connection.execute(
        f"INSERT INTO billing.plans ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
        [row[n] for n in names],
    )


def latest_plan_id(connection: Connection) -> str | None:
    """Return the id of the newest plan, or None before the first."""
    rows = connection.execute(
        "SELECT plan_id FROM billing.plans ORDER BY made_at DESC, plan_id DESC LIMIT 1"
    ).fetchall()
    return str(rows[0][0]) if rows else None


def chosen_plan_id(connection: Connection, plan_id: str | None) -> str:
    """Return `plan_id`, or the id of the newest plan without one. Raises PipelineError before the first plan."""
    chosen = plan_id or latest_plan_id(connection)
    if chosen is None:
        raise PipelineError("no plan has been made yet: run `pax8-pipeline run` first")
    return chosen


def load_plan(connection: Connection, plan_id: str) -> Plan:
    """Return the head of a stored plan. Raises PipelineError when there is none of that id."""
    rows = dicts(connection.execute("SELECT * FROM billing.plans WHERE plan_id = ?", [plan_id]))
    if not rows:
        raise PipelineError(f"no plan {plan_id}; `pax8-pipeline plan show` shows the newest")
    values = {f: rows[0][f] for f in Plan.__dataclass_fields__}
    return Plan(**{**values, "money": json.loads(values["money"])})


def stored_rows(connection: Connection, plan_id: str) -> int:
    """Return how many rows of a plan are stored: fewer than it considered once it is older than the retention."""
    return int(connection.execute("SELECT count(*) FROM billing.plan WHERE plan_id = ?", [plan_id]).fetchall()[0][0])


def all_changes(connection: Connection, plan_id: str) -> list[Change]:
    """Return every row of a stored plan that has something to write, whatever its class."""
    return _changes(connection, "billing.plan", "plan_id = ?", [plan_id])


def _changes(connection: Connection, table: str, where: str, values: list[Any] | None = None) -> list[Change]:
    cursor = connection.execute(
        f"SELECT row_id, action, class AS cls, client_id, client_name, subscription_id, product_name, recurring_invoice_id, "
        f'line_id, licence_id, "before", "after", quantity_after, currency, money_per_month, delta, expect '
        f"FROM {table} WHERE action <> 'none' AND {where} ORDER BY client_id, recurring_invoice_id DESC, line_id, row_id",
        values or [],
    )
    return [
        Change(
            **{
                **row,
                "expect": json.loads(row["expect"]),
                "money_per_month": row["money_per_month"] or Decimal(0),
                "delta": row["delta"] or Decimal(0),
            }
        )
        for row in dicts(cursor)
    ]
