"""Metered usage that no customer is known for: Pax8 bills the partner for it, and nobody bills the customer.

Here belongs: every shape in which "No company assigned" may come (docs/vendors/pax8.md#no-company), with its money. Not
here: holding the billing of that usage (it is never billed on a guess). The money is the partner's cost; what the
client would be charged stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.warehouse.models import load_sql

_SUMMARIES = f"""
WITH shaped AS (
  {load_sql("billing/unassigned_summaries.sql")}
), seen AS (
  SELECT object_id AS summary_id, min(loaded_at) AS first_seen FROM pax8.usage_summaries GROUP BY 1
)
SELECT shape, month, resource_group, vendor_name, subscription_id, summary_id, company_id, company_name,
       cost, charges, is_trial, currency, CASE WHEN is_trial THEN 0 ELSE cost END AS money,
       greatest(0, $today::DATE - first_seen::DATE) AS age_days, {{click}} AS what_to_click
FROM shaped LEFT JOIN seen USING (summary_id) WHERE shape IS NOT NULL ORDER BY money DESC, subscription_id, resource_group, summary_id
"""

# Charges of months that are to be billed, and of the newest invoices before billing has begun. How they came to have no
# company was found where the charges are judged (warehouse/sql/reconciled/usage.sql).
_CHARGES = """
WITH read AS (
  SELECT lower(scope) AS invoice_id, min(loaded_at) AS read_at FROM meta.snapshots
  WHERE table_name = 'pax8.invoice_items' AND complete GROUP BY 1
), summaries AS (
  SELECT object_id AS summary_id, min(loaded_at) AS read_at FROM pax8.usage_summaries GROUP BY 1
), unassigned AS (
  SELECT u.*, lower(trim(u.resource_group)) AS grp, least(r.read_at, s.read_at) AS read_at
  FROM reconciled.usage u LEFT JOIN read r USING (invoice_id) LEFT JOIN summaries s USING (summary_id)
  WHERE u.bucket = 'unassigned' AND u.counts
), aged AS (
  SELECT *, min(read_at) OVER (PARTITION BY subscription_id, grp) AS first_seen FROM unassigned
)
SELECT shape, month, any_value(resource_group) AS resource_group, any_value(vendor_name) AS vendor_name, subscription_id,
       string_agg(DISTINCT product_name, ', ' ORDER BY product_name) AS products, count(*) AS items, sum(cost) AS cost,
       sum(charges) AS charges, currency, sum(cost) AS money, greatest(0, $today::DATE - min(first_seen)::DATE) AS age_days,
       {click} AS what_to_click
