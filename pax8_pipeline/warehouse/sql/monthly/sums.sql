/* What Pax8 invoiced for a month, by client and currency, computed twice: from the items as they were sent, and from
the rows
that explain them. The two must be equal to the cent.

key: month, client_id, currency
reads: newest.pax8_invoice_items, newest.pax8_invoices, reconciled.client_matches, monthly.items, monthly.rows
| month | VARCHAR not null | Month of the invoice date, yyyy-mm | |
| client_id | BIGINT not null | Halo client of the company on the items; 0 for items without one
  | reconciled.client_matches.client_id |
| currency | VARCHAR not null | ISO 4217; ? where none is readable | monthly.items.currency |
| items | BIGINT not null | Items of the invoices as sent | pax8.invoice_items.payload |
| invoiced_cost | DECIMAL(28,10) not null | What Pax8 invoices the partner, as sent
  | pax8.invoice_items.payload |
| invoiced_total | DECIMAL(28,10) not null | Client total, as sent | pax8.invoice_items.payload |
| explained_cost | DECIMAL(28,10) not null | Cost of explained items | monthly.items.cost |
| explained_total | DECIMAL(28,10) not null | Client total of explained items | monthly.items.total |
| unexplained_cost | DECIMAL(28,10) not null | Cost of items that nobody can place | monthly.items.cost |
| unexplained_total | DECIMAL(28,10) not null | Client total of these | monthly.items.total |
| ties | BOOLEAN not null | Every item and amount was read, and invoiced = explained + unexplained
  | pax8.invoice_items.payload |
*/
WITH live_invoices AS (
  SELECT meta.idtext(json_extract_string(payload, '$.id')) AS invoice_id FROM newest.pax8_invoices
  WHERE left(json_extract_string(payload, '$.invoiceDate'), 7) = getvariable('month')
    AND lower(trim(coalesce(json_extract_string(payload, '$.status'), ''))) NOT IN ('void', 'credited')
), sent AS (
  SELECT meta.idtext(json_extract_string(payload, '$.companyId')) AS company_id,
         meta.currency(json_extract_string(payload, '$.currencyCode')) AS currency,
         try_cast(json_extract_string(payload, '$.costTotal') AS DECIMAL(28,10)) AS cost,
         try_cast(json_extract_string(payload, '$.total') AS DECIMAL(28,10)) AS total
  FROM newest.pax8_invoice_items
  WHERE meta.idtext(regexp_extract(endpoint, 'invoices/([^/?]+)', 1)) IN (SELECT invoice_id FROM live_invoices)
), as_sent AS (
  SELECT coalesce(m.client_id, 0) AS client_id, coalesce(s.currency, '?') AS currency, count(*) AS items,
         count(*) FILTER (s.cost IS NULL OR s.total IS NULL) AS unreadable, sum(s.cost) AS cost, sum(s.total) AS total
  FROM sent s LEFT JOIN reconciled.client_matches m ON m.company_id = s.company_id GROUP BY 1, 2
), placed AS (
  -- Only what a row stands for is explained.
  SELECT coalesce(i.client_id, 0) AS client_id, coalesce(i.currency, '?') AS currency, count(*) AS items,
         sum(i.cost) FILTER (i.unexplained IS NULL) AS explained_cost,
         sum(i.total) FILTER (i.unexplained IS NULL) AS explained_total,
         sum(i.cost) FILTER (i.unexplained IS NOT NULL) AS unexplained_cost,
         sum(i.total) FILTER (i.unexplained IS NOT NULL) AS unexplained_total
  FROM monthly.items i SEMI JOIN monthly.rows r ON r.month = i.month AND r.row_id = i.row_id
  WHERE i.month = getvariable('month') GROUP BY 1, 2
)
SELECT getvariable('month')::VARCHAR AS month, client_id, currency, coalesce(s.items, 0) AS items,
       coalesce(s.cost, 0) AS invoiced_cost, coalesce(s.total, 0) AS invoiced_total,
       coalesce(p.explained_cost, 0) AS explained_cost, coalesce(p.explained_total, 0) AS explained_total,
       coalesce(p.unexplained_cost, 0) AS unexplained_cost, coalesce(p.unexplained_total, 0) AS unexplained_total,
       coalesce(s.items, 0) = coalesce(p.items, 0) AND coalesce(s.unreadable, 0) = 0
         AND coalesce(s.cost, 0) = coalesce(p.explained_cost, 0) + coalesce(p.unexplained_cost, 0)
         AND coalesce(s.total, 0) = coalesce(p.explained_total, 0) + coalesce(p.unexplained_total, 0) AS ties
FROM as_sent s FULL JOIN placed p USING (client_id, currency)
