/* One row for each month that was compared: when, on which day, and whether enough was read.

key: month
reads: monthly.sums, monthly.rows, staging.invoices
| month | VARCHAR not null | Month of the invoice date, yyyy-mm | |
| today | DATE not null | Day on which it was compared | |
| invoices | BIGINT not null | Pax8 invoices of the month that count | staging.invoices.invoice_id |
| taken_back | BIGINT not null | Pax8 invoices that were credited or are void | staging.invoices.is_live |
| ties | BOOLEAN not null | The sums of every client and currency agree; false without an invoice | monthly.sums.ties
  |
| rows_compared | BIGINT not null | Rows in which something was compared | monthly.rows.class |
| rows_not_checked | BIGINT not null | Rows that could not be | monthly.rows.class |
| rows_open | BIGINT not null | Rows that do not agree and wait for a person | monthly.rows.class |
*/
WITH counted AS (
  SELECT count(*) FILTER (class <> 'not_checked') AS rows_compared,
         count(*) FILTER (class = 'not_checked') AS rows_not_checked,
         count(*) FILTER (class NOT IN ('equal', 'timing', 'not_checked')) AS rows_open
  FROM monthly.rows WHERE month = getvariable('month')
), invoices AS (
  SELECT count(*) FILTER (is_live) AS invoices, count(*) FILTER (NOT is_live) AS taken_back
  FROM staging.invoices WHERE strftime(invoice_date, '%Y-%m') = getvariable('month')
)
SELECT getvariable('month')::VARCHAR AS month, getvariable('today')::DATE AS today, i.invoices, i.taken_back,
       coalesce((SELECT bool_and(ties) FROM monthly.sums WHERE month = getvariable('month')), false) AS ties, c.*
FROM invoices i CROSS JOIN counted c
