"""A list of a vendor could not be read completely: nothing may be planned from it."""

from __future__ import annotations

from functools import partial

from pax8_pipeline.billing.planning.rows import USAGE_READS
from pax8_pipeline.extract.completeness import SHRANK
from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.warehouse.models import RAW_TABLES

# The newest record of each part of a table, from the last run that read the table.
LAST_READS = """
SELECT scope, loaded_at, endpoint, row_count AS got, expected, requests, repeats, complete, problem FROM meta.snapshots
WHERE table_name = '{table}' AND run_id = (
  SELECT run_id FROM meta.snapshots WHERE table_name = '{table}' ORDER BY loaded_at DESC, snapshot_id DESC LIMIT 1)
QUALIFY row_number() OVER (PARTITION BY scope ORDER BY loaded_at DESC, snapshot_id DESC) = 1
"""


def evaluate(context: CheckContext, table: str) -> CheckOutcome:
    """Find parts of a table whose last read was incomplete."""
    query = f"SELECT * FROM ({LAST_READS.format(table=table)}) WHERE NOT complete AND problem NOT LIKE '{SHRANK}%'"
    count, rows, _ = run_query(context, query)
    if not count:
        return CheckOutcome(f"the last read of {table} was whole")
    return CheckOutcome(f"{table} was not read whole: {rows[0]['problem']}", count, rows, query=query, blocks=True)


def _check(table: str) -> Check:
    about = "The list was read whole: each page seen, as many distinct ids as the vendor names. Stops what rests on it."
    # When a list that only usage needs is incomplete, the plan itself holds usage. So such a list does not stop seats.
    usage = table in USAGE_READS
    return Check(
        "incomplete_read",
        table,
        about,
        partial(evaluate, table=table),
        next_step="run again; if it stays so, `pax8-pipeline doctor` shows whether the vendor answers",
        blocking=not usage,
        critical=usage,
    )


# Nothing is planned from draft items and histories: where they were not read, the month says so and why.
_WITHOUT_CHECK = ("halo.client_details", "pax8.draft_items", "pax8.subscription_history")
_TABLES = tuple(f"{schema}.{name}" for schema, names in RAW_TABLES.items() for name in names)

CHECKS = tuple(_check(table) for table in _TABLES if table not in _WITHOUT_CHECK)
