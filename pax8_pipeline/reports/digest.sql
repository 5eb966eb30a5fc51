-- The row of a plan with the most money, if any has some. Parameter: plan_id.
SELECT coalesce(client_name, company_name, 'no company') AS who, product_name, currency,
       coalesce(nullif(unbilled_per_month, 0), money_per_month) AS amount
FROM billing.plan
WHERE plan_id = $plan_id AND class <> 'no_op' AND coalesce(nullif(unbilled_per_month, 0), money_per_month, 0) <> 0
ORDER BY abs(amount) DESC, row_id LIMIT 1
