-- Usage that no company is known for: one row for each group and month, which is one finding. Charged months come from
-- reconciled.usage, the month that is not charged yet from its summaries (`so_far`), with the shapes of
-- billing/unassigned_summaries.sql.
-- `money` is what the client would be charged by policy; where Pax8 states no price, the cost.
-- Parameters: today, first_month, internal, confirmed, price, markup_pct, products (JSON: terms by Pax8 product).
WITH invoice_reads AS (
  SELECT lower(scope) AS invoice_id, min(loaded_at) AS read_at FROM meta.snapshots
  WHERE table_name = 'pax8.invoice_items' AND complete GROUP BY 1
), summary_reads AS (
  SELECT object_id AS summary_id, min(loaded_at) AS read_at FROM pax8.usage_summaries GROUP BY 1
), charged AS (
  SELECT u.month, u.subscription_id, lower(trim(u.resource_group)) AS grp, u.resource_group, u.vendor_name, u.currency,
         u.product_name, u.shape, u.charges, u.cost, u.amount, false AS so_far,
         least(r.read_at, s.read_at) AS read_at
  FROM reconciled.usage u LEFT JOIN invoice_reads r USING (invoice_id) LEFT JOIN summary_reads s USING (summary_id)
  WHERE u.bucket = 'unassigned' AND u.counts
), with_shape AS (
  SELECT u.*, r.read_at, json_extract($products::JSON, '$."' || s.product_id || '"') AS terms
  FROM ({unassigned_summaries}) u
  LEFT JOIN staging.subscriptions s USING (subscription_id)
  LEFT JOIN summary_reads r USING (summary_id)
  WHERE u.shape IS NOT NULL AND NOT u.is_trial
), running AS (
  SELECT month, subscription_id, lower(trim(resource_group)) AS grp, resource_group, vendor_name, currency,
         NULL AS product_name, shape, charges, cost, true AS so_far, read_at,
         CASE coalesce(terms->>'price', $price) WHEN 'cost'
           THEN cost * (1 + coalesce(try_cast(terms->>'markup_pct' AS DECIMAL(9,4)), $markup_pct::DECIMAL(9,4)) * 0.01)
           ELSE charges END AS amount
  FROM with_shape
), aged AS (
  SELECT *, min(read_at) OVER (PARTITION BY subscription_id, grp) AS first_read
  FROM (FROM charged UNION ALL BY NAME FROM running)
), grouped AS (
  SELECT 'usage ' || month || ' unassigned ' || coalesce(subscription_id, '-') || '/' || coalesce(grp, '-') || ' '
           || coalesce(currency, '?') AS row_id,
         month, so_far, subscription_id, any_value(resource_group) AS resource_group,
         any_value(vendor_name) AS vendor_name, min(shape) AS shape,
         string_agg(DISTINCT product_name, ', ' ORDER BY product_name) AS products, count(*) AS items,
         sum(charges) AS charges, sum(cost) AS cost, sum(CASE WHEN amount <> 0 THEN amount ELSE cost END) AS money,
         currency, min(first_read) AS first_read
  FROM aged GROUP BY month, so_far, subscription_id, grp, currency
)
SELECT *,
       -- The months that a plan is about, as billing/planning/usage/usage_scope.sql has them.
       so_far OR month >= coalesce($first_month, strftime($today::DATE - INTERVAL 3 MONTH, '%Y-%m')) AS in_plan
FROM grouped WHERE NOT so_far OR money <> 0
-- A month that is charged and still listed: the charge counts.
QUALIFY row_number() OVER (PARTITION BY row_id ORDER BY so_far) = 1
