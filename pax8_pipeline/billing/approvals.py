"""Who approved what: approvals of waiting changes, acknowledgements of a guardrail, and what may be written by them.

Every refusal is a plain sentence (PipelineError).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.ledger import ledger
from pax8_pipeline.billing.model import Change, Plan
from pax8_pipeline.billing.planning import guardrails, planner
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.settings import Policy
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

Kind = Literal["approve", "acknowledge"]


class NothingToApprove(PipelineError):
    """There is nothing of that kind in that part of the plan."""


@dataclass(frozen=True)
class Scope:
    """What part of a plan an approval covers: one client, one row, or all of it."""

    client_id: int | None = None
    row_id: str | None = None


@dataclass(frozen=True)
class Approval:
    """One recorded approval (or acknowledgement) and the rows it covers; `at` is UTC."""

    plan_id: str
    checksum: str
    kind: Kind
    who: str
    at: datetime
    row_ids: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many rows it covers."""
        return len(self.row_ids)


def record_approval(
    warehouse: Warehouse,
    plan_id: str,
    *,
    kind: Kind,
    who: str,
    now: datetime,
    policy: Policy,
    mappings: str,
    scope: Scope,
) -> Approval:
    """Record that `who` approves the waiting rows of a plan, or acknowledges the held ones; `now` is UTC.

    Raises PipelineError when the plan is expired or stale, and NothingToApprove when it has no such rows.
    """
    with warehouse.transaction() as connection:
        head = planner.load_plan(connection, plan_id)
        if not who.strip():
            raise PipelineError("an approval needs a name: give --by NAME or set USER")
        ensure_fresh(connection, head, now, policy, mappings)
        connection.execute(
            "INSERT INTO billing.approvals SELECT coalesce(max(approval), 0) + 1, ?, ?, ?, ?, ?, ?, ? FROM billing.approvals",
            [now, who.strip(), plan_id, head.checksum, kind, scope.client_id, scope.row_id],
        )
        rows = connection.execute(
            "SELECT DISTINCT row_id FROM billing.approved_rows WHERE plan_id = ? AND kind = ? AND approved_at = ? "
            "ORDER BY row_id",
            [plan_id, kind, now],
        ).fetchall()
        if not rows:
            raise NothingToApprove(_nothing_to_approve(connection, head, kind))
    return Approval(plan_id, head.checksum, kind, who.strip(), now, tuple(str(row[0]) for row in rows))


def _nothing_to_approve(connection: Connection, head: Plan, kind: Kind) -> str:
    remaining = ledger.remaining(connection, head.plan_id)
    if kind == "acknowledge":
        what, count = "is held by a guardrail", remaining.waiting
        other = f"{plural(count, 'change waits', 'changes wait')} for a person: leave out --acknowledge"
    else:
        what, count = "waits for a person", remaining.held
        other = f"a guardrail holds {plural(count, 'change')}: add --acknowledge"
    hint = other if count else f"`pax8-pipeline plan show {head.plan_id}` lists its rows"
    return f"nothing in that part of plan {head.plan_id} {what}; {hint}"


def list_approvals(connection: Connection, plan_id: str) -> list[dict[str, Any]]:
    """Return what people approved in a plan, oldest first: who, when (UTC), kind, checksum, part and rows covered."""
    return dicts(connection.execute(load_sql("billing/list_approvals.sql"), [plan_id]))


def ensure_fresh(connection: Connection, head: Plan, now: datetime, policy: Policy, mappings: str) -> None:
    """Raise PipelineError when a plan is no longer what would be planned now."""
    if not head.complete:
        raise PipelineError(f"plan {head.plan_id} is not complete: {head.problem}")
    if now > head.expires_at:
        raise PipelineError(
            f"plan {head.plan_id} expired at {head.expires_at:%Y-%m-%d %H:%M} UTC; run again for a new one"
        )
    newest = planner.latest_plan_id(connection)
    if newest != head.plan_id:
        raise PipelineError(f"plan {head.plan_id} is stale: {newest} was made after it; look at that one")
    made_with = connection.execute(
        "SELECT policy_fingerprint, mapping_fingerprint FROM billing.plans WHERE plan_id = ?", [head.plan_id]
    ).fetchall()[0]
    if made_with[0] != policy.fingerprint:
        raise PipelineError(f"plan {head.plan_id} is stale: policy.yaml changed since it was made; run again")
    if made_with[1] != mappings:
        raise PipelineError(f"plan {head.plan_id} is stale: the mapping files changed since it was made; run again")


