-- Products whose usage may be billed but for the Halo item, with what is charged in the newest month that has some.
SELECT product_id, any_value(product_name) AS product_name, currency, sum(charges) AS money
FROM reconciled.usage
WHERE verdict = 'no_item' AND counts AND product_id IS NOT NULL
  AND month = (SELECT max(month) FROM reconciled.usage WHERE verdict = 'no_item' AND counts)
GROUP BY product_id, currency ORDER BY product_id, currency;
