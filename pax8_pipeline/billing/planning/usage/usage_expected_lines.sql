/* What each company's month should be billed as, line by line, by the policy (price, detail). A line is rounded to
cents once, at its end.

key: month, company_id, ref
reads: reconciled.usage, usage_scope, client_details, staging.subscriptions
| month | VARCHAR | Usage month | reconciled.usage.month |
| month_name | VARCHAR | August 2026 | usage_scope.month_name |
| company_id | VARCHAR | Pax8 company | reconciled.usage.company_id |
| company_name | VARCHAR | Its name | reconciled.usage.company_name |
| client_id | BIGINT | Halo client | reconciled.usage.client_id |
| client_name | VARCHAR | Its name | reconciled.usage.client_name |
| currency | VARCHAR | ISO 4217 | reconciled.usage.currency |
| ref | VARCHAR | Which charges it is: subscription, product, month | reconciled.usage.subscription_id,
  reconciled.usage.product_id, reconciled.usage.azure_subscription_id |
| item_id | BIGINT | Halo item | reconciled.usage.halo_item_id |
| text | VARCHAR | Short text of the line | reconciled.usage.product_name, staging.subscriptions.product_name |
| note | VARCHAR | Long text of the line | reconciled.usage.quantity, reconciled.usage.resource_group |
| amount | DECIMAL(38,2) | What the client is to be charged | reconciled.usage.amount |
| cost | DECIMAL(38,2) | What Pax8 charges the partner | reconciled.usage.cost |
| items | BIGINT | Charges in it | reconciled.usage.charge_id |
| charges | VARCHAR[] | Their ids | reconciled.usage.charge_id |
| invoice_ids | VARCHAR[] | Pax8 invoices they are on | reconciled.usage.invoice_id |
*/
WITH charges AS (
  SELECT u.month, s.month_name, u.company_id, u.company_name, u.client_id, u.client_name, u.currency, u.subscription_id,
         u.product_id, u.product_name, u.azure_subscription_id, u.halo_item_id, u.unit_of_measure, u.quantity,
         u.resource_group, u.assigned_later, u.amount, u.cost, u.charge_id, u.invoice_id,
         coalesce(t.detail, getvariable('usage_detail')) AS detail,
         coalesce(b.product_name, u.product_name) AS sold_name
  FROM reconciled.usage u
  JOIN usage_scope s ON s.month = u.month AND s.considered AND s.final
  LEFT JOIN client_details t ON t.client_id = u.client_id
  LEFT JOIN staging.subscriptions b ON b.subscription_id = u.subscription_id
  WHERE u.bucket = 'billable' AND u.counts
), lines AS (
  SELECT *, CASE detail WHEN 'collapsed' THEN '*' ELSE coalesce(subscription_id, '-') END AS of_subscription,
         CASE detail WHEN 'product' THEN coalesce(product_id, product_name, '-')
                                         || coalesce('/' || azure_subscription_id, '') ELSE '*' END AS of_product
  FROM charges
), summed AS (
  SELECT month, any_value(month_name) AS month_name, company_id, any_value(company_name) AS company_name,
         any_value(client_id) AS client_id, any_value(client_name) AS client_name, any_value(currency) AS currency,
         detail, of_subscription || ' ' || of_product || ' ' || month AS ref,
           arg_max(halo_item_id, abs(amount)) AS item_id,
         CASE detail WHEN 'subscription' THEN arg_max(sold_name, abs(amount))
                     ELSE arg_max(product_name, abs(amount)) END AS name,
         CASE WHEN count(DISTINCT unit_of_measure) < 2
              THEN meta.plain(sum(quantity)) || coalesce(' ' || any_value(unit_of_measure), '') END AS units,
         string_agg(DISTINCT resource_group, ', ' ORDER BY resource_group) AS groups,
         string_agg(product_name || ' ' || meta.plain(round(amount, 2)), '; ' ORDER BY product_name,
           charge_id) AS parts,
         bool_or(assigned_later) AS assigned_later, round(sum(amount), 2) AS amount, round(sum(cost), 2) AS cost,
         count(*) AS items, list(charge_id ORDER BY charge_id) AS charges, list(DISTINCT invoice_id) AS invoice_ids
  FROM lines GROUP BY month, company_id, detail, of_subscription, of_product
)
SELECT month, month_name, company_id, company_name, client_id, client_name, currency, ref, item_id,
       wording('line_texts', detail) AS text,
       CASE detail WHEN 'product' THEN concat_ws(', ', units, groups) ELSE parts END
         || CASE WHEN assigned_later THEN wording('line_notes', 'assigned_later') ELSE '' END AS note,
       amount, cost, items, charges, invoice_ids
FROM summed
