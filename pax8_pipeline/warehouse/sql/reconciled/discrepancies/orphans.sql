/* What Halo bills of subscriptions that Pax8 does not list: by licence, or where the mapping file alone says which
subscription a line bills. Absence is never a cancellation: it is shown, and left alone.

reads: staging.licences, staging.line_licences, staging.recurring_invoice_lines, staging.recurring_invoices,
  staging.clients, staging.mapping_subscriptions, staging.subscriptions, staging.rejects, reconciled.licence_keys
| kind | VARCHAR | orphaned_licence or orphaned_line | staging.licences.licence_id |
| subscription_id | VARCHAR | Subscription that Pax8 does not list | staging.licences.subscription_id,
  staging.mapping_subscriptions.subscription_id |
| client_id | BIGINT | Halo client | staging.licences.client_id, staging.recurring_invoices.client_id |
| client_name | VARCHAR | Its name | staging.clients.name |
| product_name | VARCHAR | Licence or line | staging.licences.name, staging.recurring_invoice_lines.description |
| recurring_invoice_id | BIGINT | Halo recurring invoice | staging.recurring_invoices.recurring_invoice_id |
| line_id | BIGINT | Halo line | staging.recurring_invoice_lines.line_id |
| licence_id | BIGINT | Halo licence | staging.licences.licence_id |
| detail | VARCHAR | That Pax8 does not list it | staging.licences.subscription_id |
| halo_bills | DECIMAL(29,10) | Quantity that Halo bills | staging.licences.count,
  staging.recurring_invoice_lines.qty_order |
| unit_price | DECIMAL(28,10) | Halo price per unit and period | staging.licences.price,
  staging.recurring_invoice_lines.unit_price |
| period_months | DECIMAL(16,6) | Months the Halo price covers | staging.recurring_invoices.period |
| currency | VARCHAR | ISO 4217 | staging.clients.currency, staging.recurring_invoices.currency |
*/
WITH listed AS (
  -- A row that could not be read exists all the same.
  SELECT subscription_id FROM staging.subscriptions
  UNION SELECT lower(object_id) FROM staging.rejects WHERE table_name = 'staging.subscriptions'
), mapped AS (
  SELECT subscription_id, licence_id, line_id FROM staging.mapping_subscriptions WHERE line_id IS NOT NULL
  UNION
  SELECT m.subscription_id, m.licence_id, q.line_id
  FROM staging.mapping_subscriptions m JOIN staging.line_licences q USING (licence_id) WHERE m.line_id IS NULL
), live_lines AS (
  SELECT l.*, r.client_id, r.period, r.currency
  FROM staging.recurring_invoice_lines l JOIN staging.recurring_invoices r USING (recurring_invoice_id) WHERE l.is_live
), found AS (
  SELECT 'orphaned_licence' AS kind, c.subscription_id, c.client_id, c.name AS product_name, l.recurring_invoice_id,
         l.line_id, c.licence_id, c.count AS halo_bills,
         CASE WHEN l.linked_price THEN coalesce(c.price, l.unit_price) ELSE l.unit_price END AS unit_price,
         l.period, l.currency
  FROM staging.licences c JOIN staging.line_licences q USING (licence_id) JOIN live_lines l USING (line_id)
  WHERE lower(coalesce(c.distributor, '')) = 'pax8'
    AND c.licence_id NOT IN (SELECT licence_id FROM reconciled.licence_keys
                             WHERE matched_by = 'vendor_id' AND licence_id IS NOT NULL)
  UNION ALL
  SELECT 'orphaned_line' AS kind, m.subscription_id, l.client_id, l.description, l.recurring_invoice_id, l.line_id,
         m.licence_id, coalesce(c.count, l.qty_order), l.unit_price, l.period, l.currency
  FROM mapped m JOIN live_lines l USING (line_id) LEFT JOIN staging.licences c ON c.licence_id = m.licence_id
  WHERE NOT (c.subscription_id IS NOT DISTINCT FROM m.subscription_id
             AND lower(coalesce(c.distributor, '')) = 'pax8')
)
SELECT f.kind, f.subscription_id, f.client_id, k.name AS client_name, f.product_name, f.recurring_invoice_id,
       f.line_id, f.licence_id, wording('discrepancy_details', 'not_listed') AS detail, f.halo_bills, f.unit_price,
       meta.period_months(f.period) AS period_months, coalesce(k.currency, f.currency) AS currency
FROM found f LEFT JOIN staging.clients k ON k.client_id = f.client_id
WHERE f.subscription_id IS NOT NULL
  AND f.subscription_id NOT IN (SELECT subscription_id FROM listed WHERE subscription_id IS NOT NULL)
  -- A line that the mapping file gives to a subscription that is listed was moved there.
  AND NOT EXISTS (SELECT 1 FROM staging.mapping_subscriptions m
                  WHERE m.subscription_id IN (SELECT subscription_id FROM staging.subscriptions)
                    AND (m.line_id = f.line_id OR m.licence_id = f.licence_id))
