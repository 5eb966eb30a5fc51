"""Makes a plan out of what was reconciled, holds it against the guardrails, stores it, and finds it again.

Here belongs: the plan as a table and its head. Not here: deciding verdicts (SQL), writing to Halo (`apply`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal

from pax8_pipeline.billing import findings
from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.ledger import documents, writer
from pax8_pipeline.billing.ledger.recovery import pending
from pax8_pipeline.billing.model import Change, Plan
from pax8_pipeline.billing.planning import guardrails, usage_stops
from pax8_pipeline.billing.verdicts import ALL_VERDICTS
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql, model
from pax8_pipeline.warehouse.snapshots import dicts, newest_snapshots

Native = Literal["off", "on", "unknown"]

# A plan may only rest on lists that were read whole in the very run that makes it.
CORE_READS = ("pax8.companies", "pax8.subscriptions", "halo.clients", "halo.licences", "halo.recurring_invoices")
# Without these no usage is billed; seats do not depend on them.
USAGE_READS = ("pax8.invoices", "halo.invoices", "halo.items")


@dataclass(frozen=True)
class Circumstances:
    """All a plan depends on besides the data. `made_at` is UTC without offset, `native` the state of Halo's own sync.

    `bill_months`: the plan is about the usage of these months (first, last; yyyy-mm) and nothing else, and all of it
    waits for a person. `accept_missing`: an operator says today that usage documents that Halo does not show may be missing.
    """

    run_id: str
    today: date
    made_at: datetime
    policy: Policy
    mapping_fingerprint: str
    write_mode: str
    native: Native
    bill_months: tuple[str, str] | None = None
    accept_missing: bool = False


def make_plan(warehouse: Warehouse, now: Circumstances) -> Plan:
    """Plan from reconciled.subscriptions and store it in billing.plan and billing.plans, in one transaction."""
    with warehouse.transaction() as connection:
        _plan_rows(connection, now)
        held = _hold(connection, now.policy)
        reads = newest_snapshots(connection)
        plan = _head(connection, now, reads, held)
        _keep(connection, plan, now, reads)
        # A plan of some months alone, or from old lists, says nothing of what is not in it.
        if plan.complete and now.bill_months is None:
            findings.remember(connection, plan.plan_id, now.today, now.policy)
    return plan


def keep_rows(connection: Connection, rows: Sequence[Mapping[str, Any]], now: Circumstances) -> Plan:
    """Store rows made elsewhere (an inverse plan) as a plan, under the same guardrails.

    Such a plan rests on its own reading of each target, not on whole lists, so it is complete by itself.
    """
    names = [c for c in model("billing.plan").column_names if c != "plan_id"]
    connection.execute("CREATE OR REPLACE TEMP TABLE plan_rows AS SELECT * EXCLUDE (plan_id) FROM billing.plan LIMIT 0")
    with connection.appender("plan_rows") as appender:
        appender.append_rows([tuple(row[name] for name in names) for row in rows])
    held = _hold(connection, now.policy)
    reads = newest_snapshots(connection)
    plan = replace(_head(connection, now, reads, held), complete=True, problem=None)
    _keep(connection, plan, now, reads)
    return plan


def _plan_rows(connection: Connection, now: Circumstances) -> None:
    reads = newest_snapshots(connection)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE verdict_classes (verdict VARCHAR, class VARCHAR, sentence VARCHAR)"
    )
    with connection.appender("verdict_classes") as appender:
        appender.append_rows([(v.name, v.cls, v.sentence) for v in ALL_VERDICTS])
    connection.execute("CREATE OR REPLACE TEMP TABLE trust (client_id BIGINT, mode VARCHAR)")
    for client_id, mode in now.policy.trust.clients.items():
        connection.execute("INSERT INTO trust VALUES (?, ?)", [client_id, mode])
    native = "off" if now.policy.native_integration == "ignore" else now.native
    auto = now.policy.trust.auto
    values = {
        "today": now.today,
        "trust_default": now.policy.trust.default,
        "native": native,
        "auto_directions": list(auto.directions),
        "auto_seats": auto.seats,
        "auto_money": auto.money,
        "auto_new_kinds": auto.new_kinds,
        "usage_policy": now.policy.usage.model_dump_json(),
        "usage_reads_ok": all(reads.get((t, ""), {}).get("run_id") == now.run_id for t in USAGE_READS),
        "bill_from": now.bill_months and now.bill_months[0],
        "bill_to": now.bill_months and now.bill_months[1],
    }
    for name, value in values.items():
        connection.execute(f"SET VARIABLE {name} = ?", [value])
    connection.execute(load_sql("billing/planning/plan_rows.sql"))
    if now.bill_months:
        connection.execute("DELETE FROM plan_rows")
    watch = now.policy.usage.watch_days
    documents.compare(connection, now.run_id, now.today, watch, accepted=now.accept_missing)
    reason, hold = usage_hold(connection)
    connection.execute("SET VARIABLE usage_hold_reason = ?", [reason])
    connection.execute("SET VARIABLE usage_hold = ?", [hold])
    waiting = pending(connection, now.policy.unknown_wait)
    connection.execute("CREATE OR REPLACE TEMP TABLE pending_invoices (usage_key VARCHAR, sentence VARCHAR)")
    for key, sentence in waiting.items():
        connection.execute("INSERT INTO pending_invoices VALUES (lower(?), ?)", [key, sentence])
    if _any_usage(connection):
        connection.execute(load_sql("billing/planning/usage_rows.sql"))
        connection.execute(load_sql("billing/planning/documents_rows.sql"))
        usage_stops.hold_usage(connection)


def usage_hold(connection: Connection) -> tuple[str | None, str | None]:
    """Return why nothing of usage may be written at all, as a reason code and a sentence; nothing when it may."""
    if other := writer.conflict(connection):
        return "usage_other_writer", other
    if untrue := documents.distrust(connection):
        return "usage_documents", untrue
    return None, None


def _any_usage(connection: Connection) -> bool:
    """Return whether there is usage, or was: a partner without any is spared the queries."""
    query = (
        "SELECT EXISTS (FROM reconciled.usage) OR EXISTS (FROM billing.usage_billed) OR EXISTS (FROM billing.documents)"
    )
    return bool(connection.execute(query).fetchall()[0][0])


def _hold(connection: Connection, policy: Policy) -> str | None:
    """Block what the guardrails hold; return the sentence when the whole run is held."""
    lines = connection.execute(
        "SELECT client_id, count(*) FROM plan_rows WHERE line_id IS NOT NULL AND verdict NOT LIKE 'usage%' AND verdict <> 'unreadable_record' GROUP BY client_id"
    ).fetchall()
    holds = guardrails.check(_changes(connection, "plan_rows", "class = 'safe'"), dict(lines), policy.guardrails)
    for usage, clients in ((False, holds.clients), (True, holds.usage)):
        for client_id, sentence in clients.items():
            connection.execute(
                "UPDATE plan_rows SET class = 'blocked', reason = 'guardrail_client', sentence = ? "
                "WHERE class = 'safe' AND client_id IS NOT DISTINCT FROM ? AND list_contains(?, action) = ?",
                [f"held by a guardrail: {sentence}", client_id, list(registry.usage_actions()), usage],
            )
    if holds.run:
        connection.execute(
            "UPDATE plan_rows SET class = 'blocked', reason = 'guardrail_run', sentence = ? "
            "WHERE class = 'safe' AND NOT list_contains(?, action)",
            [f"held by a guardrail: {holds.run}", list(registry.usage_actions())],
        )
    return holds.run


def _head(connection: Connection, now: Circumstances, reads: Mapping[Any, Any], held: str | None) -> Plan:
    checksum = connection.execute(load_sql("billing/planning/checksum.sql")).fetchall()[0][0]
    counts = dict(connection.execute("SELECT class, count(*) FROM plan_rows GROUP BY class").fetchall())
    problem = _problem(reads, now.run_id)
    return Plan(
        # The run is part of the id: two runs of one second that find the same are still two plans.
        plan_id=f"{now.made_at:%Y%m%d-%H%M%S}-{checksum[:8]}-{sha256(now.run_id.encode()).hexdigest()[:4]}",
        made_at=now.made_at,
        expires_at=now.made_at + timedelta(hours=now.policy.plan_expires_hours),
        run_id=now.run_id,
        today=now.today,
        checksum=checksum,
        complete=problem is None,
        problem=problem,
        write_mode=now.write_mode,
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


def _keep(connection: Connection, plan: Plan, now: Circumstances, reads: Mapping[Any, Any]) -> None:
    columns = ", ".join(f'"{c}"' for c in model("billing.plan").column_names if c != "plan_id")
    connection.execute(
        f"INSERT INTO billing.plan (plan_id, {columns}) SELECT ?, {columns} FROM plan_rows", [plan.plan_id]
    )
    snapshots = {f"{t} {scope}".strip(): row["snapshot_id"] for (t, scope), row in sorted(reads.items())}
    snapshot_json = json.dumps(snapshots)
    row = {
        **{f: getattr(plan, f) for f in Plan.__dataclass_fields__},
        "money": json.dumps(plan.money),
        "snapshot_ids": snapshot_json,
        "snapshot_id": connection.execute("SELECT sha256(?)", [snapshot_json]).fetchall()[0][0][:16],
        "policy_fingerprint": now.policy.fingerprint,
        "mapping_fingerprint": now.mapping_fingerprint,
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


def load_plan(connection: Connection, plan_id: str) -> Plan:
    """Return the head of a stored plan. Raises PipelineError when there is none of that id."""
    rows = dicts(connection.execute("SELECT * FROM billing.plans WHERE plan_id = ?", [plan_id]))
    if not rows:
        raise PipelineError(f"no plan {plan_id}; `pax8-pipeline plan show` shows the newest")
    values = {f: rows[0][f] for f in Plan.__dataclass_fields__}
    return Plan(**{**values, "money": json.loads(values["money"])})


def safe_changes(connection: Connection, plan_id: str) -> list[Change]:
    """Return the writes of a stored plan that may be sent, ordered by recurring invoice."""
    return _changes(connection, "billing.plan", "class = 'safe' AND plan_id = ?", [plan_id])


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
