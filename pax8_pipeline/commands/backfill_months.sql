WITH invoices AS (
  SELECT strftime(date_trunc('month', invoice_date) - INTERVAL 1 DAY, '%Y-%m') AS month, count(*) AS invoices,
         sum(items) AS items, sum(usage_items) AS usage_items
  FROM staging.invoices
  LEFT JOIN (SELECT invoice_id, count(*) AS items, count(*) FILTER (is_arrears) AS usage_items
             FROM staging.invoice_items GROUP BY 1) USING (invoice_id)
  GROUP BY 1
), lines AS (SELECT month, count(*) AS lines FROM staging.usage_lines GROUP BY 1)
SELECT wanted.month, coalesce(m.state, 'nothing here') AS state, coalesce(invoices, 0) AS invoices,
       coalesce(items, 0) AS items, coalesce(usage_items, 0) AS usage_items, coalesce(lines, 0) AS lines, m.why
FROM (SELECT unnest(?) AS month) AS wanted
LEFT JOIN reconciled.usage_months AS m USING (month) LEFT JOIN invoices USING (month) LEFT JOIN lines USING (month)
ORDER BY 1
