SELECT DISTINCT ON (object_id) trim(json_extract_string(payload, '$.id')) AS id,
       strftime(date_trunc('month', day) - INTERVAL 1 DAY, '%Y-%m') AS month
FROM (SELECT *, meta.day(json_extract_string(payload, '$.invoiceDate')) AS day FROM newest.pax8_invoices) i
WHERE day IS NOT NULL AND meta.idtext(json_extract_string(payload, '$.id')) IS NOT NULL
  AND (day >= $since OR list_contains($months, strftime(date_trunc('month', day) - INTERVAL 1 DAY, '%Y-%m')))
  AND NOT EXISTS (SELECT 1 FROM meta.snapshots s WHERE s.table_name = 'pax8.invoice_items' AND s.complete
                    AND s.row_count > 0 AND s.scope = i.object_id)
ORDER BY object_id
