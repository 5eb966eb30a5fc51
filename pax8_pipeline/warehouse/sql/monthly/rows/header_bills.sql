/* What the recurring invoices of these lines made for the month: which invoices, or why there is none.

key: recurring_invoice_id
reads: line_terms, generated_invoices
| recurring_invoice_id | BIGINT | Recurring invoice | line_terms.recurring_invoice_id |
| invoices | VARCHAR[] | Numbers of the invoices that bill the month | generated_invoices.invoice_number |
| invoice_date | DATE | Date of the first of them | generated_invoices.invoice_date |
| posted | BOOLEAN | One of them was sent to accounts | generated_invoices.posted |
| state | VARCHAR | made, voided (all of them), skipped (the next one is for a later month, and it bills in advance)
  or
  not_yet | generated_invoices.voided, line_terms.next_creation_date |
*/
WITH month AS (
  SELECT (getvariable('month') || '-01')::DATE AS first_day, last_day((getvariable('month') || '-01')::DATE) AS last_day
), headers AS (
  SELECT recurring_invoice_id, any_value(next_creation_date) AS next_creation_date,
         any_value(period_months) IS NOT NULL AS period_known,
         greatest(coalesce(any_value(period_months), 1), 1)::INTEGER AS months
  FROM line_terms WHERE recurring_invoice_id IS NOT NULL GROUP BY recurring_invoice_id
), covering AS (
  -- An invoice of a year covers twelve months.
  SELECT h.recurring_invoice_id, g.* EXCLUDE (recurring_invoice_id) FROM headers h, month m
  JOIN generated_invoices g ON g.recurring_invoice_id = h.recurring_invoice_id AND g.first_month <= m.first_day
    AND g.first_month > m.first_day - to_months(h.months)
), made AS (
  SELECT recurring_invoice_id, list_sort(list(DISTINCT invoice_number) FILTER (NOT voided)) AS invoices,
         min(invoice_date) FILTER (NOT voided) AS invoice_date, bool_or(posted) FILTER (NOT voided) AS posted
  FROM covering GROUP BY recurring_invoice_id
), timing AS (
  SELECT recurring_invoice_id, bool_and(in_advance) AS in_advance FROM generated_invoices
  WHERE NOT voided GROUP BY recurring_invoice_id
)
SELECT h.recurring_invoice_id, m.invoices, m.invoice_date, m.posted,
       CASE WHEN m.invoices IS NOT NULL THEN 'made' WHEN m.recurring_invoice_id IS NOT NULL THEN 'voided'
            -- Of an unknown period nobody can say that a month was left out.
            WHEN h.period_known AND h.months = 1 AND h.next_creation_date > n.last_day
                 AND coalesce(t.in_advance, false) THEN 'skipped'
            ELSE 'not_yet' END AS state
FROM headers h CROSS JOIN month n
LEFT JOIN made m USING (recurring_invoice_id)
LEFT JOIN timing t USING (recurring_invoice_id)
