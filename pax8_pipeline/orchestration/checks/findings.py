"""What a plan holds or lets wait because of its verdict, grouped by what a person does about it.

One check for each group, with its sentence and next step. Which verdict belongs to which check is in
billing/verdicts.csv. Companies, subscriptions and currencies that the reconciliation reports have their own files.
"""

from __future__ import annotations

from functools import partial

from pax8_pipeline.billing.findings import acknowledgement_text, amount_text
from pax8_pipeline.orchestration.checks.check import ROWS, Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.orchestration.checks.newest_plan import NO_PLAN, newest_plan
from pax8_pipeline.reports.next_steps import STEPS

# The findings of the newest plan of a daily run. A plan that only undoes another one, or bills some months, has none.
_QUERY = """
SELECT * FROM billing.findings_state WHERE still_open AND check_name = $check
ORDER BY acknowledged, abs(coalesce(money, 0)) DESC, finding_id
"""
_KNOWN = "or, if it is meant to be so, `pax8-pipeline acknowledge ROW --why TEXT`"
# Check -> what is true when it passes, what was found, what to do.
GROUPS = {
    "needs_decision": (
        "No subscription waits for what only a person can decide.",
        "subscriptions need a decision of a person",
        f"Look at each, the largest with `pax8-pipeline explain LARGEST`, put it right in Pax8 or Halo or approve it, {_KNOWN}",
    ),
    "held_by_policy": (
        "No client's changes are only reported because its trust mode is `observe`.",
        "changes are held by policy",
        f"Make them in Halo by hand, raise the client's trust in policy.yaml, {_KNOWN}",
    ),
    "usage_held": (
        "No usage of a month that Pax8 has charged is held back from its client.",
        "charges of usage are held and nobody is billed",
        f"The sentence of each says what is missing (an item, a mapping, usage.first_month, a licence); {_KNOWN}",
    ),
    "usage_corrections": (
        "What was billed for usage is what Pax8 charges, on one invoice that stands, of the right client.",
        "months of usage are billed and not as Pax8 charges them",
        f"Approve the adjustment, or make the credit note or the invoice in Halo by hand, {_KNOWN}",
    ),
    "orphaned_licences": (
        "Whatever Halo bills of Pax8's is a subscription that Pax8 lists and charges for.",
        "lines are billed in Halo and Pax8 does not charge you for them",
        f"End the line or licence in Halo if it is over (absence never ends one here), {_KNOWN}",
    ),
}


def evaluate(context: CheckContext, check: str) -> CheckOutcome:
    """Find what is open in one group. It passes when a person acknowledged all of it."""
    if newest_plan(context) is None:
        return NO_PLAN
    about, found_text, step = GROUPS[check]
    count, rows, _ = run_query(context, _QUERY, {"check": check})
    if not count:
        return CheckOutcome(about)
    open_rows, known, new = context.connection.execute(
        "SELECT count(*) FILTER (NOT acknowledged), count(*) FILTER (acknowledged), "
        "count(*) FILTER (is_new AND NOT acknowledged) FROM found"
    ).fetchall()[0]
    money = context.connection.execute(
        "SELECT currency || CASE WHEN per = 'month' THEN ' a month' ELSE ' once' END || CASE WHEN money > 0 THEN ' not billed' "
        "ELSE ' billed too much' END AS what, sum(abs(money)) FROM found WHERE NOT acknowledged AND round(money, 2) <> 0 GROUP BY 1"
    ).fetchall()
    shown_rows = [
        {
            "client": row["client_name"] or row["company_name"] or "",
            "next_step": STEPS[check].replace("explain`", f"explain '{row['row_id']}'`"),
            "since": f"{row['first_seen']}{', new' if row['is_new'] else ''}",
            "product": row["product_name"] or "",
            "what": row["sentence"],
            "money": amount_text(row),
            "acknowledged": acknowledgement_text(row),
            "finding": row["finding_id"],
            "subscription_id": row["subscription_id"],
        }
        for row in rows[:ROWS]
    ]
    acknowledged_too = f"; {known} more acknowledged" if known and open_rows else ""
    step = step.replace("LARGEST", f"'{rows[0]['row_id']}'")
    sentence = (
        f"{open_rows} {found_text}, {new} of them new{acknowledged_too}. {step}"
        if open_rows
        else f"all {known} acknowledged"
    )
    more = {"acknowledged": int(known), "new": int(new)}
    return CheckOutcome(sentence, int(open_rows), shown_rows, dict(money), _QUERY, more=more)


CHECKS = tuple(
    Check(check, "billing.plan", GROUPS[check][0], partial(evaluate, check=check), next_step=STEPS[check])
    for check in GROUPS
)
