/* Plan rows of what a month that is not approved yet comes to so far: shown, never written.

key: row_id
reads: reconciled.usage, usage_scope
fills: plan_rows
*/
WITH so_far AS (
  SELECT u.month, u.company_id, u.currency, any_value(s.month_name) AS month_name, any_value(u.client_id) AS client_id,
         any_value(u.client_name) AS client_name, any_value(u.company_name) AS company_name,
         round(sum(u.amount), 2)::DECIMAL(28,2)::VARCHAR AS amount_text, coalesce(u.currency, '') AS currency_text,
         any_value(u.state) AS state, count(*) AS lines, sum(u.cost) AS cost
  FROM reconciled.usage u
  JOIN usage_scope s ON s.month = u.month AND s.considered AND NOT s.final
  WHERE u.bucket = 'estimate' OR (u.bucket = 'billable' AND u.origin = 'usage_lines')
  GROUP BY u.month, u.company_id, u.currency
)
SELECT 'usage ' || month || ' estimate ' || coalesce(company_id, '-') || ' ' || coalesce(currency, '?') AS row_id,
       'no_op' AS class, 'usage_estimate' AS verdict, 'none' AS action, 'usage_estimate' AS reason,
       wording('usage_words', 'estimate') AS sentence, client_id, client_name, company_id, company_name,
       '' AS subscription_id, wording('usage_words', 'product') AS product_name,
       wording('usage_words', 'so_far') AS after, currency, 0 AS delta, 0 AS money_per_period, 0 AS money_per_month,
       0 AS unbilled_per_month, '{}' AS expect,
       to_json({'month': month, 'state': state, 'lines': lines, 'cost': meta.plain(cost)})::VARCHAR AS evidence
FROM so_far
