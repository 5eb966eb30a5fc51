-- Usage summaries of the running month that no customer is known for, with the shape of it: missing, null, empty (the
-- key
-- as it came, asked again by id), dangling (an id Pax8 does not list), internal (a company marked so in policy
-- usage.internal_companies), owner (the subscription holds several groups and this one stands under its owner with
-- another
-- name, and policy usage.confirmed_groups does not say that it is theirs). Parameters: internal, confirmed.
WITH read AS (
  SELECT u.*, s.company_id AS owner_id, c.company_id IS NOT NULL AS known, c.name AS company_name,
         count(DISTINCT lower(trim(u.resource_group))) OVER (PARTITION BY u.subscription_id) AS groups
  FROM staging.usage_summaries u
  LEFT JOIN staging.subscriptions s USING (subscription_id)
  LEFT JOIN staging.companies c ON c.company_id = u.company_id
  WHERE u.month = (SELECT max(month) FROM staging.usage_summaries)
)
SELECT *, CASE
    WHEN company_sent <> 'sent' THEN company_sent
    WHEN NOT known THEN 'dangling'
    WHEN list_has_any($internal::VARCHAR[], [company_id, lower(company_name)]) THEN 'internal'
    WHEN groups > 1 AND company_id = owner_id AND lower(trim(resource_group)) <> lower(trim(company_name))
         AND NOT list_contains($confirmed::VARCHAR[], subscription_id || '/' || lower(trim(resource_group)))
           THEN 'owner'
    END AS shape
FROM read
