-- What moved most in the newest month that is approved, against the month before.
SELECT month, client_name AS client, product_name AS product, quantity, unit_of_measure AS unit,
       round(amount_before, 2) AS before,
       round(amount, 2) AS amount, round(change, 2) AS change, change_pct AS percent, round(cost, 2) AS cost,
         round(margin, 2) AS margin, currency
FROM reconciled.usage_by_month
WHERE month = (SELECT max(month) FROM reconciled.usage_by_month WHERE state IN ('closed', 'reopened')) AND change <> 0
ORDER BY abs(change) DESC, client, product, currency LIMIT 20
