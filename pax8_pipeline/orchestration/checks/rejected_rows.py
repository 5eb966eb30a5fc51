"""Too many rows cannot be read. A few such rows are held one by one; many mean that a vendor changed its answers.

This checks the limit of rejected rows of a run's lists, and core lists with too few usable rows. The rows themselves
are shown by `rejects`; lists that are too short are found by `snapshot_shrank`.
"""

from __future__ import annotations

from pax8_pipeline.extract.usable_rows import CORE
from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.text.plurals import plural

# Lists that are read completely in every run. For data of many months (invoice items, usage lines) there is
# `usage_adds_up`.
_LISTS = (
    *CORE, "staging.products", "staging.recurring_invoice_lines", "staging.line_licences", "staging.items",
    "staging.invoices", "staging.halo_invoices",
)  # fmt: skip
# A line that cannot be read counts once, however many of its links cannot be read either.
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
    limit = context.settings.policy.reads.max_rejected_rows
    if count > limit:
        sentence = (
            f"{plural(count, 'row')} of this run's lists cannot be read, policy reads.max_rejected_rows is {limit}; the first: "
            f"{rows[0]['list']} {rows[0]['object_id']}: {rows[0]['reason']}. Nothing is written; see whether a vendor "
            "changed its answers"
        )
        return CheckOutcome(sentence, count, rows, query=_REJECTED, blocks=True)
    return CheckOutcome(
        f"{plural(count, 'row')} of this run's lists cannot be read, {limit} may be; each is held by itself"
    )


CHECKS = (
    Check(
        "rejected_rows",
        "billing.plan",
        "Most of what came can be read: not more rejected rows than policy reads.max_rejected_rows, and no core list "
        "of which none, or much less than in the last good run, can be used. Stops the writes.",
        evaluate,
        next_step="correct the record at the vendor, or see whether the vendor changed its answers",
        blocking=True,
    ),
)
