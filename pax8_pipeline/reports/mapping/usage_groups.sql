-- Usage groups without a company: those of this month's usage summaries, and those that only an invoice shows. The
-- money is what the client would be charged, of the newest month that is known.
WITH summaries AS (
  {summaries}
), of_summaries AS (
  SELECT summary_id AS group_id, subscription_id, resource_group, charges AS money, currency
  FROM summaries WHERE shape IS NOT NULL AND NOT coalesce(is_trial, false) AND resource_group IS NOT NULL
), of_charges AS (
  SELECT coalesce(summary_id, subscription_id || '/' || lower(trim(resource_group))) AS group_id,
         any_value(subscription_id) AS subscription_id, any_value(resource_group) AS resource_group,
         sum(charges) AS money, currency
  FROM reconciled.usage u
  WHERE bucket = 'unassigned' AND counts AND resource_group IS NOT NULL
    AND month = (SELECT max(month) FROM reconciled.usage WHERE counts)
  GROUP BY 1, currency
)
SELECT * FROM of_charges WHERE group_id IS NOT NULL
UNION ALL
SELECT * FROM of_summaries WHERE group_id NOT IN (SELECT group_id FROM of_charges WHERE group_id IS NOT NULL)
ORDER BY group_id;
