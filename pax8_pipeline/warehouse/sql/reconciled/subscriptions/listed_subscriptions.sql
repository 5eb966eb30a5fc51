/* Every subscription that Pax8 lists, with what its dates and status say today. While Pax8 lists some without a
readable id, the ids that Halo or the mapping file names and Pax8 does not list are here too: they may be theirs.

key: subscription_id
extends: staging.subscriptions
reads: staging.subscriptions, staging.mapping_subscriptions, staging.licences, staging.products,
staging.usage_summaries, staging.invoice_items
| is_listed | BOOLEAN | Pax8 lists it | staging.subscriptions.subscription_id |
| product | VARCHAR | Name of the product, else its id | staging.subscriptions.product_name, staging.products.name |
| known_recurring_term | BOOLEAN | Its billing term is one that a recurring invoice follows
  | staging.subscriptions.billing_term |
| has_usage | BOOLEAN | Pax8 shows usage for it | staging.usage_summaries.subscription_id,
  staging.invoice_items.subscription_id |
| lifecycle | VARCHAR | What dates and status say today, see reconciled.subscriptions | staging.subscriptions.status,
  staging.subscriptions.end_date, staging.subscriptions.billing_start |
*/
WITH usage_seen AS (
  SELECT subscription_id FROM staging.usage_summaries
  UNION SELECT subscription_id FROM staging.invoice_items WHERE is_arrears AND subscription_id IS NOT NULL
), any_without_id AS (
  SELECT count(*) > 0 AS so FROM staging.subscriptions WHERE meta.pax8_id(subscription_id) IS NULL
), unlisted AS (
  SELECT subscription_id FROM staging.mapping_subscriptions, any_without_id WHERE so
  UNION SELECT subscription_id FROM staging.licences, any_without_id WHERE so AND subscription_id IS NOT NULL
  EXCEPT SELECT subscription_id FROM staging.subscriptions
), listed AS (
  SELECT *, true AS is_listed FROM staging.subscriptions
  UNION ALL BY NAME
  SELECT subscription_id, false AS is_listed,
         'it may be a subscription that Pax8 lists without a readable id' AS problem FROM unlisted
)
SELECT s.*, coalesce(s.product_name, p.name, s.product_id) AS product,
       meta.term_months(s.billing_term) IS NOT NULL AS known_recurring_term,
       u.subscription_id IS NOT NULL AS has_usage,
       CASE
         WHEN s.problem IS NOT NULL THEN 'unreadable'
         WHEN s.status IS NULL OR NOT list_contains(getvariable('known_statuses')::VARCHAR[], lower(s.status))
           THEN 'unknown_status'
         WHEN lower(s.status) = 'cancelled'
           THEN CASE WHEN s.end_date < getvariable('today') THEN 'ended' ELSE 'pending_cancel' END
         WHEN lower(s.status) = 'trial' OR lower(coalesce(s.billing_term, '')) = 'trial' THEN 'trial'
         WHEN s.end_date < getvariable('today') THEN 'ended_not_cancelled'
         WHEN lower(s.status) = 'pendingcancel' THEN 'pending_cancel'
         WHEN coalesce(s.billing_start, s.start_date) > getvariable('today') THEN 'not_started'
         -- Status does not drive billing, dates do: a Pending status may stay stuck while charges run
         -- (docs/vendors/pax8.md#subscriptions).
         ELSE 'billing' END AS lifecycle
FROM listed s
LEFT JOIN staging.products p USING (product_id)
LEFT JOIN usage_seen u USING (subscription_id)
