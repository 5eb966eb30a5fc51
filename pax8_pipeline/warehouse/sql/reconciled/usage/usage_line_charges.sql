/* Usage by usage lines: the last total of each metered product of a group.

key: charge_id
reads: staging.usage_lines, usage_groups, group_companies
| month | VARCHAR | Usage month | staging.usage_lines.month |
| charge_id | VARCHAR | month/summary/product | staging.usage_lines.summary_id, staging.usage_lines.product_id |
| subscription_id | VARCHAR | Pax8 subscription | usage_groups.subscription_id |
| summary_id | VARCHAR | Usage summary | staging.usage_lines.summary_id |
| resource_group | VARCHAR | Its group | usage_groups.resource_group |
| vendor_name | VARCHAR | Vendor | usage_groups.vendor_name |
| company_id | VARCHAR | Company | usage_groups.company_id, group_companies.company_id |
| company_name | VARCHAR | Its name | usage_groups.company_name, group_companies.company_name |
| assigned_later | BOOLEAN | The summary shows no company, its group has one | group_companies.company_id |
| product_id | VARCHAR | Product | staging.usage_lines.product_id |
| product_name | VARCHAR | Its name | staging.usage_lines.product_name |
| unit_of_measure | VARCHAR | Unit | staging.usage_lines.unit_of_measure |
| quantity | DECIMAL(38,10) | Units | staging.usage_lines.quantity |
| charges | DECIMAL(38,10) | Client total | staging.usage_lines.charges |
| cost | DECIMAL(38,10) | Partner total | staging.usage_lines.cost |
| currency | VARCHAR | ISO 4217 | staging.usage_lines.currency |
| shape | VARCHAR | How the company is missing | usage_groups.shape |
| is_trial | BOOLEAN | A trial | staging.usage_lines.is_trial |
| by_pax8 | BOOLEAN | Pax8 bills the company itself | usage_groups.bill_on_behalf |
| trouble | VARCHAR | What cannot be read | staging.usage_lines.problem, usage_groups.problem |
*/
WITH totals AS (
  SELECT month, summary_id, coalesce(product_id, product_name, '') AS product, any_value(product_id) AS product_id,
         any_value(product_name) AS product_name, any_value(unit_of_measure) AS unit_of_measure,
         sum(quantity) AS quantity, coalesce(sum(charges), 0) AS charges, coalesce(sum(cost), 0) AS cost,
         any_value(currency) AS currency, coalesce(bool_or(is_trial), false) AS is_trial, max(problem) AS problem
  FROM staging.usage_lines GROUP BY ALL
)
SELECT l.month, l.month || '/' || coalesce(l.summary_id, '?') || '/' || l.product AS charge_id, g.subscription_id,
       l.summary_id, g.resource_group, g.vendor_name,
       CASE WHEN g.shape IS NULL THEN g.company_id ELSE a.company_id END AS company_id,
       CASE WHEN g.shape IS NULL THEN g.company_name ELSE a.company_name END AS company_name,
       g.shape IS NOT NULL AND a.company_id IS NOT NULL AS assigned_later,
       l.product_id, l.product_name, l.unit_of_measure, l.quantity, l.charges, l.cost, l.currency,
       CASE WHEN g.summary_id IS NULL THEN 'no summary' ELSE g.shape END AS shape, l.is_trial,
       coalesce(g.bill_on_behalf, false) AS by_pax8,
       coalesce(l.problem, 'usage summary ' || g.summary_id || ': ' || g.problem) AS trouble
FROM totals l
LEFT JOIN usage_groups g USING (summary_id)
LEFT JOIN group_companies a ON a.subscription_id = g.subscription_id AND a.grp = g.grp
