/* Every usage summary that Pax8 shows or showed, as last read, with the company that its group is assigned to, or how a
company is missing.

reads: staging.usage_summaries, staging.subscriptions, staging.companies
extends: staging.usage_summaries
| grp | VARCHAR | Its group, lower case | staging.usage_summaries.resource_group |
| company_name | VARCHAR | Name of the company | staging.companies.name |
| bill_on_behalf | BOOLEAN | Pax8 bills the company itself | staging.companies.bill_on_behalf |
| groups_listed | BIGINT | Groups of its subscription | staging.usage_summaries.resource_group |
| is_newest | BOOLEAN | No later month shows the group | staging.usage_summaries.month |
| shape | VARCHAR | How the company is missing, see reconciled.usage; empty for a company that is certain
  | staging.usage_summaries.company_sent, staging.usage_summaries.company_id, staging.companies.company_id |
*/
WITH any_without_id AS (
  SELECT count(*) > 0 AS so FROM staging.subscriptions WHERE meta.pax8_id(subscription_id) IS NULL
), last_read AS (
  SELECT *, lower(trim(resource_group)) AS grp FROM staging.usage_summaries
  QUALIFY row_number() OVER (PARTITION BY summary_id ORDER BY month DESC) = 1
), listed AS (
  SELECT subscription_id, count(DISTINCT coalesce(grp, '')) AS groups_listed FROM last_read GROUP BY subscription_id
)
SELECT u.*, c.name AS company_name, c.bill_on_behalf, n.groups_listed,
       u.month = max(u.month) OVER (PARTITION BY u.subscription_id, u.grp) AS is_newest,
       CASE
         WHEN u.company_sent <> 'sent' THEN u.company_sent
         WHEN c.company_id IS NULL THEN 'dangling'
         WHEN meta.is_internal(getvariable('internal_companies'), u.company_id, c.name) THEN 'internal'
         -- Of a subscription with several groups, one that is the owner's by name alone may be anybody's. So may any of
         -- them where nobody can tell who the owner is.
         WHEN n.groups_listed > 1 AND u.grp IS DISTINCT FROM lower(trim(c.name))
              AND (u.company_id = s.company_id OR (s.company_id IS NULL AND (s.problem IS NOT NULL OR a.so)))
              AND NOT meta.is_confirmed(getvariable('confirmed_groups'), u.subscription_id, u.grp)
           THEN 'owner' END AS shape
FROM last_read u
CROSS JOIN any_without_id a
LEFT JOIN listed n ON n.subscription_id IS NOT DISTINCT FROM u.subscription_id
LEFT JOIN staging.subscriptions s ON s.subscription_id = u.subscription_id
LEFT JOIN staging.companies c ON c.company_id = u.company_id
