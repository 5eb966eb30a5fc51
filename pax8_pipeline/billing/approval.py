"""Who agreed to what: approvals of waiting changes, acknowledgements of a guardrail, and what may be written by them.

Here belongs: recording an agreement and turning a plan plus agreements into the list of writes. Not here: writing.
Every refusal is a plain sentence (PipelineError).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pax8_pipeline.billing import guardrails, plan
from pax8_pipeline.billing.model import Change, Plan
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline.warehouse.models import query_file

Kind = Literal["approve", "acknowledge"]


class NothingToAgree(PipelineError):
    """There is nothing of that kind in that part of the plan."""


@dataclass(frozen=True)
class Scope:
    """What part of a plan an agreement covers: one client, one row, or all of it."""

    client_id: int | None = None
    row_id: str | None = None


@dataclass(frozen=True)
class Agreement:
    """One recorded agreement and how many rows it covers."""

    plan_id: str
    checksum: str
    kind: Kind
    rows: int


def agree(
    warehouse: Warehouse,
    plan_id: str,
    *,
    kind: Kind,
    who: str,
    now: datetime,
    policy: Policy,
    mappings: str,
    scope: Scope,
) -> Agreement:
    """Record that `who` agrees to the waiting (or held) rows of a plan; `now` is UTC.

    Raises PipelineError when the plan is expired or stale, or when there is nothing of that kind to agree to.
    """
    if not who.strip():
        raise PipelineError("an approval needs a name: give --by NAME or set USER")
    with warehouse.transaction() as connection:
        head = plan.load_plan(connection, plan_id)
        refuse_stale(connection, head, now, policy, mappings)
        connection.execute(
            "INSERT INTO billing.approvals SELECT coalesce(max(approval), 0) + 1, ?, ?, ?, ?, ?, ?, ? FROM billing.approvals",
            [now, who.strip(), plan_id, head.checksum, kind, scope.client_id, scope.row_id],
        )
        rows = connection.execute(
            "SELECT count(DISTINCT row_id) FROM billing.approved_rows WHERE plan_id = ? AND kind = ? AND approved_at = ?",
            [plan_id, kind, now],
        ).fetchall()[0][0]
        if rows == 0:
            what = "waits for a person" if kind == "approve" else "is held by a guardrail"
            raise NothingToAgree(f"nothing in that part of plan {plan_id} {what}; `plan show {plan_id}` lists its rows")
    return Agreement(plan_id, head.checksum, kind, int(rows))


def refuse_stale(connection: Connection, head: Plan, now: datetime, policy: Policy, mappings: str) -> None:
    """Raise PipelineError when a plan no longer stands for what would be planned now."""
    if not head.complete:
        raise PipelineError(f"plan {head.plan_id} is not complete: {head.problem}")
    if now > head.expires_at:
        raise PipelineError(
            f"plan {head.plan_id} expired at {head.expires_at:%Y-%m-%d %H:%M} UTC; run again for a new one"
        )
    newest = plan.latest_plan_id(connection)
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


def writable(connection: Connection, head: Plan, policy: Policy, *, explicit: bool, now: datetime) -> Writable:
    """Return what may be written of a plan: safe rows, and rows people agreed to.

    `explicit`: a person applies this very plan, which the trust mode `propose` asks for. Guardrails are held against
    the whole list once more, since approvals add to it; acknowledged rows are past them.
    """
    values = {"plan_id": head.plan_id, "now": now, "days": policy.trust.approval_days, "explicit": explicit}
    rows = {row[0]: row for row in connection.execute(query_file("queries/writable.sql"), values).fetchall()}
    chosen = [c for c in plan.all_changes(connection, head.plan_id) if c.row_id in rows]
    acknowledged = {row_id for row_id, row in rows.items() if row[3]}
    if head.held and not acknowledged:
        return Writable([], (head.held,))
    return _within_limits(connection, head, policy, chosen, acknowledged)


def _within_limits(
    connection: Connection, head: Plan, policy: Policy, chosen: Sequence[Change], acknowledged: set[str]
) -> Writable:
    free = [c for c in chosen if c.row_id not in acknowledged]
    lines = connection.execute(
        "SELECT client_id, count(*) FROM billing.plan WHERE plan_id = ? AND line_id IS NOT NULL GROUP BY client_id",
        [head.plan_id],
    ).fetchall()
    holds = guardrails.check(free, dict(lines), policy.guardrails)
    if holds.run:
        return Writable([c for c in chosen if c.row_id in acknowledged], (holds.run,), bool(acknowledged))
    kept = [c for c in chosen if c.row_id in acknowledged or c.client_id not in holds.clients]
    return Writable(kept, tuple(holds.clients.values()), bool(acknowledged))
