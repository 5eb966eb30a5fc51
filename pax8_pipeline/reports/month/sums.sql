-- What Pax8 invoiced for one month and how much of it is explained, by client and currency. Parameter: month.
SELECT s.client_id, k.name AS client_name, s.currency, s.items, s.invoiced_cost, s.explained_cost, s.unexplained_cost,
       s.invoiced_total, s.explained_total, s.unexplained_total, s.ties
FROM monthly.sums s LEFT JOIN staging.clients k USING (client_id)
WHERE s.month = $month ORDER BY k.name NULLS LAST, s.client_id, s.currency
