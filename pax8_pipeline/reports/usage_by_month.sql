-- Usage of the last thirteen months by client and product, as it is charged by policy; credits and estimates too.
SELECT month, state, is_estimate, company_id, client_id, coalesce(client_name, company_id) AS client,
       coalesce(product_name, product) AS product, currency, quantity, amount, cost, margin
FROM reconciled.usage_by_month
WHERE month > (SELECT strftime((max(month) || '-01')::DATE - INTERVAL 13 MONTH, '%Y-%m') FROM reconciled.usage_by_month)
ORDER BY client, product, currency, month
