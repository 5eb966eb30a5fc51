/* The rows of what Halo bills for subscriptions that Pax8 neither lists nor invoices.

key: row_id
reads: reconciled.discrepancies, month_subscriptions, generated_invoices, what_was_read
| row_id | VARCHAR | Name of the row | reconciled.discrepancies.subject |
| kind | VARCHAR | seats | |
| class | VARCHAR | orphaned, or not_checked | what_was_read.pax8_unread |
| reason_code | VARCHAR | Name of the reason | what_was_read.pax8_unread |
| subscription_id | VARCHAR | Subscription that Halo or the mapping file names
  | reconciled.discrepancies.subscription_id |
| company_id | VARCHAR | Pax8 company | reconciled.discrepancies.company_id |
| company_name | VARCHAR | Its name | reconciled.discrepancies.company_name |
| client_id | BIGINT | Halo client | reconciled.discrepancies.client_id |
| client_name | VARCHAR | Its name | reconciled.discrepancies.client_name |
| product_name | VARCHAR | Product | reconciled.discrepancies.product_name |
| halo_billed | DECIMAL(28,10) | Units that Halo bills | reconciled.discrepancies.halo_bills |
| difference | DECIMAL(28,10) | Money billed too much, a month | reconciled.discrepancies.stake |
| halo_money | DECIMAL(28,10) | The same | reconciled.discrepancies.stake |
| margin | DECIMAL(28,10) | The same: Pax8 charges nothing | reconciled.discrepancies.stake |
| currency | VARCHAR | ISO 4217 | reconciled.discrepancies.currency |
| reached_bill | VARCHAR | As of seats | generated_invoices.posted |
| halo_invoices | VARCHAR[] | Halo's invoices | generated_invoices.invoice_number |
| halo_invoice_date | DATE | Date of the first | generated_invoices.invoice_date |
| line_ids | BIGINT[] | Halo's line | reconciled.discrepancies.line_id |
| facts | STRUCT(a VARCHAR, b VARCHAR, c VARCHAR) | What the sentence of the reason names
  | reconciled.discrepancies.subject |
*/
WITH made AS (
  SELECT recurring_invoice_id, list_sort(list(DISTINCT invoice_number)) AS invoices, bool_or(posted) AS posted,
         min(invoice_date) AS invoice_date
  FROM generated_invoices
  WHERE NOT voided AND first_month = (getvariable('month') || '-01')::DATE GROUP BY recurring_invoice_id
), found AS (
  SELECT d.*, coalesce(w.pax8_unread, w.halo_unread) AS barrier, m.invoices, m.posted, m.invoice_date
  FROM reconciled.discrepancies d CROSS JOIN what_was_read w LEFT JOIN made m USING (recurring_invoice_id)
  WHERE d.kind IN ('orphaned_licence', 'orphaned_line')
    AND d.subscription_id NOT IN (SELECT subscription_id FROM month_subscriptions)
)
SELECT 'halo:' || subject AS row_id, 'seats' AS kind, CASE WHEN barrier IS NULL THEN 'orphaned' ELSE 'not_checked' END
         AS class, coalesce(barrier, 'no_source') AS reason_code, subscription_id, company_id, company_name, client_id,
       client_name, product_name, halo_bills AS halo_billed, CASE WHEN barrier IS NULL THEN -stake END AS difference,
       coalesce(-stake, 0)::DECIMAL(28,10) AS halo_money, CASE WHEN barrier IS NULL THEN -stake END AS margin, currency,
       CASE WHEN barrier IS NOT NULL THEN 'not_checked' WHEN posted THEN 'posted' WHEN len(invoices) > 0 THEN 'draft'
            ELSE 'no_invoice_yet' END AS reached_bill, invoices AS halo_invoices, invoice_date AS halo_invoice_date,
       [line_id] AS line_ids, {'a': subject, 'b': NULL::VARCHAR, 'c': NULL::VARCHAR} AS facts
FROM found
