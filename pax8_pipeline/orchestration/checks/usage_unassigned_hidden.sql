WITH arrears AS (
  SELECT i.subscription_id, i.product_name, i.currency, lower(i.details) AS grp, i.cost_total,
         strftime(coalesce(i.start_period, v.invoice_date - INTERVAL 1 MONTH), '%Y-%m') AS month
  FROM staging.invoice_items i JOIN staging.invoices v USING (invoice_id)
  WHERE i.is_arrears AND v.is_live AND i.subscription_id IS NOT NULL
    AND v.invoice_date = (SELECT max(invoice_date) FROM staging.invoices WHERE is_live)
), months AS (
  SELECT month AS usage_month, EXISTS (SELECT 1 FROM meta.snapshots s WHERE s.table_name = 'pax8.usage_summaries'
           AND s.complete AND s.scope = month) AS in_time FROM (SELECT DISTINCT month FROM arrears)
), listed AS (
  SELECT u.subscription_id, u.month, sum(u.cost) FILTER (NOT u.is_trial) AS cost,
         count(DISTINCT lower(u.resource_group)) AS groups, list(DISTINCT lower(u.resource_group)) AS names
  FROM staging.usage_summaries u GROUP BY ALL
), compared AS (
  SELECT a.subscription_id, any_value(a.product_name) AS product_name, a.currency, m.usage_month, m.in_time,
         sum(a.cost_total) AS charged, coalesce(any_value(l.cost), 0) AS listed,
         coalesce(any_value(l.groups), 0) AS groups_listed, count(DISTINCT coalesce(a.grp, '')) AS groups_charged,
         sum(a.cost_total) FILTER (NOT coalesce(list_contains(l.names, a.grp), false)) AS charged_unlisted,
         string_agg(DISTINCT a.grp, ', ') FILTER (NOT coalesce(list_contains(l.names, a.grp), false)) AS resource_group
  FROM arrears a JOIN months m ON m.usage_month = a.month
  LEFT JOIN listed l ON l.subscription_id = a.subscription_id
    AND l.month = CASE WHEN m.in_time THEN m.usage_month ELSE (SELECT max(month) FROM staging.usage_summaries) END
  GROUP BY a.subscription_id, a.currency, m.usage_month, m.in_time
)
SELECT 'hidden' AS shape, usage_month AS month, resource_group, product_name, subscription_id, charged, listed,
       CASE WHEN in_time THEN charged - listed ELSE charged_unlisted END AS money, currency
FROM compared
WHERE CASE WHEN in_time THEN charged - listed > greatest(0.05, charged * 0.05)
           ELSE groups_charged > groups_listed AND charged_unlisted > 0 END
ORDER BY money DESC, subscription_id