@dataclass(frozen=True)
class Writable:
    """The writes of a plan that may be sent now, and the sentences of what the guardrails take out of them."""

    changes: list[Change]
    held: tuple[str, ...]
    acknowledged: bool = False


def writable(connection: Connection, head: Plan, policy: Policy, *, applied_by_person: bool, now: datetime) -> Writable:
    """Return what may be written of a plan: safe rows, and rows that people approved.

    `applied_by_person`: a person applies this very plan, which the trust mode `propose` asks for. Guardrails are held against
    the whole list once more, since approvals add to it; acknowledged rows are past them.
    """
    values = {
        "plan_id": head.plan_id,
        "now": now,
        "days": policy.trust.approval_days,
        "applied_by_person": applied_by_person,
    }
    rows = {row[0]: row for row in connection.execute(load_sql("billing/writable.sql"), values).fetchall()}
    chosen = [c for c in planner.all_changes(connection, head.plan_id) if c.row_id in rows]
    acknowledged = {row_id for row_id, row in rows.items() if row[3]}
    # A person approved each row of an undo, and it takes back what went wrong: no guardrail holds it or counts it.
    exempt = acknowledged | {row_id for row_id, row in rows.items() if row[4]}
    seats_acknowledged = any(c.row_id in acknowledged and not registry.is_usage(c.action) for c in chosen)
    if head.held and not seats_acknowledged and _holds_whole_run(_held_rows(connection, head)):
        # The run is held for its seats. Usage is counted apart, so it is written all the same.
        chosen = [c for c in chosen if registry.is_usage(c.action)]
        limited = _within_limits(connection, head, policy, chosen, exempt)
        return Writable(limited.changes, (head.held, *limited.held), bool(acknowledged))
    limited = _within_limits(connection, head, policy, chosen, exempt)
    return Writable(limited.changes, limited.held, bool(acknowledged))


def _held_rows(connection: Connection, head: Plan) -> list[dict[str, Any]]:
    values = {"plan_id": head.plan_id, "usage": list(registry.usage_actions())}
    return dicts(connection.execute(load_sql("billing/held.sql"), values))


def _holds_whole_run(rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(row["reason"] == "guardrail_run" for row in rows)


def holds(connection: Connection, head: Plan, policy: Policy, now: datetime) -> list[str]:
    """Return the sentences of the guardrails that hold what is left of a plan: at planning, or since approvals added up."""
    rows = _held_rows(connection, head)
    run = [head.held] if head.held and _holds_whole_run(rows) else []
    clients = [str(r["sentence"]) for r in rows if r["reason"] == "guardrail_client" and (r["usage"] or not run)]
    since = writable(connection, head, policy, applied_by_person=True, now=now).held
    return list(dict.fromkeys([*run, *clients, *since]))


def _within_limits(
    connection: Connection, head: Plan, policy: Policy, chosen: Sequence[Change], exempt: set[str]
) -> Writable:
    # What was written of the plan before counts too, or a plan could be passed in slices.
    spent = {str(row[0]) for row in connection.execute(load_sql("billing/spent.sql"), [head.plan_id]).fetchall()}
    free = [c for c in chosen if c.row_id not in exempt]
    free += [c for c in planner.all_changes(connection, head.plan_id) if c.row_id in spent]
    lines = connection.execute(load_sql("billing/lines_by_client.sql"), [head.plan_id]).fetchall()
    holds = guardrails.check(free, dict(lines), policy.guardrails)
    allowed = [c for c in chosen if c.row_id in exempt or holds.allows(c)]
    sentences = [holds.run] if holds.run else holds.clients.values()
    held = tuple(dict.fromkeys([*sentences, *holds.usage.values()]))
    return Writable(allowed, held)
