-- The forecasts of a compared month by client and currency; a company without a client stands for itself.
-- Parameter: month.
SELECT invoice_month, client_id, coalesce(client_name, nullif(company_name, ''), 'no company') AS client, currency,
       max(read_on) AS read_on, sum(forecast_cost) AS forecast_cost, sum(forecast_total) AS forecast_total,
       sum(invoiced_cost) AS invoiced_cost, sum(invoiced_total) AS invoiced_total
FROM monthly.forecasts WHERE month = $month
GROUP BY invoice_month, client_id, client, currency
ORDER BY invoice_month, currency, forecast_cost DESC, client
