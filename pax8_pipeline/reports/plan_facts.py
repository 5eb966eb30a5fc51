"""What is said about a plan as a whole: its money, what stops it, who approved what, and what was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pax8_pipeline.billing import approvals
from pax8_pipeline.billing.ledger import ledger
from pax8_pipeline.billing.model import Plan, money_sentences
from pax8_pipeline.billing.planning.guardrails import override_instructions
from pax8_pipeline.extract import halo_instance
from pax8_pipeline.reports import formatting
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection


@dataclass(frozen=True)
class Warning:
    """Something that stops a plan or a part of it: a title, the reason, and what to do, without a full stop.

    The reason may hold names from outside; `what_to_do` is this product's own text, with commands in `code` marks.
    """

    title: str
    text: str
    what_to_do: str = ""


@dataclass(frozen=True)
class PlanFacts:
    """Sentences about a plan, each without its full stop: figures, what stops it, approvals and writes."""

    sentences: Sequence[str]
    warnings: Sequence[Warning]
    history: Sequence[str]


def plan_facts(connection: Connection, plan: Plan) -> PlanFacts:
    """Return what is said about a stored plan."""
    version = halo_instance.describe_instance(connection, plan.run_id)
    warnings = [Warning("Not to be applied", plan.problem)] if plan.problem else []
    history = [approval_text(row) for row in approvals.list_approvals(connection, plan.plan_id)]
    written = ledger.states(connection, plan.plan_id)
    if written:
        history.append(f"Written: {', '.join(f'{number} {state}' for state, number in sorted(written.items()))}")
    return PlanFacts(
        sentences=[*([version] if version else []), *money_sentences(plan.money)],
        warnings=[*warnings, *_guardrails(connection, plan)],
        history=history,
    )


def _guardrails(connection: Connection, plan: Plan) -> list[Warning]:
    remaining = ledger.remaining(connection, plan.plan_id)
    if not remaining.held:
        return []
    if plan.held:
        return [Warning("Held whole by a guardrail", plan.held, override_instructions(plan.plan_id))]
    changes = plural(remaining.held, "change")
    return [Warning("Held by a guardrail", changes, override_instructions(plan.plan_id))]


def approval_text(row: Mapping[str, Any]) -> str:
    """Return one approval (`approvals.list_approvals`) as a sentence without its full stop."""
    verb = "Approved" if row["kind"] == "approve" else "Acknowledged"
    part = f", client {row['client_id']}" if row["client_id"] is not None else ""
    part += f", row {row['row_id']}" if row["row_id"] is not None else ""
    changes = plural(row["rows"], "change")
    return f"{verb} by {row['approved_by']} at {formatting.moment(row['approved_at'])}: {changes}{part}"
