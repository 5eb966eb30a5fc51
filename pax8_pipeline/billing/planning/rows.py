"""Makes the rows of a plan (temporary table plan_rows) and the lines of its usage invoices (plan_line_rows).

It sets the variables and small tables for the relations, and says what holds all usage. The relations decide (the SQL
files beside this module).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.actions.create_line import TYPES as LINE_TYPES
from pax8_pipeline.billing.ledger import documents, writer
from pax8_pipeline.billing.ledger.recovery import pending
from pax8_pipeline.billing.planning import usage_stops
from pax8_pipeline.billing.planning.context import PlanContext
from pax8_pipeline.billing.planning.relations import EXACT_TYPES, fill
from pax8_pipeline.billing.verdicts import ALL_VERDICTS
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.build import usage_variables
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import model
from pax8_pipeline.warehouse.snapshots import newest_snapshots

# Without these no usage is billed; seats do not depend on them.
USAGE_READS = ("pax8.invoices", "halo.invoices", "halo.items")


def make_rows(connection: Connection, context: PlanContext) -> None:
    """Fill the temporary table plan_rows with everything that the plan says, before guardrails."""
    empty_rows(connection, EXACT_TYPES)
    _set_variables(connection, _variables(connection, context))
    verdicts = [(v.name, v.cls, v.sentence) for v in ALL_VERDICTS]
    _small_table(connection, "verdict_classes", "verdict VARCHAR, class VARCHAR, sentence VARCHAR", verdicts)
    modes = list(context.policy.trust.clients.items())
    _small_table(connection, "trust_modes", "client_id BIGINT, mode VARCHAR", modes)
    if not context.bill_months:
        fill(connection, "seats")
        if context.policy.new_subscriptions.is_on:
            _creation_rows(connection, context.policy)
    watched_days = context.policy.usage.watch_days
    documents.compare(connection, context.run_id, context.today, watched_days, accepted=context.accept_missing)
    if _any_usage(connection):
        _usage_rows(connection, context)


def empty_rows(connection: Connection, other_types: dict[str, str] | None = None) -> None:
    """Make the temporary tables plan_rows and plan_line_rows: billing.plan and billing.plan_lines without `plan_id`.

    `other_types` names types of plan_rows that differ from the contract.
    """
    for name, table, other in (
        ("plan_rows", "billing.plan", other_types or {}),
        ("plan_line_rows", "billing.plan_lines", {}),
    ):
        types = {c.name: c.type for c in model(table).columns if c.name != "plan_id"} | other
        columns = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")


def usage_hold(connection: Connection) -> tuple[str | None, str | None]:
    """Return why nothing of usage may be written at all, as a reason code and a sentence; nothing when it may."""
    if other := writer.conflict(connection):
        return "usage_other_writer", other
    if untrue := documents.distrust(connection):
        return "usage_documents", untrue
    return None, None


def _creation_rows(connection: Connection, policy: Policy) -> None:
    """Add what would be made in Halo for subscriptions that nobody is billed for."""
    new = policy.new_subscriptions
    values = {
        "licence_id_field": policy.matching.licence_id_field,
        "client_custom_field": policy.matching.client_custom_field,
        "new_seats": new.propose != "off",
        "new_lines": new.propose == "licences_and_lines",
        "new_clients": new.clients == "propose",
        "new_recurring_invoice": new.recurring_invoice,
        "new_price": new.price,
        "new_line_type": LINE_TYPES[new.line],
        "new_toplevel_id": new.toplevel_id,
    }
    _set_variables(connection, values)
    contracts = list(new.contracts.items())
    _small_table(connection, "new_contracts", "client_id BIGINT, contract_id BIGINT", contracts)
    fill(connection, "creations")


def _usage_rows(connection: Connection, context: PlanContext) -> None:
    reason, hold = usage_hold(connection)
    _set_variables(connection, {"usage_hold_reason": reason, "usage_hold": hold})
    waiting = [(key.lower(), sentence) for key, sentence in pending(connection, context.policy.unknown_wait).items()]
    _small_table(connection, "pending_invoices", "usage_key VARCHAR, sentence VARCHAR", waiting)
    fill(connection, "usage")
    usage_stops.hold_usage(connection)


def _variables(connection: Connection, context: PlanContext) -> dict[str, Any]:
    auto = context.policy.trust.auto
    reads = newest_snapshots(connection)
    first, last = context.bill_months or (None, None)
    return {
        "today": context.today,
        "trust_default": context.policy.trust.default,
        "native": "off" if context.policy.native_integration == "ignore" else context.native,
        "auto_directions": list(auto.directions),
        "auto_seats": auto.seats,
        "auto_money": auto.money,
        "auto_new_kinds": auto.new_kinds,
        "freeze_before": context.policy.freeze.days_before,
        "freeze_after": context.policy.freeze.days_after,
        "hold_endings": context.policy.renewals.hold_endings,
        "move_score": context.policy.renewals.min_score,
        "manual_pro_rata": context.policy.pro_rata.manual_lines,
        "negative_pro_rata": context.policy.pro_rata.negative,
        "price_updates": context.policy.prices.updates,
        "usage_actions": list(registry.usage_actions()),
        "usage_reads_ok": all(reads.get((t, ""), {}).get("run_id") == context.run_id for t in USAGE_READS),
        "bill_from": first,
        "bill_to": last,
        **usage_variables(context.policy.usage),
    }


def _set_variables(connection: Connection, values: dict[str, Any]) -> None:
    for name, value in values.items():
        connection.execute(f"SET VARIABLE {name} = ?", [value])


def _small_table(connection: Connection, name: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
    if rows:
        with connection.appender(name) as appender:
            appender.append_rows(rows)


def _any_usage(connection: Connection) -> bool:
    """Return whether there is usage, or was: a partner without any is spared the queries."""
    query = (
        "SELECT EXISTS (FROM reconciled.usage) OR EXISTS (FROM billing.documents) "
        "OR EXISTS (FROM billing.ledger WHERE list_contains(getvariable('usage_actions'), action))"
    )
    return bool(connection.execute(query).fetchall()[0][0])
