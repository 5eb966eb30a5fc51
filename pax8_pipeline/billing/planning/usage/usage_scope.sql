/* Each usage month: whether the plan is about it, and whether it can be billed.

key: month
reads: reconciled.usage_months, staging.usage_lines, meta.usage_line_reads
| month | VARCHAR | Usage month | reconciled.usage_months.month |
| state | VARCHAR | open, closing, closed or reopened | reconciled.usage_months.state |
| why | VARCHAR | The state in words | reconciled.usage_months.why |
| month_name | VARCHAR | August 2026 | reconciled.usage_months.month |
| final | BOOLEAN | Everything that it is billed from is here | reconciled.usage_months.complete,
  meta.usage_line_reads.asked_on |
| considered | BOOLEAN | The plan is about it | reconciled.usage_months.month |
| not_begun | BOOLEAN | The policy does not say from which month on usage is billed | |
| recent | BOOLEAN | It is one of the last months | reconciled.usage_months.month |
*/
WITH days AS (
  -- Pax8 charges on the 3rd; vendors are locked out before (docs/vendors/pax8.md#usage-timing).
  SELECT *, (month || '-01')::DATE + INTERVAL 1 MONTH + INTERVAL 3 DAY AS last_totals,
         strftime(getvariable('today')::DATE - INTERVAL 3 MONTH, '%Y-%m') AS recent_from
  FROM reconciled.usage_months
), asked AS (
  SELECT month, summary_id, max(asked_on) AS asked_on FROM meta.usage_line_reads GROUP BY month, summary_id
), early AS (
  -- Every group's last totals were asked for after that day, or what vendors posted late would be missed.
  SELECT DISTINCT l.month FROM staging.usage_lines l
  JOIN days d USING (month)
  LEFT JOIN asked r ON r.month = l.month AND r.summary_id = l.summary_id AND r.asked_on >= d.last_totals
  WHERE r.month IS NULL
)
SELECT month, state, why, strftime((month || '-01')::DATE, '%B %Y') AS month_name,
       CASE WHEN getvariable('usage_source') = 'usage_lines'
            THEN getvariable('today') >= last_totals AND e.month IS NULL ELSE complete END AS final,
       CASE WHEN getvariable('bill_from') IS NOT NULL
              THEN month BETWEEN getvariable('bill_from') AND getvariable('bill_to')
            WHEN getvariable('usage_first_month') IS NOT NULL THEN month >= getvariable('usage_first_month')
            ELSE month >= recent_from END AS considered,
       getvariable('bill_from') IS NULL AND getvariable('usage_first_month') IS NULL AS not_begun,
       month >= recent_from AS recent
FROM days LEFT JOIN early e USING (month)
