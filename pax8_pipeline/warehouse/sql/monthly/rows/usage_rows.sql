/* The usage on the month's invoices, for each company, usage month and currency, beside Halo's usage invoices: those
whose
texts show the usage key. What a client owes is what the policy makes of Pax8's charges (reconciled.usage).

key: row_id
reads: monthly.items, reconciled.usage, staging.halo_invoices, staging.companies, what_was_read
| row_id | VARCHAR | Name of the row | monthly.items.row_id |
| kind | VARCHAR | usage | |
| class | VARCHAR | Its class | reconciled.usage.verdict, staging.halo_invoices.lines_net |
| reason_code | VARCHAR | Name of the reason | reconciled.usage.verdict |
| subscription_id | VARCHAR | Pax8 subscription where there is only one | monthly.items.subscription_id |
| company_id | VARCHAR | Pax8 company | monthly.items.charged_company_id |
| company_name | VARCHAR | Its name | reconciled.usage.company_name, staging.companies.name |
| client_id | BIGINT | Halo client | reconciled.usage.client_id |
| client_name | VARCHAR | Its name | reconciled.usage.client_name |
| product_name | VARCHAR | Product where there is only one | monthly.items.product_name |
| pax8_invoiced | DECIMAL(28,10) | Money that the client owes | reconciled.usage.amount |
| halo_billed | DECIMAL(28,10) | Money on Halo's usage invoices | staging.halo_invoices.lines_net |
| difference | DECIMAL(28,10) | Money billed too much, below 0 too little | staging.halo_invoices.lines_net |
| halo_money | DECIMAL(28,10) | What Halo bills | staging.halo_invoices.lines_net |
| margin | DECIMAL(28,10) | That less what Pax8 charges | reconciled.usage.cost |
| currency | VARCHAR | ISO 4217 | monthly.items.currency |
| reached_bill | VARCHAR | As of seats | staging.halo_invoices.posted |
| halo_invoices | VARCHAR[] | Halo's usage invoices | staging.halo_invoices.invoice_id |
| halo_invoice_date | DATE | Date of the first | staging.halo_invoices.invoice_date |
| facts | STRUCT(a VARCHAR, b VARCHAR, c VARCHAR) | What the sentence of the reason names | monthly.items.period |
*/
WITH rows_of_month AS (
  SELECT row_id, charged_company_id, currency, period, CASE WHEN count(DISTINCT subscription_id) = 1
         THEN any_value(subscription_id) END AS subscription_id,
         CASE WHEN count(DISTINCT product_name) = 1 THEN any_value(product_name) END AS product_name
  FROM monthly.items WHERE month = getvariable('month') AND kind = 'usage' AND unexplained IS NULL
  GROUP BY row_id, charged_company_id, currency, period
), owed AS (
  -- All charges of the company and usage month, also those of its other invoices: Halo bills them together.
  SELECT company_id, month, currency, any_value(company_name) AS company_name, any_value(client_id) AS client_id,
         any_value(client_name) AS client_name, sum(amount) FILTER (verdict = 'bill') AS amount,
         sum(charges) FILTER (verdict NOT IN ('trial', 'zero', 'billed_by_pax8')) AS charges,
         sum(cost) FILTER (verdict NOT IN ('trial', 'zero')) AS cost, count(*) AS number,
         min(verdict) FILTER (verdict NOT IN ('bill', 'trial', 'zero', 'billed_by_pax8')) AS held,
         count(*) FILTER (verdict = 'bill') AS billable
  FROM reconciled.usage WHERE counts GROUP BY company_id, month, currency
), keys AS (
  SELECT h.*, unnest(h.usage_keys) AS key FROM staging.halo_invoices h WHERE NOT coalesce(h.voided, false)
), made AS (
  SELECT meta.usage_key_month(key) AS month, meta.usage_key_company(key) AS company_id, sum(lines_net) AS net,
         list_sort(list(DISTINCT invoice_id::VARCHAR)) AS invoices, min(invoice_date) AS invoice_date,
         bool_or(posted) AS posted, count(*) FILTER (lines_net IS NULL) AS unreadable
  FROM keys GROUP BY ALL
), compared AS (
  SELECT r.*, coalesce(o.company_name, c.name) AS company_name, o.client_id, o.client_name, o.cost, o.held, o.billable,
         coalesce(o.amount, 0) AS amount, o.number, o.charges, m.net, m.invoices, m.invoice_date, m.posted,
         coalesce(w.pax8_unread, w.halo_unread, w.bills_unread, CASE WHEN m.unreadable > 0 THEN 'line_unreadable' END)
           AS barrier, coalesce(m.net, 0) - coalesce(o.amount, 0) AS difference,
         r.period < getvariable('usage_first_month') OR getvariable('usage_first_month') IS NULL AS by_hand
  FROM rows_of_month r CROSS JOIN what_was_read w
  LEFT JOIN owed o ON o.company_id = r.charged_company_id AND o.month = r.period AND o.currency = r.currency
  LEFT JOIN made m ON m.company_id = r.charged_company_id AND m.month = r.period
  LEFT JOIN staging.companies c ON c.company_id = r.charged_company_id
), classed AS (
  SELECT *, CASE WHEN barrier IS NOT NULL THEN {'class': 'not_checked', 'reason': barrier}
                 WHEN held IS NOT NULL AND net IS NULL THEN {'class': 'unbilled', 'reason': 'usage_held'}
                 WHEN coalesce(billable, 0) = 0 AND net IS NULL THEN {'class': 'equal', 'reason': 'usage_not_billed'}
                 WHEN net IS NULL AND by_hand THEN {'class': 'not_checked', 'reason': 'usage_by_hand'}
                 WHEN net IS NULL THEN {'class': 'unbilled', 'reason': 'usage_no_invoice'}
                 -- Each line of a usage invoice is rounded to cents.
                 WHEN abs(difference) <= 0.005 * number THEN {'class': 'equal', 'reason': 'usage_agrees'}
                 ELSE {'class': CASE WHEN difference > 0 THEN 'over_billed' ELSE 'under_billed' END,
                       'reason': 'usage_differs'} END AS found
  FROM compared
)
SELECT row_id, 'usage' AS kind, found.class AS class, found.reason AS reason_code, subscription_id,
       charged_company_id AS company_id, company_name, client_id, client_name, product_name,
       CASE WHEN held IS NOT NULL THEN charges ELSE amount END::DECIMAL(28,10) AS pax8_invoiced,
       coalesce(net, 0)::DECIMAL(28,10) AS halo_billed,
       CASE found.class WHEN 'not_checked' THEN NULL WHEN 'equal' THEN 0
                        ELSE coalesce(net, 0) - CASE WHEN held IS NOT NULL THEN charges ELSE amount END
       END::DECIMAL(28,10) AS difference, coalesce(net, 0)::DECIMAL(28,10) AS halo_money,
       CASE WHEN found.class <> 'not_checked' THEN coalesce(net, 0) - coalesce(cost, 0) END::DECIMAL(28,10) AS margin,
       currency, CASE WHEN found.class = 'not_checked' THEN 'not_checked' WHEN posted THEN 'posted'
                      WHEN net IS NOT NULL THEN 'draft' ELSE 'no_invoice_yet' END AS reached_bill,
       invoices AS halo_invoices, invoice_date AS halo_invoice_date,
       {'a': period, 'b': held, 'c': NULL::VARCHAR} AS facts
FROM classed
