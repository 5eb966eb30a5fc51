/* Usage on Pax8's invoices: every Arrears item, and trial items of metered subscriptions.

key: charge_id
reads: staging.invoice_items, staging.invoices, staging.subscriptions, staging.companies, usage_groups, group_companies
| month | VARCHAR | Usage month | staging.invoice_items.start_period, staging.invoices.invoice_date |
| charge_id | VARCHAR | invoice/item | staging.invoice_items.invoice_id, staging.invoice_items.item_no |
| is_live | BOOLEAN | The invoice counts | staging.invoices.is_live |
| invoice_id | VARCHAR | Pax8 invoice | staging.invoice_items.invoice_id |
| invoice_date | DATE | Its date | staging.invoices.invoice_date |
| invoice_status | VARCHAR | Its status | staging.invoices.status |
| item_no | VARCHAR | Item on it | staging.invoice_items.item_no |
| subscription_id | VARCHAR | Pax8 subscription | staging.invoice_items.subscription_id |
| summary_id | VARCHAR | Summary of its group | group_companies.summary_id |
| resource_group | VARCHAR | Its group | staging.invoice_items.details |
| azure_subscription_id | VARCHAR | Azure subscription | staging.invoice_items.azure_subscription_id |
| vendor_name | VARCHAR | Vendor | group_companies.vendor_name |
| company_id | VARCHAR | Company | staging.invoice_items.company_id, group_companies.company_id |
| company_name | VARCHAR | Its name | staging.companies.name, staging.invoice_items.company_name,
  group_companies.company_name |
| assigned_later | BOOLEAN | The invoice shows no company, the group has one | group_companies.company_id |
| product_id | VARCHAR | Product | staging.invoice_items.product_id |
| product_name | VARCHAR | Its name | staging.invoice_items.product_name, staging.invoice_items.description |
| unit_of_measure | VARCHAR | Unit | staging.invoice_items.unit_of_measure |
| quantity | DECIMAL(28,10) | Units | staging.invoice_items.quantity |
| charges | DECIMAL(28,10) | Client total | staging.invoice_items.total |
| cost | DECIMAL(28,10) | Partner total | staging.invoice_items.cost_total |
| currency | VARCHAR | ISO 4217 | staging.invoice_items.currency |
| shape | VARCHAR | How the company is missing | staging.invoice_items.company_id, staging.companies.company_id |
| is_trial | BOOLEAN | A trial | staging.invoice_items.term |
| by_pax8 | BOOLEAN | Pax8 bills the company itself | staging.invoice_items.billed_by_pax8,
  staging.companies.bill_on_behalf |
| trouble | VARCHAR | What cannot be read | staging.invoice_items.problem, staging.invoices.problem |
*/
WITH any_without_id AS (
  SELECT count(*) > 0 AS so FROM staging.subscriptions WHERE meta.pax8_id(subscription_id) IS NULL
), metered AS (
  SELECT subscription_id, max(groups_listed) AS groups_listed, bool_or(shape IS NOT NULL) AS any_unassigned
  FROM usage_groups GROUP BY subscription_id
), items AS (
  -- The texts of Azure usage name a charge, not a customer: they are no groups, and many of them are no sign of several
  -- customers.
  SELECT i.*, CASE WHEN i.azure_subscription_id IS NULL THEN lower(trim(i.details)) END AS grp,
         lower(coalesce(i.term, '')) = 'trial' AS is_trial, h.groups_listed, h.any_unassigned
  FROM staging.invoice_items i LEFT JOIN metered h USING (subscription_id)
  WHERE i.is_arrears OR (lower(coalesce(i.term, '')) = 'trial' AND h.subscription_id IS NOT NULL)
), shaped AS (
  SELECT i.*, v.invoice_date, v.status AS invoice_status, v.is_live, coalesce(c.name, i.company_name) AS shown_name,
         coalesce(c.bill_on_behalf, false) AS on_behalf, v.problem AS invoice_problem,
         coalesce(i.start_period, (date_trunc('month', coalesce(v.invoice_date, getvariable('today')))
                                   - INTERVAL 1 DAY)::DATE) AS first_day,
         greatest(coalesce(i.groups_listed, 0), count(DISTINCT i.grp)
           OVER (PARTITION BY i.invoice_id, i.subscription_id)) > 1
           AND (i.company_id = s.company_id OR (s.company_id IS NULL AND (s.problem IS NOT NULL OR a.so))) AS of_owner,
         CASE WHEN i.company_id IS NULL THEN 'no company' WHEN c.company_id IS NULL THEN 'dangling' END AS no_company
  FROM items i
  CROSS JOIN any_without_id a
  JOIN staging.invoices v USING (invoice_id)
  LEFT JOIN staging.subscriptions s ON s.subscription_id = i.subscription_id
  LEFT JOIN staging.companies c ON c.company_id = i.company_id
), found AS (
  SELECT *, CASE
      WHEN no_company IS NOT NULL THEN no_company
      WHEN meta.is_internal(getvariable('internal_companies'), company_id, shown_name) THEN 'internal'
      WHEN of_owner AND CASE WHEN grp IS NULL THEN coalesce(any_unassigned, false)
        ELSE grp <> lower(trim(shown_name)) END
           AND NOT meta.is_confirmed(getvariable('confirmed_groups'), subscription_id, grp) THEN 'owner' END AS shape
  FROM shaped
)
SELECT strftime(i.first_day, '%Y-%m') AS month, i.invoice_id || '/' || i.item_no AS charge_id, i.is_live, i.invoice_id,
       i.invoice_date, i.invoice_status, i.item_no, i.subscription_id, g.summary_id, i.details AS resource_group,
       i.azure_subscription_id, g.vendor_name, CASE WHEN i.shape IS NULL THEN i.company_id
         ELSE g.company_id END AS company_id,
       CASE WHEN i.shape IS NULL THEN i.shown_name ELSE g.company_name END AS company_name,
       i.shape IS NOT NULL AND g.company_id IS NOT NULL AS assigned_later, i.product_id,
       coalesce(i.product_name, i.description) AS product_name, i.unit_of_measure, i.quantity,
       coalesce(i.total, 0) AS charges, coalesce(i.cost_total, 0) AS cost, i.currency, i.shape, i.is_trial,
       coalesce(i.billed_by_pax8, false) OR i.on_behalf AS by_pax8,
       coalesce(i.problem, 'invoice ' || i.invoice_id || ': ' || i.invoice_problem) AS trouble
FROM found i LEFT JOIN group_companies g ON g.subscription_id = i.subscription_id AND g.grp = i.grp