FROM aged
WHERE month >= $first_month OR coalesce(invoice_date, last_day((month || '-01')::DATE)) >= $since
GROUP BY shape, month, subscription_id, grp, currency
ORDER BY abs(money) DESC, month, subscription_id, resource_group
"""


def click(column: str) -> str:
    """Return SQL for what to click in the Pax8 portal (docs/vendors/pax8.md#no-company); `column` tells how a column is
    named in it.
    """
    subscription, group = column.format("subscription_id"), column.format("resource_group")
    return (
        f"'Pax8 portal: Subscriptions, ' || coalesce({subscription}, 'the one it belongs to') || ', Usage tab, \"...\" menu of ' "
        f"|| coalesce('\"' || {group} || '\"', 'the row without a name') || ', Assign company'"
    )


# What the newest approved invoice charged in arrears, against the summaries read in that month. Where nobody read
# them in their time, the groups of the newest month stand in, and only a group that is not listed at all counts.
_HIDDEN = """
WITH arrears AS (
  SELECT i.subscription_id, i.product_name, i.currency, lower(i.details) AS grp, i.cost_total,
         strftime(coalesce(i.start_period, v.invoice_date - INTERVAL 1 MONTH), '%Y-%m') AS month
  FROM staging.invoice_items i JOIN staging.invoices v USING (invoice_id)
  WHERE i.is_arrears AND v.is_live AND i.subscription_id IS NOT NULL
    AND v.invoice_date = (SELECT max(invoice_date) FROM staging.invoices WHERE is_live)
), months AS (
  SELECT month AS usage_month, EXISTS (SELECT 1 FROM meta.snapshots s WHERE s.table_name = 'pax8.usage_summaries'
           AND s.complete AND s.scope = month) AS in_time FROM (SELECT DISTINCT month FROM arrears)
), listed AS (
  SELECT u.subscription_id, u.month, sum(u.cost) FILTER (NOT u.is_trial) AS cost,
         count(DISTINCT lower(u.resource_group)) AS groups, list(DISTINCT lower(u.resource_group)) AS names
  FROM staging.usage_summaries u GROUP BY ALL
), compared AS (
  SELECT a.subscription_id, any_value(a.product_name) AS product_name, a.currency, m.usage_month, m.in_time,
         sum(a.cost_total) AS charged, coalesce(any_value(l.cost), 0) AS listed,
         coalesce(any_value(l.groups), 0) AS groups_listed, count(DISTINCT coalesce(a.grp, '')) AS groups_charged,
         sum(a.cost_total) FILTER (NOT coalesce(list_contains(l.names, a.grp), false)) AS charged_unlisted,
         string_agg(DISTINCT a.grp, ', ') FILTER (NOT coalesce(list_contains(l.names, a.grp), false)) AS resource_group
  FROM arrears a JOIN months m ON m.usage_month = a.month
  LEFT JOIN listed l ON l.subscription_id = a.subscription_id
    AND l.month = CASE WHEN m.in_time THEN m.usage_month ELSE (SELECT max(month) FROM staging.usage_summaries) END
  GROUP BY a.subscription_id, a.currency, m.usage_month, m.in_time
)
SELECT 'hidden' AS shape, usage_month AS month, resource_group, product_name, subscription_id, charged, listed,
       CASE WHEN in_time THEN charged - listed ELSE charged_unlisted END AS money, currency
FROM compared
WHERE CASE WHEN in_time THEN charged - listed > greatest(0.05, charged * 0.05)
           ELSE groups_charged > groups_listed AND charged_unlisted > 0 END
ORDER BY money DESC, subscription_id
"""

_WINDOW = timedelta(days=62)


def find_in_summaries(context: CheckContext) -> CheckOutcome:
    """Find usage summaries of the running month that no customer is known for."""
    policy = context.settings.policy.usage
    values = {"internal": list(policy.internal_companies), "confirmed": list(policy.confirmed_groups)}
    query = _SUMMARIES.format(click=click("{}"))
    return _found(context, query, "usage summaries", {**values, "today": context.settings.today})


def find_in_charges(context: CheckContext) -> CheckOutcome:
    """Find charged usage that no customer is known for, a row per group and month."""
    first = context.settings.policy.usage.first_month or "9999-12"
    values = {"since": context.settings.today - _WINDOW, "first_month": first, "today": context.settings.today}
    return _found(context, _CHARGES.format(click=click("any_value({})")), "charged groups of usage", values)


def find_hidden(context: CheckContext) -> CheckOutcome:
    """Find subscriptions charged more in arrears than their usage summaries show."""
    count, rows, sums = run_query(context, _HIDDEN, amount="money")
    if not count:
        return CheckOutcome("the newest invoice charges no usage that the summaries do not show")
    sentence = (
        f"{count} subscriptions are charged usage that no usage summary shows; the difference is on nobody's bill "
        "(a month that was last read before its end shows here too)"
    )
    return CheckOutcome(sentence, count, rows, sums, _HIDDEN)


def _found(context: CheckContext, query: str, what: str, values: Mapping[str, Any]) -> CheckOutcome:
    count, rows, sums = run_query(context, query, values, amount="money")
    if not count:
        return CheckOutcome(f"all {what} belong to a known customer")
    shapes = ", ".join(sorted({str(row["shape"]) for row in rows}))
    charges = run_query(context, query, values, amount="charges")[2]
    sentence = (
        f"{count} {what} have no customer ({shapes}). Pax8 bills you for them; assign the company in the Pax8 portal "
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
        depends_on=("staging.companies", "staging.subscriptions", "pax8.usage_summaries"),
    ),
    Check(
        "usage_unassigned",
        "reconciled.usage",
        _ABOUT,
        find_in_charges,
        depends_on=("pax8.invoice_items", "pax8.usage_summaries"),
    ),
    Check(
        "usage_hidden",
        "staging.invoice_items",
        "What the newest invoice charges in arrears is what the usage summaries of that month show.",
        find_hidden,
        depends_on=("staging.invoices", "staging.usage_summaries"),
    ),
)
