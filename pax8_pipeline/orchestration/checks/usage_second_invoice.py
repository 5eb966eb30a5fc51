"""A month that was billed already, and Pax8 made another invoice for it or took one back
(docs/vendors/pax8.md#invoices).

Here belongs: telling a person. Not here: what is done about it (an adjustment that waits; billing/planning/usage_rows.sql). It is
told for as long as what Pax8 charges and what was billed differ, and for five weeks after the invoice was first read.
"""

from __future__ import annotations

from datetime import timedelta

from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome, run_query

_TOLD_FOR = timedelta(days=35)
_QUERY = """
WITH billed AS (
  SELECT month, company_id, sum(amount) AS amount, min(recorded_at) AS billed_at,
         list_distinct(flatten(list(list_transform(coalesce(charges, []), lambda c: split_part(c, '/', 1))))) AS invoices
  FROM billing.usage_billed GROUP BY month, company_id
), wanted AS (
  SELECT month, company_id, sum(amount) AS amount, count(*) AS charges FROM reconciled.usage
  WHERE counts AND bucket = 'billable' GROUP BY month, company_id
), months AS (
  SELECT b.month, min(b.billed_at) AS billed_at, sum(b.amount) AS billed, list_distinct(flatten(list(b.invoices))) AS invoices,
         -- Lines are rounded one by one, so the sums of a company may lie half a cent a charge apart.
         bool_or(abs(coalesce(w.amount, 0) - b.amount) > 0.005 * greatest(coalesce(w.charges, 1), 1)) AS differs
  FROM billed b LEFT JOIN wanted w ON w.month = b.month AND w.company_id = b.company_id GROUP BY b.month
), read AS (
  SELECT lower(scope) AS invoice_id, min(loaded_at) AS read_at FROM meta.snapshots
  WHERE table_name = 'pax8.invoice_items' AND complete GROUP BY 1
), charged AS (
  SELECT month, invoice_id, any_value(invoice_date) AS invoice_date, any_value(invoice_status) AS status, any_value(currency) AS currency,
         bool_or(verdict <> 'credited') AS live, sum(charges) AS charges, sum(cost) AS cost
  FROM reconciled.usage WHERE origin = 'invoice' GROUP BY month, invoice_id
)
SELECT c.month, CASE WHEN c.live THEN 'another invoice' ELSE 'taken back' END AS what, c.invoice_id, c.invoice_date, c.status,
       c.charges, c.cost, c.currency, m.billed_at, m.differs
FROM charged c JOIN months m USING (month) LEFT JOIN read r USING (invoice_id)
WHERE c.live <> list_contains(m.invoices, c.invoice_id)
  AND (m.differs OR CASE WHEN c.live THEN r.read_at >= $since ELSE EXISTS (
         SELECT 1 FROM charged x JOIN read y USING (invoice_id) WHERE x.month = c.month AND x.live AND y.read_at >= $since) END)
ORDER BY c.month DESC, c.live, c.invoice_id
"""


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find invoices that change a month which was billed already."""
    count, rows, sums = run_query(context, _QUERY, {"since": context.now - _TOLD_FOR}, amount="charges")
    if not count:
        return CheckOutcome("no month that was billed has another invoice, or one taken back, since")
    months = ", ".join(sorted({str(row["month"]) for row in rows}))
    sentence = (
        f"Pax8 changed what was billed already for {months}: {count} invoices are new or were taken back. What they add "
        "waits in the plan as an adjustment; what they take away is a credit note for a person to make"
    )
    return CheckOutcome(sentence, count, rows, sums, _QUERY)


CHECKS = (
    Check(
        "usage_second_invoice",
        "reconciled.usage",
        "A month that was billed stays as Pax8 charged it then.",
        evaluate,
        depends_on=("reconciled.usage_months", "pax8.invoice_items"),
    ),
)
