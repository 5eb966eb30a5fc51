-- Each subscription that Pax8 bills now and that neither a line nor a row of the mapping file is tied to, with its
-- seats
-- and price a month. The client is the company's certain one, empty where there is none.
SELECT s.subscription_id, s.company_id, s.company_name, s.client_id, s.client_name, s.product_id, s.product_name,
       s.quantity, s.currency, s.verdict, meta.pax8_id(t.vendor_subscription_id) AS vendor_id,
       meta.per_month(s.price, meta.term_months(s.billing_term)) AS price,
       coalesce(meta.per_month(s.quantity * coalesce(s.price, 0), meta.term_months(s.billing_term)), 0) AS money
FROM reconciled.subscriptions s
JOIN staging.subscriptions t USING (subscription_id)
LEFT JOIN staging.mapping_subscriptions m USING (subscription_id)
WHERE s.lifecycle IN ('billing', 'pending_cancel') AND s.line_id IS NULL AND m.subscription_id IS NULL
  AND s.verdict NOT IN ('billed_by_pax8', 'metered', 'one_time', 'unreadable')
ORDER BY s.subscription_id;
