-- Groups of usage without a company, the dearest first; of a month not approved yet, as its usage lines stand.
SELECT u.month, any_value(u.resource_group) AS resource_group, any_value(u.vendor_name) AS vendor_name,
       u.subscription_id, u.shape,
       round(sum(u.charges), 2) AS charges, round(sum(u.cost), 2) AS cost, coalesce(u.currency, '?') AS currency,
         count(*) AS items,
       bool_and(u.bucket = 'estimate') AS is_estimate
FROM reconciled.usage u JOIN reconciled.usage_months n USING (month)
WHERE (u.counts AND u.bucket = 'unassigned')
   OR (u.verdict = 'unassigned' AND u.bucket = 'estimate' AND n.state IN ('open', 'closing'))
GROUP BY u.month, u.subscription_id, lower(trim(u.resource_group)), u.shape, u.currency
ORDER BY u.month DESC, abs(sum(u.cost)) DESC, u.subscription_id, resource_group
