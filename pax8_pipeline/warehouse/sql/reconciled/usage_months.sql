/* One row per usage month: how far it is. A month's Arrears items are on the invoice dated in the month after it
(docs/vendors/pax8.md#invoices, #invoice-items); only invoices that count and were read whole can close it.

key: month
reads: meta.snapshots, staging.invoices, staging.invoice_items, staging.usage_lines, staging.usage_summaries
| month | VARCHAR not null | Usage month, yyyy-mm | staging.invoices.invoice_date, staging.invoice_items.start_period,
  staging.usage_lines.month, staging.usage_summaries.month |
| state | VARCHAR not null | open (running), closing (over, not approved yet), closed (approved), reopened (corrected
  after it) | staging.invoices.is_live, staging.invoices.invoice_date |
| complete | BOOLEAN not null | Every invoice that counts is here with its items: the month may be billed
  | staging.invoices.is_live |
| live_invoices | BIGINT not null | Invoices of the month that count | staging.invoices.is_live |
| credited_invoices | BIGINT not null | Invoices taken back by Pax8 | staging.invoices.status |
| unread_invoices | BIGINT not null | Invoices that count and whose items were not read | staging.invoices.invoice_id |
| late_invoices | BIGINT not null | Invoices of other months with charges for this one
  | staging.invoice_items.start_period |
| invoice_date | DATE | Date of the newest invoice that counts | staging.invoices.invoice_date |
| why | VARCHAR not null | The state in words | staging.invoices.status |
*/
WITH invoices AS (
  SELECT *, strftime(date_trunc('month', invoice_date) - INTERVAL 1 DAY, '%Y-%m') AS month,
         lower(coalesce(status, '')) = 'credited' AS is_credited,
         NOT EXISTS (SELECT 1 FROM meta.snapshots s WHERE s.table_name = 'pax8.invoice_items' AND s.complete
                       AND s.row_count > 0 AND lower(s.scope) = invoice_id) AS is_unread
  FROM staging.invoices
), charges AS (
  SELECT v.invoice_id, v.is_live, v.month AS invoice_month,
         strftime(coalesce(i.start_period, last_day(v.month_before)), '%Y-%m') AS month
  FROM staging.invoice_items i
  JOIN (SELECT *, date_trunc('month', invoice_date) - INTERVAL 1 DAY AS month_before FROM invoices) v USING (invoice_id)
  WHERE i.is_arrears
), late AS (
  SELECT month, count(DISTINCT invoice_id) AS late FROM charges WHERE is_live AND month <> invoice_month GROUP BY month
), known AS (
  SELECT month FROM invoices WHERE month IS NOT NULL UNION SELECT month FROM charges WHERE month IS NOT NULL
         UNION SELECT month FROM staging.usage_lines
  UNION SELECT month FROM staging.usage_summaries UNION SELECT strftime(getvariable('today'), '%Y-%m')
), per_partner AS (
  SELECT month, currency, partner_name, count(*) FILTER (is_live) AS live FROM invoices GROUP BY ALL
), counted AS (
  SELECT month, count(*) FILTER (is_live) AS live, count(*) FILTER (is_credited) AS credited,
         count(*) FILTER (is_live AND is_unread) AS unread, max(invoice_date) FILTER (is_live) AS newest,
         (SELECT max(p.live) FROM per_partner p WHERE p.month = i.month) AS most
  FROM invoices i GROUP BY month
), undated AS (
  -- An invoice that counts and whose month cannot be told may charge any of them.
  SELECT count(*) AS invoices FROM invoices WHERE is_live AND is_unread AND month IS NULL
), with_state AS (
  SELECT k.month, coalesce(c.live, 0) AS live, coalesce(c.credited, 0) AS credited,
         coalesce(c.unread, 0) + (SELECT invoices FROM undated) AS unread,
         coalesce(l.late, 0) AS late, coalesce(c.most, 0) AS most, c.newest,
         CASE WHEN k.month >= strftime(getvariable('today'), '%Y-%m') THEN 'open'
              WHEN coalesce(c.credited, 0) > 0 OR coalesce(c.most, 0) > 1 OR (l.late > 0 AND c.live > 0) THEN 'reopened'
              WHEN coalesce(c.live, 0) = 0 THEN 'closing'
              ELSE 'closed' END AS state
  FROM known k LEFT JOIN counted c USING (month) LEFT JOIN late l USING (month)
)
SELECT month, state, state IN ('closed', 'reopened') AND live > 0 AND unread = 0 AS complete, live AS live_invoices,
       credited AS credited_invoices, unread AS unread_invoices, late AS late_invoices, newest AS invoice_date,
       CASE state
         WHEN 'open' THEN 'the month is running'
         WHEN 'closing' THEN 'over; Pax8''s invoice is not approved yet (about the 5th)'
         WHEN 'closed' THEN 'on an approved invoice'
         ELSE concat_ws(', ', CASE WHEN credited > 0 THEN credited || ' invoice(s) credited' END,
                        CASE WHEN live = 0 THEN 'the replacement is not there yet' END,
                        CASE WHEN most > 1 THEN live || ' invoices count' END,
                        CASE WHEN late > 0 THEN late || ' later invoice(s) with charges for it' END) END
       || CASE WHEN unread > 0 THEN '; items of ' || unread || ' invoice(s) are not here' ELSE '' END AS why
FROM with_state
