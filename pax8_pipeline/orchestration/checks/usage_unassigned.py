"""Metered usage without a known client: Pax8 bills the partner for it, and no client is billed.

It covers every form of "No company assigned" (docs/vendors/pax8.md#no-company). A row is a group and a month, as it is
in the plan and among the findings, with the same amount: what the client would be charged by policy. Such usage is never
billed on a guess; that is decided in the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pax8_pipeline.billing import unassigned
from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, money_in_words, run_query
from pax8_pipeline.reports.mapping.hints import group_key, load_hints
from pax8_pipeline.reports.next_steps import STEPS
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.models import load_sql

# What to click in the Pax8 portal: docs/vendors/pax8.md#no-company.
_QUERY = f"""
SELECT resource_group, money AS not_billed, currency, month, CASE WHEN so_far THEN 'so far' ELSE 'charged' END AS state,
       products, shape, cost, charges, items, greatest(0, $today::DATE - first_read::DATE) AS age_days,
       'Pax8 portal: Subscriptions, ' || coalesce(subscription_id, 'the one it belongs to') || ', Usage tab, "..." menu of '
         || coalesce('"' || resource_group || '"', 'the row without a name') || ', Assign company' AS next_step,
       subscription_id
FROM ({unassigned.QUERY}) WHERE in_plan
ORDER BY abs(money) DESC, month, subscription_id, resource_group
"""

# The Arrears charges of the newest approved invoice, compared with the summaries read in that month. If they were not
# read in that month, the groups of the newest month are used, and only a group that is not listed at all counts.
_HIDDEN = load_sql("orchestration/checks/usage_unassigned_hidden.sql")


def find_unassigned(context: CheckContext) -> CheckOutcome:
    """Find usage without a known client, one row for each group and month."""
    values = unassigned.parameters(context.settings.policy.usage, context.settings.today)
    count, rows, sums = run_query(context, _QUERY, values, amount="not_billed")
    if not count:
        return CheckOutcome("all usage belongs to a known customer")
    shapes = ", ".join(sorted({str(row["shape"]) for row in rows}))
    costs = context.connection.execute(
        "SELECT coalesce(currency, '?'), sum(cost) FROM found GROUP BY 1 ORDER BY 1"
    ).fetchall()
    sentence = (
        f"{plural(count, 'group and month', 'groups and months')} of usage have no customer ({shapes}). Pax8 bills you for them; assign the "
        'company in the Pax8 portal (Subscriptions, the subscription, Usage tab, "..." menu of the row, Assign company); '
        "nothing of it is billed until then"
    )
    return CheckOutcome(
        sentence,
        count,
        _with_hints(context, rows),
        money_in_words(sums, per="once"),
        _QUERY,
        more={"your_cost": {currency: str(cost) for currency, cost in costs}},
    )


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
    return CheckOutcome(
        sentence, count, rows, {f"{currency} of cost": cost for currency, cost in sums.items()}, _HIDDEN
    )


_ABOUT = "Every metered usage belongs to a known customer. What does not is reported with its money and never guessed."
CHECKS = (
    Check(
        "usage_unassigned",
        "reconciled.usage",
        _ABOUT,
        find_unassigned,
        next_step=STEPS["usage_unassigned"],
        depends_on=(
            "pax8.invoice_items",
            "pax8.usage_summaries",
            "staging.usage_summaries",
            "staging.companies",
            "staging.subscriptions",
        ),
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
