"""Usage invoices that Halo does not show as they must be: single ones, or so many that Halo itself is not plausible.

The comparison is in billing/ledger/documents.py; what is planned because of it is in
billing/planning/usage/known_documents.sql.
"""

from __future__ import annotations

from pax8_pipeline.billing.ledger import documents, writer
from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query
from pax8_pipeline.reports.next_steps import STEPS
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.models import load_sql

_DIFFERENT = """
SELECT d.usage_key, d.state, d.client_id, d.net AS wanted, d.shown_net AS shown, p.currency, d.detail, d.first_seen, d.last_seen,
       d.missing_since, CASE WHEN d.state = 'changed' THEN greatest(d.net - coalesce(d.shown_net, 0), 0) ELSE d.net END AS amount
FROM billing.documents d LEFT JOIN billing.plan p ON p.plan_id = d.plan_id AND lower(p.row_id) = d.usage_key
WHERE d.state IN ('missing', 'changed', 'voided') ORDER BY d.state, d.usage_key
"""


def find_distrust(context: CheckContext) -> CheckOutcome:
    """Find signs that Halo was restored from a backup, or hides its invoices."""
    sentence = documents.distrust(context.connection)
    if sentence is None:
        return CheckOutcome("Halo shows its invoices")
    query = load_sql("billing/ledger/documents_missing.sql")
    count, rows, _ = run_query(context, query.rstrip().rstrip(";"))
    return CheckOutcome(sentence, max(count, 1), rows, query=query, blocks=True)


def find_writer(context: CheckContext) -> CheckOutcome:
    """Find usage invoices of another data folder."""
    sentence = writer.conflict(context.connection)
    if sentence is None:
        return CheckOutcome("no usage document was written by another data folder")
    rows = writer.foreign(context.connection)
    return CheckOutcome(sentence, len(rows), rows, blocks=True)


def find_different(context: CheckContext) -> CheckOutcome:
    """Find usage invoices that are missing, changed or voided."""
    count, rows, sums = run_query(context, _DIFFERENT, amount="amount")
    if not count:
        return CheckOutcome("Halo shows every usage invoice under watch as it was made")
    first = rows[0]
    return CheckOutcome(
        f"{plural(count, 'usage invoice is', 'usage invoices are')} not in Halo as made ({first['usage_key']}: {first['state']}, {first['detail']})",
        count, rows, sums, _DIFFERENT,
    )  # fmt: skip


CHECKS = (
    Check(
        "usage_documents",
        "billing.plan",
        "Usage invoices do not vanish several at once, and Halo's list of invoices is not empty where some were seen. "
        "Holds back all usage.",
        find_distrust,
        next_step="see in Halo whether its invoices are gone, or hidden from the API agent",
        critical=True,
    ),
    Check(
        "usage_writer",
        "billing.plan",
        "Usage invoices in Halo were written by this data folder, or carry no identity. Holds back all usage until a person "
        "says who writes (pax8-pipeline writer claim).",
        find_writer,
        next_step="if this data folder is the one that writes: `pax8-pipeline writer claim`",
        critical=True,
    ),
    Check(
        "usage_compared",
        "billing.plan",
        "Every usage invoice under watch (policy usage.watch_days) is in Halo for its client, with its amount and lines, "
        "and not voided.",
        find_different,
        next_step=STEPS["usage_corrections"],
    ),
)
