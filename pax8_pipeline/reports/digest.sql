-- The row of a plan with the most money, and the usage that has no company, by currency.
WITH open_rows AS (
  SELECT coalesce(client_name, company_name, 'no company') AS who, product_name, currency, verdict, row_id,
         coalesce(nullif(unbilled_per_month, 0), money_per_month, 0) AS amount
  FROM billing.plan WHERE plan_id = $plan_id AND class <> 'no_op'
), largest AS (
  SELECT 'largest' AS kind, currency, amount, who, product_name FROM open_rows
  WHERE amount <> 0 ORDER BY abs(amount) DESC, row_id LIMIT 1
)
SELECT * FROM largest
UNION ALL BY NAME
SELECT 'unassigned' AS kind, coalesce(currency, '?') AS currency, sum(amount) AS amount FROM open_rows
WHERE verdict = 'usage_unassigned' GROUP BY ALL HAVING sum(amount) <> 0
ORDER BY kind, currency
