/* Each line of a Halo recurring invoice with its invoice, and what the licences that it follows add up to.

key: line_id
extends: staging.recurring_invoice_lines
reads: staging.recurring_invoice_lines, staging.recurring_invoices, staging.line_licences, staging.licences
| invoice_client_id | BIGINT | Client of the recurring invoice | staging.recurring_invoices.client_id |
| invoice_currency | VARCHAR | Its currency | staging.recurring_invoices.currency |
| period | BIGINT | Its period, as Halo numbers them | staging.recurring_invoices.period |
| period_months | DECIMAL(18,6) | Months of that period, empty where not known for certain
  | staging.recurring_invoices.period |
| line_problem | VARCHAR | What of the line or its invoice cannot be read | staging.recurring_invoice_lines.problem,
  staging.recurring_invoices.problem |
| line_licences | BIGINT | Licences that the line follows | staging.line_licences.licence_id |
| count_sum | HUGEINT | Sum of their counts | staging.licences.count |
| qty_free | DECIMAL(38,10) | Units of the line not billed | staging.line_licences.qty_free |
| minimum_qty | DECIMAL(28,10) | Least quantity that the line bills | staging.line_licences.minimum_qty |
| unread | BIGINT | Licences that it follows and that Halo did not list | staging.line_licences.licence_id |
| unreadable_licence | VARCHAR | What of these links or licences cannot be read | staging.line_licences.problem,
  staging.licences.problem |
*/
WITH followed AS (
  SELECT k.line_id, count(*) AS line_licences, sum(c.count) AS count_sum, sum(k.qty_free) AS qty_free,
         max(k.minimum_qty) AS minimum_qty,
         count(*) FILTER (c.licence_id IS NULL AND k.licence_id IS NOT NULL) AS unread,
         coalesce(max(k.problem), max('licence ' || c.licence_id || ': ' || c.problem)) AS unreadable_licence
  FROM staging.line_licences k LEFT JOIN staging.licences c USING (licence_id) GROUP BY k.line_id
)
SELECT l.*, r.client_id AS invoice_client_id, r.currency AS invoice_currency, r.period,
       meta.period_months(r.period)::DECIMAL(18,6) AS period_months,
       CASE WHEN l.problem IS NOT NULL THEN coalesce('line ' || l.line_id, 'a line') || ': ' || l.problem
            WHEN r.recurring_invoice_id IS NULL THEN 'its recurring invoice has no readable id'
            WHEN r.problem IS NOT NULL THEN 'recurring invoice ' || r.recurring_invoice_id || ': ' || r.problem
       END AS line_problem,
       f.line_licences, f.count_sum, f.qty_free, f.minimum_qty, f.unread, f.unreadable_licence
FROM staging.recurring_invoice_lines l
LEFT JOIN staging.recurring_invoices r USING (recurring_invoice_id)
LEFT JOIN followed f ON f.line_id = l.line_id
