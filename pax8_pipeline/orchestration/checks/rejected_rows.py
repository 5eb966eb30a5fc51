"""Too much of what came cannot be read: a few bad rows are held one by one, many of them mean that a vendor changed.

Here belongs: the limit on rejected rows of a run's lists, and core lists with too few usable rows. Not here: which rows
they are (`rejects`), lists that came too short (`snapshot_shrank`).
"""

from __future__ import annotations

from pax8_pipeline.extract.usable_rows import CORE
from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query

# Lists that are read whole in every run. What is kept for months (invoice items, usage lines) has `usage_adds_up`.
_LISTS = (
    *CORE, "staging.products", "staging.recurring_invoice_lines", "staging.line_licences", "staging.items",
    "staging.invoices", "staging.halo_invoices",
)  # fmt: skip
# A line that cannot be read is one row, however many of its links cannot be read either.
_REJECTED = f"""
SELECT min(table_name) AS list, object_id, min(reason) AS reason, payload FROM staging.rejects
WHERE table_name IN ({", ".join(f"'{name}'" for name in _LISTS)})
GROUP BY object_id, payload, table_name IN ('staging.recurring_invoice_lines', 'staging.line_licences') ORDER BY ALL
"""
_UNUSABLE = """
SELECT table_name, row_count, usable, problem FROM (
  SELECT * FROM meta.typed_rows QUALIFY row_number() OVER (PARTITION BY table_name ORDER BY counted_at DESC) = 1
) WHERE problem IS NOT NULL ORDER BY table_name
"""


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find lists that cannot be used, then too many rejected rows."""
    count, rows, _ = run_query(context, _UNUSABLE)
    if count:
        return CheckOutcome(
            f"{rows[0]['problem']}. Nothing is written until it can be read", count, rows, query=_UNUSABLE, blocks=True
        )
    count, rows, _ = run_query(context, _REJECTED)
    most = context.settings.policy.reads.max_rejected_rows
    if count > most:
        sentence = (
            f"{count} rows of this run's lists cannot be read, policy reads.max_rejected_rows is {most}; the first: "
            f"{rows[0]['list']} {rows[0]['object_id']}: {rows[0]['reason']}. Nothing is written; see whether a vendor "
            "changed its answers"
        )
        return CheckOutcome(sentence, count, rows, query=_REJECTED, blocks=True)
    return CheckOutcome(f"{count} rows of this run's lists cannot be read, {most} are allowed; each is held by itself")


CHECKS = (
    Check(
        "rejected_rows",
        "billing.plan",
        "Most of what came can be read: not more rejected rows than policy reads.max_rejected_rows, and no core list "
        "of which none, or much less than in the last good run, can be used. Stops the writes.",
        evaluate,
        blocking=True,
    ),
)
