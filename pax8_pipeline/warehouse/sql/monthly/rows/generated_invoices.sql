/* Each Halo invoice that was made from a recurring invoice, with the month in which the period that it bills begins.

key: recurring_invoice_id, invoice_id
reads: staging.halo_invoice_lines
| recurring_invoice_id | BIGINT | Recurring invoice | staging.halo_invoice_lines.recurring_invoice_id |
| invoice_id | BIGINT | Halo invoice | staging.halo_invoice_lines.invoice_id |
| invoice_number | VARCHAR | Its number | staging.halo_invoice_lines.invoice_number |
| client_id | BIGINT | Client billed | staging.halo_invoice_lines.client_id |
| invoice_date | DATE | Its date | staging.halo_invoice_lines.invoice_date |
| posted | BOOLEAN | Sent to accounts | staging.halo_invoice_lines.posted |
| voided | BOOLEAN | Cancelled by a person | staging.halo_invoice_lines.voided |
| first_month | DATE | First day of that month | staging.halo_invoice_lines.period_start |
| in_advance | BOOLEAN | It is dated before its period is over | staging.halo_invoice_lines.invoice_date |
*/
SELECT recurring_invoice_id, invoice_id, any_value(invoice_number) AS invoice_number, any_value(client_id) AS client_id,
       any_value(invoice_date) AS invoice_date, bool_or(posted) AS posted, bool_or(voided) AS voided,
       date_trunc('month', coalesce(any_value(period_start), any_value(invoice_date)))::DATE AS first_month,
       date_trunc('month', any_value(invoice_date))
         <= date_trunc('month', coalesce(any_value(period_start), any_value(invoice_date))) AS in_advance
FROM staging.halo_invoice_lines WHERE recurring_invoice_id IS NOT NULL AND invoice_date IS NOT NULL
GROUP BY recurring_invoice_id, invoice_id
