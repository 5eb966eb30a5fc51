/* Plan rows of charges that nobody is billed for, and of those that are left out, by reason.

key: row_id
reads: reconciled.usage, usage_scope, verdict_classes
fills: plan_rows
*/
WITH left_out AS (
  SELECT *, coalesce(company_id, coalesce(subscription_id, '-') || '/'
         || coalesce(lower(trim(resource_group)), '-')) AS who
  FROM reconciled.usage WHERE counts AND bucket IN ('unassigned', 'skipped')
), groups AS (
  SELECT u.month, u.verdict, u.company_id, u.who, u.currency, any_value(s.month_name) AS month_name,
         any_value(u.sentence) AS sentence, any_value(u.vendor_name) AS vendor,
           any_value(u.resource_group) AS resource_group,
         any_value(u.client_id) AS client_id, any_value(u.client_name) AS client_name,
         any_value(u.company_name) AS company_name, coalesce(min(u.subscription_id), '') AS subscription_id,
         string_agg(DISTINCT u.product_name, ', ' ORDER BY u.product_name) AS product_name,
         coalesce(any_value(c.class), 'blocked') AS class, any_value(u.state) AS state, sum(u.charges) AS charges,
         sum(u.cost) AS cost, sum(CASE WHEN u.amount <> 0 THEN u.amount ELSE u.cost END) AS stake, count(*) AS items,
         any_value(u.shape) AS shape
  FROM left_out u
  JOIN usage_scope s ON s.month = u.month AND s.considered
  LEFT JOIN verdict_classes c ON c.verdict = 'usage_' || u.verdict
  -- What nobody is billed for stays until a person resolves it; what is left out on purpose is listed for a while.
  WHERE s.recent OR coalesce(c.class, 'blocked') = 'blocked'
  GROUP BY u.month, u.verdict, u.company_id, u.who, u.currency
)
SELECT 'usage ' || month || ' ' || verdict || ' ' || who || ' ' || coalesce(currency, '?') AS row_id, class,
       'usage_' || verdict AS verdict, 'none' AS action, 'usage_' || verdict AS reason,
       month_name || ': ' || sentence || CASE
         WHEN company_id IS NOT NULL THEN '' WHEN vendor IS NULL THEN wording('usage_words', 'group')
         ELSE wording('usage_words', 'group_of_vendor') END AS sentence,
       client_id, client_name, company_id, company_name, subscription_id, product_name, currency, 0 AS delta,
       0 AS money_per_period, 0 AS money_per_month, CASE WHEN class = 'blocked' THEN stake
         ELSE 0 END AS unbilled_per_month,
       '{}' AS expect,
       to_json({'month': month, 'state': state, 'charges': meta.plain(charges), 'cost': meta.plain(cost),
         'items': items,
                'shape': shape, 'resource_group': resource_group, 'vendor': vendor})::VARCHAR AS evidence
FROM groups
