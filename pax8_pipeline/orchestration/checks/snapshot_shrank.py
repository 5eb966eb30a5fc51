"""A list that is read completely each day came back much smaller, or empty: an outage looks like many cancellations.

The size is checked when a read is stored (extract.completeness). A refused read is stored as a record only, so it is
not used today, and tomorrow's read is not compared with it.
"""

from __future__ import annotations

from functools import partial

from pax8_pipeline.billing.planning.rows import USAGE_READS
from pax8_pipeline.extract.completeness import ACCEPT, GUARDED, NEVER_EMPTIED, SHRANK
from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.orchestration.checks.incomplete_read import LAST_READS


def evaluate(context: CheckContext, table: str) -> CheckOutcome:
    """Find a last read that was refused for its size."""
    query = f"SELECT * FROM ({LAST_READS.format(table=table)}) WHERE NOT complete AND problem LIKE '{SHRANK}%'"
    count, rows, _ = run_query(context, query)
    if not count:
        return CheckOutcome(f"{table} is about as large as the last accepted read")
    return CheckOutcome(str(rows[0]["problem"]).removeprefix(f"{SHRANK}: "), count, rows, query=query, blocks=True)


def _check(table: str) -> Check:
    about = (
        "The list is not smaller than the last accepted read by more than policy reads.shrink_pct, and none that had "
        f"rows is empty. An operator accepts a smaller list with {ACCEPT}=<today's date>."
    )
    only_usage = table in USAGE_READS  # as in incomplete_read
    return Check(
        "snapshot_shrank",
        table,
        about,
        partial(evaluate, table=table),
        next_step=f"compare the list with the vendor's portal; if it is right, run again with {ACCEPT}=<today's date>",
        blocking=not only_usage,
        critical=only_usage,
    )


CHECKS = tuple(_check(table) for table in (*GUARDED, *NEVER_EMPTIED))
