"""Metered usage without a known client: Pax8 bills the partner for it, and no client is billed.

It covers every form of "No company assigned" (docs/vendors/pax8.md#no-company), with its money: the partner's cost,
beside what the client would be charged. Such usage is never billed on a guess; that is decided in the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.reports.mapping.hints import group_key, load_hints
from pax8_pipeline.reports.summary import STEPS
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.models import load_sql

_SUMMARIES = f"""
WITH shaped AS (
  {load_sql("billing/unassigned_summaries.sql")}
), seen AS (
  SELECT object_id AS summary_id, min(loaded_at) AS first_seen FROM pax8.usage_summaries GROUP BY 1
)
SELECT shape, month, resource_group, vendor_name, subscription_id, summary_id, company_id, company_name,
       cost, charges, is_trial, currency, CASE WHEN is_trial THEN 0 ELSE cost END AS money,
       greatest(0, $today::DATE - first_seen::DATE) AS age_days, {{click}} AS next_step
FROM shaped LEFT JOIN seen USING (summary_id) WHERE shape IS NOT NULL ORDER BY money DESC, subscription_id, resource_group, summary_id
"""

# Charges of months that are to be billed, and of the newest invoices before billing has started. The reason why they
# have no company is found in warehouse/sql/reconciled/usage.sql.
_CHARGES = load_sql("orchestration/checks/usage_unassigned_charges.sql")


def click(column: str) -> str:
    """Return SQL for what to click in the Pax8 portal (docs/vendors/pax8.md#no-company). `column`: a format for column
    names.
    """
    subscription, group = column.format("subscription_id"), column.format("resource_group")
    return (
        f"'Pax8 portal: Subscriptions, ' || coalesce({subscription}, 'the one it belongs to') || ', Usage tab, \"...\" menu of ' "
        f"|| coalesce('\"' || {group} || '\"', 'the row without a name') || ', Assign company'"
    )


# The Arrears charges of the newest approved invoice, compared with the summaries read in that month. If they were not
# read in that month, the groups of the newest month are used, and only a group that is not listed at all counts.
_HIDDEN = load_sql("orchestration/checks/usage_unassigned_hidden.sql")

_WINDOW = timedelta(days=62)


def find_in_summaries(context: CheckContext) -> CheckOutcome:
    """Find usage summaries of the current month without a known client."""
    policy = context.settings.policy.usage
    values = {"internal": list(policy.internal_companies), "confirmed": list(policy.confirmed_groups)}
    query = _SUMMARIES.format(click=click("{}"))
    return _found(context, query, "usage summaries", {**values, "today": context.settings.today})


def find_in_charges(context: CheckContext) -> CheckOutcome:
    """Find charged usage without a known client, one row for each group and month."""
    first = context.settings.policy.usage.first_month or "9999-12"
    values = {"since": context.settings.today - _WINDOW, "first_month": first, "today": context.settings.today}
    outcome = _found(context, _CHARGES.format(click=click("any_value({})")), "charged groups of usage", values)
    return replace(outcome, rows=_with_hints(context, outcome.rows)) if outcome.rows else outcome


def _with_hints(context: CheckContext, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with the company that a group's name suggests, where one is like it, in the next step."""
    hints = load_hints(context.connection, ["usage_group"], context.settings.policy.usage)
    found = (hints.get(("usage_group", group_key(row["subscription_id"], row["resource_group"]))) for row in rows)
    return [
        {**row, "next_step": f"{row['next_step']}; {hint}" if hint else row["next_step"]}
        for row, hint in zip(rows, found, strict=True)
    ]


def find_hidden(context: CheckContext) -> CheckOutcome:
    """Find subscriptions that are charged more in arrears than their usage summaries show."""
    count, rows, sums = run_query(context, _HIDDEN, amount="money")
    if not count:
        return CheckOutcome("the newest invoice charges no usage that the summaries do not show")
    sentence = (
        f"{plural(count, 'subscription is', 'subscriptions are')} charged usage that no usage summary shows; the difference is on nobody's bill "
        "(a month that was last read before its end shows here too)"
    )
    return CheckOutcome(sentence, count, rows, sums, _HIDDEN)


def _found(context: CheckContext, query: str, things: str, values: Mapping[str, Any]) -> CheckOutcome:
    count, rows, sums = run_query(context, query, values, amount="money")
    if not count:
        return CheckOutcome(f"all {things} belong to a known customer")
    shapes = ", ".join(sorted({str(row["shape"]) for row in rows}))
    charges = run_query(context, query, values, amount="charges")[2]
    sentence = (
        f"{count} {things} have no customer ({shapes}). Pax8 bills you for them; assign the company in the Pax8 portal "
        '(Subscriptions, the subscription, Usage tab, "..." menu of the row, Assign company); nothing of it is billed until then'
    )
    return CheckOutcome(
        sentence, count, rows, sums, query, more={"client_charges": {k: str(v) for k, v in charges.items()}}
    )


_ABOUT = "Every metered usage belongs to a known customer. What does not is reported with its money and never guessed."
CHECKS = (
    Check(
        "usage_unassigned",
        "staging.usage_summaries",
        _ABOUT,
        find_in_summaries,
        next_step=STEPS["usage_unassigned"],
        depends_on=("staging.companies", "staging.subscriptions", "pax8.usage_summaries"),
    ),
    Check(
        "usage_unassigned",
        "reconciled.usage",
        _ABOUT,
        find_in_charges,
        next_step=STEPS["usage_unassigned"],
        depends_on=("pax8.invoice_items", "pax8.usage_summaries"),
    ),
    Check(
        "usage_hidden",
        "staging.invoice_items",
        "What the newest invoice charges in arrears is what the usage summaries of that month show.",
        find_hidden,
        next_step="compare the invoice with the Usage tab of the subscription in the Pax8 portal",
        depends_on=("staging.invoices", "staging.usage_summaries"),
    ),
)
