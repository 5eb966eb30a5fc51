-- What Pax8 charges the partner by the invoices dated in a month, by currency. Items that Pax8 bills to the client
-- itself
-- are not the partner's cost. Parameter: months, a list of yyyy-mm.
WITH live AS (
  SELECT invoice_id, strftime(invoice_date, '%Y-%m') AS month, currency
  FROM staging.invoices WHERE is_live AND invoice_date IS NOT NULL
    AND strftime(invoice_date, '%Y-%m') IN (SELECT unnest($months))
), items AS (
  SELECT l.month, l.invoice_id, coalesce(n.currency, l.currency, '?') AS currency, n.invoice_id IS NOT NULL AS is_read,
         n.is_arrears, n.cost_total
  FROM live l LEFT JOIN staging.invoice_items n ON n.invoice_id = l.invoice_id
  WHERE NOT coalesce(n.billed_by_pax8, false)
)
SELECT month, currency, count(DISTINCT invoice_id) AS invoices,
       bool_and(is_read AND cost_total IS NOT NULL) AS is_known,
       sum(cost_total) AS cost, coalesce(sum(cost_total) FILTER (is_arrears), 0) AS usage_cost
FROM items GROUP BY month, currency ORDER BY month, currency
