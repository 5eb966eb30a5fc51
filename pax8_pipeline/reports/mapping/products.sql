-- Each Pax8 product that is bought or charged as usage now and has no row in the mapping file, with its money a month.
WITH bought AS (
  SELECT product_id, any_value(product_name) AS product_name, currency,
         sum(coalesce(meta.per_month(quantity * coalesce(price, 0), meta.term_months(billing_term)), 0)) AS money
  FROM reconciled.subscriptions
  WHERE lifecycle IN ('billing', 'pending_cancel') AND product_id IS NOT NULL GROUP BY product_id, currency
), charged AS (
  SELECT product_id, any_value(product_name) AS product_name, currency, sum(charges) AS money
  FROM reconciled.usage
  WHERE counts AND product_id IS NOT NULL AND month = (SELECT max(month) FROM reconciled.usage WHERE counts)
  GROUP BY product_id, currency
), used AS (
  SELECT product_id, any_value(product_name) AS product_name, currency, sum(money) AS money
  FROM (FROM bought UNION ALL FROM charged) GROUP BY product_id, currency
)
SELECT u.product_id, coalesce(p.name, u.product_name, u.product_id) AS product_name, p.sku, u.currency, u.money
FROM used u
LEFT JOIN staging.products p USING (product_id)
LEFT JOIN staging.mapping_items m USING (product_id)
WHERE m.product_id IS NULL
QUALIFY row_number() OVER (PARTITION BY u.product_id ORDER BY u.money DESC, u.currency) = 1
ORDER BY u.product_id;
