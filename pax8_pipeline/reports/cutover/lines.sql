-- Live recurring invoice lines that a person should look at before this product writes, with the reason:
-- several_lines (its licence is billed by other lines too), several_licences (it bills more than one), manual (a typed
-- quantity for what seems to be a Pax8 product, and no subscription is tied to it). The dearest first.
WITH live AS (
  SELECT l.*, r.client_id, k.name AS client_name, k.currency, r.period, i.name AS item_name, i.supplier_part_code
  FROM staging.recurring_invoice_lines l
  JOIN staging.recurring_invoices r USING (recurring_invoice_id)
  LEFT JOIN staging.clients k ON k.client_id = r.client_id
  LEFT JOIN staging.items i ON i.item_id = l.item_id
  WHERE l.is_live
), shared AS (
  SELECT k.licence_id, string_agg(l.line_id::VARCHAR, ', ' ORDER BY l.line_id) AS lines
  FROM staging.line_licences k JOIN live l USING (line_id) GROUP BY k.licence_id HAVING count(*) > 1
), many AS (
  SELECT line_id, string_agg(licence_id::VARCHAR, ', ' ORDER BY licence_id) AS licences
  FROM staging.line_licences GROUP BY line_id HAVING count(*) > 1
), counted AS (
  SELECT k.line_id, greatest(sum(c.count) - sum(k.qty_free), max(k.minimum_qty), 0) AS billed
  FROM staging.line_licences k JOIN staging.licences c USING (licence_id) GROUP BY k.line_id
), known AS (
  -- By id or code it is certain that a line is of a Pax8 product; the same name at the same client is only a hint.
  SELECT l.line_id, min(CASE WHEN m.item_id IS NOT NULL THEN '1 its item is mapped to a Pax8 product'
                             WHEN p.product_id IS NOT NULL THEN '2 its item has the part code of a Pax8 product'
                             WHEN n.product_name IS NOT NULL
                               THEN '3 named like a product the client buys at Pax8 (a hint)' END) AS why
  FROM live l
  LEFT JOIN staging.mapping_items m ON m.item_id = l.item_id
  LEFT JOIN staging.products p ON lower(p.sku) = lower(l.supplier_part_code)
  LEFT JOIN (SELECT DISTINCT client_id, lower(product_name) AS product_name FROM reconciled.subscriptions
             WHERE lifecycle IN ('billing', 'pending_cancel')) n
    ON n.client_id = l.client_id AND n.product_name IN (lower(l.description), lower(l.item_name))
  WHERE l.quantity_source = 'manual'
    AND l.line_id NOT IN (SELECT line_id FROM reconciled.subscriptions WHERE line_id IS NOT NULL)
  GROUP BY l.line_id
), risks AS (
  SELECT 'several_lines' AS risk, k.line_id, 'licence ' || s.licence_id || ' is billed by lines ' || s.lines AS why
  FROM shared s JOIN staging.line_licences k USING (licence_id)
  UNION ALL
  SELECT 'several_licences', line_id, 'bills licences ' || licences FROM many
  UNION ALL
  SELECT 'manual', line_id, substr(why, 3) FROM known WHERE why IS NOT NULL
)
SELECT x.risk, l.line_id, l.recurring_invoice_id, l.client_id, l.client_name, l.currency,
       coalesce(l.description, l.item_name) AS description, x.why,
       coalesce(meta.per_month(coalesce(c.billed, l.qty_order) * l.unit_price, meta.period_months(l.period)),
         0) AS money_per_month
FROM risks x JOIN live l USING (line_id) LEFT JOIN counted c USING (line_id)
ORDER BY x.risk, money_per_month DESC, l.line_id;
