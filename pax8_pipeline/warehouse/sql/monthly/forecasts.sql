/* What the newest draft says of two Pax8 invoices, by company and currency: the invoice of the compared month, beside
what came, and the next one. Usage in arrears is in neither figure: drafts do not contain it.

key: month, invoice_month, company_id, currency
reads: staging.draft_items, staging.invoices, staging.companies, staging.clients, reconciled.client_matches,
  monthly.items
| month | VARCHAR not null | Month that is compared, yyyy-mm | |
| invoice_month | VARCHAR not null | Month of the Pax8 invoice: the compared month, or the one after
  | staging.draft_items.invoice_month |
| company_id | VARCHAR not null | Pax8 company; empty for items without one | staging.draft_items.company_id,
  monthly.items.company_id |
| company_name | VARCHAR | Its name | staging.companies.name, staging.draft_items.company_name |
| client_id | BIGINT | Halo client | reconciled.client_matches.client_id |
| client_name | VARCHAR | Its name | staging.clients.name |
| currency | VARCHAR not null | ISO 4217; ? where none is readable | staging.draft_items.currency,
  monthly.items.currency |
| read_on | DATE not null | Day of the draft | staging.draft_items.read_on |
| forecast_items | BIGINT not null | Items of the draft | staging.draft_items.item_no |
| forecast_cost | DECIMAL(28,10) not null | What Pax8 will invoice the partner, by the draft
  | staging.draft_items.cost_total |
| forecast_total | DECIMAL(28,10) not null | Client total, by the draft | staging.draft_items.total |
| invoiced_cost | DECIMAL(28,10) | What Pax8 invoiced the partner, without usage; empty before the invoice came
  | monthly.items.cost, staging.invoices.is_live |
| invoiced_total | DECIMAL(28,10) | Client total of the same items | monthly.items.total, staging.invoices.is_live |
*/
WITH drafts AS (
  SELECT *, bool_or(problem IS NOT NULL) OVER (PARTITION BY invoice_month) AS unreadable,
         max(read_on) OVER (PARTITION BY invoice_month) AS draft_of
  FROM staging.draft_items
  WHERE invoice_month IN (getvariable('month'),
    strftime(strptime(getvariable('month') || '-01', '%Y-%m-%d') + INTERVAL 1 MONTH, '%Y-%m'))
), forecast AS (
  SELECT invoice_month, coalesce(company_id, '') AS company_id, currency, any_value(company_name) AS sent_name,
         count(*) AS items, sum(cost_total) AS cost, sum(total) AS total
  FROM drafts WHERE NOT unreadable GROUP BY ALL
), invoiced AS (
  SELECT month AS invoice_month, coalesce(company_id, '') AS company_id, coalesce(currency, '?') AS currency,
         sum(cost) AS cost, sum(total) AS total
  FROM monthly.items WHERE month = getvariable('month') AND kind <> 'usage' GROUP BY ALL
), both_figures AS (
  -- What was invoiced counts only beside a draft: without one there was no forecast.
  SELECT coalesce(f.invoice_month, i.invoice_month) AS invoice_month,
         coalesce(f.company_id, i.company_id) AS company_id, coalesce(f.currency, i.currency) AS currency, f.sent_name,
         coalesce(f.items, 0) AS items,
         coalesce(f.cost, 0) AS cost, coalesce(f.total, 0) AS total, i.cost AS invoiced_cost, i.total AS invoiced_total
  FROM forecast f FULL JOIN invoiced i USING (invoice_month, company_id, currency)
), approved AS (
  SELECT DISTINCT strftime(invoice_date, '%Y-%m') AS invoice_month FROM staging.invoices WHERE is_live
), readable AS (
  SELECT DISTINCT invoice_month, draft_of FROM drafts WHERE NOT unreadable
)
SELECT getvariable('month')::VARCHAR AS month, b.invoice_month, b.company_id,
       coalesce(c.name, b.sent_name) AS company_name, m.client_id, k.name AS client_name, b.currency,
       r.draft_of AS read_on, b.items AS forecast_items,
       b.cost AS forecast_cost, b.total AS forecast_total,
       CASE WHEN came THEN coalesce(b.invoiced_cost, 0) END AS invoiced_cost,
       CASE WHEN came THEN coalesce(b.invoiced_total, 0) END AS invoiced_total
FROM (SELECT b.*, a.invoice_month IS NOT NULL AND b.invoice_month = getvariable('month') AS came
      FROM both_figures b LEFT JOIN approved a USING (invoice_month)) b
JOIN readable r USING (invoice_month)
LEFT JOIN staging.companies c ON c.company_id = b.company_id
LEFT JOIN reconciled.client_matches m ON m.company_id = b.company_id
LEFT JOIN staging.clients k ON k.client_id = m.client_id
