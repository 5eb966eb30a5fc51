/* How much of the present period of a recurring invoice is left: the part for which Halo adds an entry when a licence's
count changes today (docs/vendors/halo.md#pro-rata). Only for invoices that are made in advance.

key: recurring_invoice_id
reads: staging.recurring_invoices
| recurring_invoice_id | BIGINT | Halo recurring invoice | staging.recurring_invoices.recurring_invoice_id |
| days_left | BIGINT | Days from today until the next invoice | staging.recurring_invoices.next_creation_date |
| days_of_period | BIGINT | Days of the period | staging.recurring_invoices.period_start_date,
  staging.recurring_invoices.period, staging.recurring_invoices.next_creation_date |
*/
WITH periods AS (
  SELECT recurring_invoice_id, next_creation_date,
         coalesce(period_start_date, CASE WHEN period = 1 THEN next_creation_date - 7
           ELSE (next_creation_date - to_months(meta.period_months(period)::INTEGER))::DATE END) AS period_start
  FROM staging.recurring_invoices
  WHERE meta.period_months(period) IS NOT NULL AND coalesce(pro_rata_period, 1) = 1
)
SELECT recurring_invoice_id, next_creation_date - getvariable('today') AS days_left,
       next_creation_date - period_start AS days_of_period
FROM periods
WHERE recurring_invoice_id IS NOT NULL AND getvariable('today') >= period_start
  AND getvariable('today') < next_creation_date
