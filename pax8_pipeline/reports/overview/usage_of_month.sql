-- Metered usage of some months, by currency: what clients were invoiced for it, and what that usage cost.
-- Parameter: months, a list of yyyy-mm.
WITH counted AS (
  SELECT month, coalesce(currency, '?') AS currency, sum(cost) AS cost FROM reconciled.usage
  WHERE counts AND month IN (SELECT unnest($months)) GROUP BY ALL
), invoiced AS (
  SELECT month, coalesce(currency, '?') AS currency, sum(amount) AS amount, sum(cost) AS cost,
         bool_and(cost IS NOT NULL) AS is_known
  FROM billing.usage_billed WHERE state = 'verified' AND month IN (SELECT unnest($months)) GROUP BY ALL
)
SELECT coalesce(c.month, i.month) AS month, coalesce(c.currency, i.currency) AS currency, c.cost AS pax8_cost,
       i.amount AS invoiced, CASE WHEN i.is_known THEN i.cost END AS invoiced_cost
FROM counted c FULL JOIN invoiced i ON i.month = c.month AND i.currency = c.currency ORDER BY 1, 2
