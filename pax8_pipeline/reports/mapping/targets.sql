-- Licences and live lines that may stand for a subscription and are tied to none: an active licence with the one live
-- line that follows it, and each manual line. `ids`: every UUID in Halo's record of the licence.
WITH product_of_item AS (
  SELECT i.item_id, list(DISTINCT p.product_id) AS product_ids
  FROM staging.items i
  JOIN staging.products p ON lower(p.sku) = lower(i.supplier_part_code) GROUP BY i.item_id
  UNION ALL
  SELECT item_id, list(product_id) FROM staging.mapping_items GROUP BY item_id
), products AS (
  SELECT item_id, flatten(list(product_ids)) AS product_ids FROM product_of_item GROUP BY item_id
), tied AS (
  SELECT licence_id, line_id FROM reconciled.subscriptions
  UNION ALL
  SELECT licence_id, line_id FROM staging.mapping_subscriptions
), following AS (
  SELECT k.licence_id, any_value(k.line_id) AS line_id FROM staging.line_licences k
  JOIN staging.recurring_invoice_lines l USING (line_id)
  WHERE l.is_live AND k.licence_id IS NOT NULL GROUP BY k.licence_id HAVING count(*) = 1
), sent AS (
  SELECT meta.halo_id(json_extract_string(payload, '$.id')) AS licence_id,
         regexp_extract_all(lower(payload), '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}') AS ids
  FROM newest.halo_licences
), lines AS (
  SELECT l.line_id, l.recurring_invoice_id, r.client_id, l.description, l.item_id, i.name AS item_name, l.qty_order,
         l.quantity_source, meta.per_month(l.unit_price, meta.period_months(r.period)) AS price, p.product_ids
  FROM staging.recurring_invoice_lines l
  JOIN staging.recurring_invoices r USING (recurring_invoice_id)
  LEFT JOIN staging.items i ON i.item_id = l.item_id
  LEFT JOIN products p ON p.item_id = l.item_id
  WHERE l.is_live AND l.line_id IS NOT NULL AND l.problem IS NULL AND r.problem IS NULL
)
SELECT c.client_id, coalesce(c.name, l.description, l.item_name, '') AS name, c.count AS quantity, l.price,
  c.licence_id,
       l.line_id, l.recurring_invoice_id, t.ids, l.product_ids
FROM staging.licences c
LEFT JOIN sent t USING (licence_id)
LEFT JOIN following f USING (licence_id)
LEFT JOIN lines l ON l.line_id = f.line_id
WHERE c.is_active AND NOT c.deleted AND c.problem IS NULL
  AND c.licence_id NOT IN (SELECT licence_id FROM tied WHERE licence_id IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM staging.subscriptions s WHERE s.subscription_id = c.subscription_id)
UNION ALL
SELECT client_id, coalesce(description, item_name, ''), qty_order, price, NULL, line_id, recurring_invoice_id, NULL,
       product_ids
FROM lines
WHERE quantity_source = 'manual' AND line_id NOT IN (SELECT line_id FROM tied WHERE line_id IS NOT NULL)
ORDER BY ALL;
