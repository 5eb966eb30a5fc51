/* Whether enough was read to compare a month: one row. A reason means that nothing of that side can be relied on.

reads: meta.snapshots, staging.invoices
| invoice_date | DATE | Date of the first Pax8 invoice of the month that counts | staging.invoices.invoice_date |
| invoices | BIGINT | Pax8 invoices of the month that count | staging.invoices.invoice_id |
| pax8_unread | VARCHAR | Why Pax8's side is not known | meta.snapshots.complete, staging.invoices.is_live |
| halo_unread | VARCHAR | Why Halo's side is not known | meta.snapshots.complete |
| bills_unread | VARCHAR | Why the invoices of Halo are not known | meta.snapshots.covers_from,
  meta.snapshots.covers_to, meta.snapshots.whole_from |
*/
WITH newest_reads AS (
  SELECT table_name, complete FROM meta.snapshots
  WHERE scope = '' QUALIFY row_number() OVER (PARTITION BY table_name ORDER BY loaded_at DESC, snapshot_id DESC) = 1
), newest_whole_reads AS (
  SELECT * FROM meta.snapshots WHERE complete AND scope = ''
  QUALIFY row_number() OVER (PARTITION BY table_name ORDER BY loaded_at DESC, snapshot_id DESC) = 1
), month AS (
  SELECT (getvariable('month') || '-01')::DATE AS first_day, last_day((getvariable('month') || '-01')::DATE) AS last_day
), bills AS (
  -- Only the newest read counts: the invoices of an older one are not in staging any more. What is dated after today
  -- may
  -- still be made, so today is as far as it must reach. Before whole_from it has usage invoices alone.
  SELECT s.snapshot_id IS NOT NULL AND (s.covers_from IS NULL OR (coalesce(s.whole_from, s.covers_from) <= m.first_day
           AND s.covers_to >= least(m.last_day, getvariable('today')))) AS covered
  FROM month m LEFT JOIN newest_whole_reads s ON s.table_name = 'halo.invoices'
), invoices AS (
  SELECT v.*, EXISTS (SELECT 1 FROM meta.snapshots s WHERE s.table_name = 'pax8.invoice_items' AND s.complete
                        AND s.row_count > 0 AND lower(s.scope) = v.invoice_id) AS has_items
  FROM staging.invoices v WHERE strftime(v.invoice_date, '%Y-%m') = getvariable('month')
), counted AS (
  SELECT min(invoice_date) FILTER (is_live) AS invoice_date, count(*) FILTER (is_live) AS invoices,
         count(*) FILTER (is_live AND NOT has_items) AS unread, count(*) FILTER (NOT is_live) AS taken_back
  FROM invoices
)
SELECT c.invoice_date, c.invoices,
       CASE WHEN (SELECT coalesce(bool_and(complete) FILTER (table_name = 'pax8.subscriptions'), false)
                  FROM newest_reads) = false THEN 'pax8_list_unread'
            WHEN (SELECT coalesce(bool_and(complete) FILTER (table_name = 'pax8.invoices'), false)
                  FROM newest_reads) = false THEN 'pax8_invoices_unread'
            WHEN c.invoices = 0 AND c.taken_back > 0 THEN 'invoice_not_replaced'
            WHEN c.invoices = 0 THEN 'no_pax8_invoice'
            WHEN c.unread > 0 THEN 'items_unread' END AS pax8_unread,
       CASE WHEN (SELECT count(*) FILTER (complete) FROM newest_reads
                  WHERE table_name IN ('halo.clients', 'halo.licences', 'halo.recurring_invoices')) < 3
            THEN 'halo_lists_unread' END AS halo_unread,
       CASE WHEN (SELECT coalesce(bool_and(complete) FILTER (table_name = 'halo.invoices'), false)
                  FROM newest_reads) = false THEN 'halo_invoices_unread'
            WHEN NOT coalesce(b.covered, false) THEN 'halo_invoices_not_covered' END AS bills_unread
FROM counted c, bills b
