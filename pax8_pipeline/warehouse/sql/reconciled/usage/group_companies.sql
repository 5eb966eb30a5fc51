/* The company of each group of a usage subscription, where its newest summaries agree on one.

key: subscription_id, grp
reads: usage_groups
| subscription_id | VARCHAR | Pax8 subscription | usage_groups.subscription_id |
| grp | VARCHAR | Group, lower case | usage_groups.grp |
| summary_id | VARCHAR | A summary of it | usage_groups.summary_id |
| vendor_name | VARCHAR | Its vendor | usage_groups.vendor_name |
| company_id | VARCHAR | Its company; two summaries that disagree are no answer | usage_groups.company_id |
| company_name | VARCHAR | Name of the company | usage_groups.company_name |
*/
WITH newest AS (
  SELECT subscription_id, grp, min(summary_id) AS summary_id, any_value(vendor_name) AS vendor_name,
         bool_and(shape IS NULL) AND count(DISTINCT company_id) = 1 AS one_company,
         any_value(company_id) AS company_id, any_value(company_name) AS company_name
  FROM usage_groups WHERE is_newest AND grp IS NOT NULL GROUP BY subscription_id, grp
)
SELECT subscription_id, grp, summary_id, vendor_name, CASE WHEN one_company THEN company_id END AS company_id,
       CASE WHEN one_company THEN company_name END AS company_name
FROM newest
