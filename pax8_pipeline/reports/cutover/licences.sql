-- Active licences that Halo's own sync would not find among Pax8's subscriptions, and so would switch off under its
-- setting `deactivate_missing_licenses` (docs/vendors/halo.md#pax8-settings, #native-integration). The dearest first.
WITH billed AS (
  SELECT k.licence_id, count(*) AS live_lines,
         sum(coalesce(meta.per_month(c.count * l.unit_price, meta.period_months(r.period)), 0)) AS money_per_month
  FROM staging.line_licences k
  JOIN staging.licences c USING (licence_id)
  JOIN staging.recurring_invoice_lines l USING (line_id)
  JOIN staging.recurring_invoices r ON r.recurring_invoice_id = l.recurring_invoice_id
  WHERE l.is_live GROUP BY k.licence_id
)
SELECT c.licence_id, c.name, c.client_id, k.name AS client_name, k.currency, c.count, c.subscription_id,
       CASE WHEN v.subscription_id IS NOT NULL
              THEN 'carries the Microsoft id of subscription ' || v.subscription_id || ' and not its Pax8 id'
            WHEN c.subscription_id IS NULL THEN 'carries no Pax8 subscription id'
            ELSE 'Pax8 lists no subscription ' || c.subscription_id END AS why,
       m.subscription_id AS mapped_subscription, coalesce(b.live_lines, 0) AS live_lines,
       coalesce(b.money_per_month, 0) AS money_per_month
FROM staging.licences c
LEFT JOIN billed b USING (licence_id)
LEFT JOIN (SELECT licence_id, min(subscription_id) AS subscription_id FROM reconciled.licence_keys
           WHERE matched_by = 'vendor_id' GROUP BY licence_id) v USING (licence_id)
LEFT JOIN staging.clients k ON k.client_id = c.client_id
LEFT JOIN (SELECT licence_id, any_value(subscription_id) AS subscription_id FROM staging.mapping_subscriptions
           WHERE licence_id IS NOT NULL GROUP BY licence_id) m USING (licence_id)
WHERE c.is_active AND NOT c.deleted AND lower(coalesce(c.distributor, '')) = 'pax8'
  AND NOT EXISTS (SELECT 1 FROM staging.subscriptions s WHERE s.subscription_id = c.subscription_id)
  AND NOT EXISTS (SELECT 1 FROM staging.rejects x
                  WHERE x.table_name = 'staging.subscriptions' AND lower(x.object_id) = c.subscription_id)
ORDER BY money_per_month DESC, c.licence_id;
