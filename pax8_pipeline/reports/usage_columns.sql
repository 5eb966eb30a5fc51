-- Amounts of the last thirteen months by client, the largest clients of each currency by name and the others together.
-- Parameter: clients, how many by name.
WITH recent AS (
  SELECT * FROM reconciled.usage_by_month WHERE month > (
    SELECT strftime((max(month) || '-01')::DATE - INTERVAL 13 MONTH, '%Y-%m') FROM reconciled.usage_by_month)
), clients AS (
  SELECT currency, company_id, row_number() OVER (PARTITION BY currency ORDER BY sum(amount) DESC, company_id) AS place
  FROM recent GROUP BY currency, company_id
), named AS (
  SELECT r.month, r.currency, c.place, CASE WHEN c.place <= $clients THEN coalesce(r.client_name, r.company_id)
         ELSE 'others' END AS client,
         r.amount, r.is_estimate
  FROM recent r JOIN clients c USING (currency, company_id)
)
SELECT currency, month, client, least(min(place), $clients + 1) AS place, sum(amount) AS amount,
       bool_or(is_estimate) AS is_estimate
FROM named GROUP BY currency, month, client ORDER BY currency, place, client, month
