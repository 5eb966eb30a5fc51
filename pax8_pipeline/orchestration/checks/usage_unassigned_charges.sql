WITH read AS (
  SELECT lower(scope) AS invoice_id, min(loaded_at) AS read_at FROM meta.snapshots
  WHERE table_name = 'pax8.invoice_items' AND complete GROUP BY 1
), summaries AS (
  SELECT object_id AS summary_id, min(loaded_at) AS read_at FROM pax8.usage_summaries GROUP BY 1
), unassigned AS (
  SELECT u.*, lower(trim(u.resource_group)) AS grp, least(r.read_at, s.read_at) AS read_at
  FROM reconciled.usage u LEFT JOIN read r USING (invoice_id) LEFT JOIN summaries s USING (summary_id)
  WHERE u.bucket = 'unassigned' AND u.counts
), aged AS (
  SELECT *, min(read_at) OVER (PARTITION BY subscription_id, grp) AS first_seen FROM unassigned
)
SELECT shape, month, any_value(resource_group) AS resource_group, any_value(vendor_name) AS vendor_name,
       subscription_id,
       string_agg(DISTINCT product_name, ', ' ORDER BY product_name) AS products, count(*) AS items, sum(cost) AS cost,
       sum(charges) AS charges, currency, sum(cost) AS money,
       greatest(0, $today::DATE - min(first_seen)::DATE) AS age_days,
       {click} AS next_step
FROM aged
WHERE month >= $first_month OR coalesce(invoice_date, last_day((month || '-01')::DATE)) >= $since
GROUP BY shape, month, subscription_id, grp, currency
ORDER BY abs(money) DESC, month, subscription_id, resource_group
