WITH newest AS (
  SELECT snapshot_id, lower(scope) AS invoice_id, row_count FROM meta.snapshots
  WHERE table_name = 'pax8.invoice_items' AND complete
  QUALIFY row_number() OVER (PARTITION BY lower(scope) ORDER BY loaded_at DESC, snapshot_id DESC) = 1
), sent AS (
  SELECT n.invoice_id, n.row_count, upper(trim(json_extract_string(r.payload, '$.currencyCode'))) AS currency,
         nullif(trim(json_extract_string(r.payload, '$.costTotal')), '') AS cost,
         nullif(trim(json_extract_string(r.payload, '$.total')), '') AS total
  FROM newest n JOIN pax8.invoice_items r USING (snapshot_id)
), sent_whole AS (
  SELECT s.invoice_id, CASE WHEN regexp_full_match(s.currency, '[A-Z]{3}') THEN s.currency ELSE '?' END AS currency,
         count(*) AS items,
         sum(coalesce(try_cast(cost AS DECIMAL(28,10)), 0)) AS cost,
         sum(coalesce(try_cast(total AS DECIMAL(28,10)), 0)) AS total,
         count(*) FILTER ((cost IS NOT NULL AND try_cast(cost AS DECIMAL(28,10)) IS NULL)
                       OR (total IS NOT NULL AND try_cast(total AS DECIMAL(28,10)) IS NULL)) AS unreadable
  FROM sent s GROUP BY 1, 2
), short AS (
  -- As many rows as the read counted, or some are gone from raw.
  SELECT n.invoice_id, n.row_count - count(r.snapshot_id) AS gone
  FROM newest n LEFT JOIN pax8.invoice_items r USING (snapshot_id) GROUP BY n.invoice_id, n.row_count
), usage AS (
  SELECT invoice_id, coalesce(currency, '?') AS currency, bucket, verdict, cost, charges AS total
  FROM reconciled.usage WHERE origin = 'invoice'
), others AS (
  SELECT i.invoice_id, coalesce(i.currency, '?') AS currency, v.invoice_id IS NULL AND i.is_arrears AS unlisted,
         i.cost_total AS cost, i.total
  FROM staging.invoice_items i
  LEFT JOIN staging.invoices v ON v.invoice_id = i.invoice_id
  WHERE (NOT i.is_arrears OR v.invoice_id IS NULL)
    AND NOT EXISTS (SELECT 1 FROM reconciled.usage u WHERE u.charge_id = i.invoice_id || '/' || i.item_no)
), parts AS (
  SELECT invoice_id, currency, bucket AS part, verdict AS why, cost, total FROM usage
  UNION ALL
  SELECT invoice_id, currency, CASE WHEN unlisted THEN 'skipped' ELSE 'not usage' END,
         CASE WHEN unlisted THEN 'not_listed' END, cost, total
  FROM others
), summed AS (
  SELECT invoice_id, currency, part, why, count(*) AS items, sum(cost) AS cost, sum(total) AS total
  FROM parts GROUP BY ALL
), by_part AS (
  SELECT invoice_id, currency, sum(items) AS items, sum(cost) AS cost, sum(total) AS total,
         sum(cost) FILTER (part = 'billable') AS billable, sum(cost) FILTER (part = 'unassigned') AS unassigned,
         sum(cost) FILTER (part NOT IN ('billable', 'unassigned', 'not usage')) AS skipped,
         sum(cost) FILTER (part = 'not usage') AS not_usage,
         string_agg(why || ' ' || meta.plain(cost), ', ' ORDER BY why)
           FILTER (part NOT IN ('billable', 'unassigned', 'not usage')) AS skipped_by_reason
  FROM summed GROUP BY ALL
), compared AS (
  SELECT coalesce(s.invoice_id, t.invoice_id) AS invoice_id, coalesce(s.currency, t.currency) AS currency,
         coalesce(s.items, 0) AS items,
         coalesce(s.cost, 0) AS read, coalesce(t.billable, 0) AS billable, coalesce(t.unassigned, 0) AS unassigned,
         coalesce(t.skipped, 0) AS skipped, coalesce(t.skipped_by_reason, '') AS skipped_by_reason,
         coalesce(t.not_usage, 0) AS not_usage,
         coalesce(s.cost, 0) - coalesce(t.cost, 0) AS difference,
         coalesce(s.total, 0) - coalesce(t.total, 0) AS client_difference,
         coalesce(s.items, 0) - coalesce(t.items, 0) AS items_difference, coalesce(s.unreadable, 0) AS unreadable
  FROM sent_whole s FULL JOIN by_part t ON t.invoice_id = s.invoice_id AND t.currency = s.currency
)
SELECT v.invoice_date, c.*, coalesce(g.gone, 0) AS gone, v.status,
       difference <> 0 OR client_difference <> 0 OR items_difference <> 0 OR unreadable > 0
         OR coalesce(g.gone, 0) <> 0 AS wrong
FROM compared c
LEFT JOIN staging.invoices v USING (invoice_id)
LEFT JOIN short g USING (invoice_id)
ORDER BY wrong DESC, v.invoice_date DESC NULLS LAST, c.invoice_id, c.currency
