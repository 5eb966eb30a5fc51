"""Pax8 companies with something to bill and without a certain Halo client. Nothing of them is billed, so the money is
shown.
"""

from __future__ import annotations

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, money_in_words, run_query
from pax8_pipeline.reports.mapping.hints import load_hints
from pax8_pipeline.reports.next_steps import STEPS
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.models import load_sql

_QUERY = load_sql("orchestration/checks/unmatched_companies.sql")


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find companies with something to bill and no client."""
    count, rows, sums = run_query(context, _QUERY, amount="money_a_month")
    if not count:
        return CheckOutcome("every Pax8 company with something to bill is one Halo client")
    hints = load_hints(context.connection, ["client"], context.settings.policy.usage)
    rows = [{**row, "candidates": row["candidates"] or hints.get(("client", row["company_id"]))} for row in rows]
    companies, subscriptions = context.connection.execute(
        "SELECT count(DISTINCT company_id), sum(subscriptions) FROM found"
    ).fetchall()[0]
    sentence = (
        f"{plural(companies, 'Pax8 company is', 'Pax8 companies are')} not matched with certainty to a Halo client "
        f"({plural(subscriptions, 'subscription')}); map each in data/mappings/clients.csv"
    )
    first = next((row for row in rows if row["contradiction"]), None)
    if first:
        sentence += (
            f". Where Pax8 and Halo contradict each other, both sides are held: {first['company_name']}: "
            f"{first['contradiction']}. Correct the one that is wrong; companies that share a client on purpose each need a row"
        )
    # A row is a company, which is mapped once. The count is that of the plan: each of its subscriptions is held.
    return CheckOutcome(sentence, int(subscriptions), rows, money_in_words(sums), _QUERY)


CHECKS = (
    Check(
        "unmatched_companies",
        "reconciled.client_matches",
        "Every Pax8 company with something to bill is one active Halo client, by id.",
        evaluate,
        next_step=STEPS["unmatched_companies"],
        depends_on=("reconciled.subscriptions",),
    ),
)
