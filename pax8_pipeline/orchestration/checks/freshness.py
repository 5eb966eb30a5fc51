"""The lists for the reconciliation were read within the last 26 hours (a day, and two hours of tolerance)."""

from __future__ import annotations

from datetime import timedelta

from pax8_pipeline.billing.planning.planner import CORE_READS
from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query

MAX_AGE = timedelta(hours=26)
_QUERY = """
SELECT t.table_name, max(s.loaded_at) FILTER (s.complete) AS last_whole_read
FROM (SELECT unnest($tables) AS table_name) t LEFT JOIN meta.snapshots s ON s.table_name = t.table_name AND s.scope = ''
GROUP BY t.table_name HAVING coalesce(max(s.loaded_at) FILTER (s.complete) < $oldest, true) ORDER BY 1
"""


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find core lists whose newest complete read is too old."""
    values = {"tables": list(CORE_READS), "oldest": context.now - MAX_AGE}
    count, rows, _ = run_query(context, _QUERY, values)
    if not count:
        return CheckOutcome("all core lists were read whole within the last 26 hours")
    names = ", ".join(str(row["table_name"]) for row in rows)
    return CheckOutcome(f"not read whole within the last 26 hours: {names}", count, rows, query=_QUERY)


CHECKS = (
    Check(
        "freshness",
        "reconciled.subscriptions",
        "Companies, subscriptions, clients, licences and recurring invoices were read whole within 26 hours.",
        evaluate,
        next_step="run the daily sync; if it stays so, `pax8-pipeline doctor` shows what is wrong",
    ),
)
