/* Everything a person should look at: what the two sides disagree on and this product does not mend by itself.

| kind | VARCHAR not null | unbilled, unmatched_company, orphaned_licence, or another verdict that stops a write | reconciled.subscriptions.verdict |
| subject | VARCHAR not null | Subscription id, or licence and line of an orphan | reconciled.subscriptions.subscription_id, staging.licences.licence_id |
| company_name | VARCHAR | Pax8 company | reconciled.subscriptions.company_name |
| client_id | BIGINT | Halo client | reconciled.subscriptions.client_id, staging.licences.client_id |
| client_name | VARCHAR | Its name | reconciled.subscriptions.client_name, staging.clients.name |
| product_name | VARCHAR | Product or licence | reconciled.subscriptions.product_name, staging.licences.name |
| detail | VARCHAR | The finer reason | reconciled.subscriptions.reason |
| money_per_month | DECIMAL(28,10) not null | Money a month at stake, in currency | reconciled.subscriptions.unbilled_money_per_month |
| currency | VARCHAR | ISO 4217 | reconciled.subscriptions.currency |
*/
SELECT verdict AS kind, subscription_id AS subject, company_name, client_id, client_name, product_name, reason AS detail,
       CASE WHEN unbilled_money_per_month <> 0 THEN unbilled_money_per_month
            ELSE coalesce(meta.per_month((quantity - halo_quantity) * unit_price, period_months), 0) END AS money_per_month, currency
FROM reconciled.subscriptions
WHERE verdict NOT IN ('in_step', 'increase', 'decrease', 'cancel', 'ended', 'trial', 'not_started', 'billed_by_pax8', 'metered', 'one_time')
UNION ALL
-- Absence is never a cancellation: a licence whose subscription Pax8 does not list is shown, and left alone.
SELECT 'orphaned_licence', 'licence ' || c.licence_id || ', line ' || l.line_id, NULL, c.client_id, k.name, c.name,
       'Pax8 lists no subscription ' || c.subscription_id,
       coalesce(meta.per_month(c.count * l.unit_price, meta.period_months(r.period)), 0), k.currency
FROM staging.licences c
JOIN staging.line_licences q USING (licence_id)
JOIN staging.recurring_invoice_lines l USING (line_id)
JOIN staging.recurring_invoices r ON r.recurring_invoice_id = l.recurring_invoice_id
LEFT JOIN staging.clients k ON k.client_id = c.client_id
WHERE l.is_live AND c.subscription_id IS NOT NULL AND lower(coalesce(c.distributor, '')) = 'pax8'
  AND NOT EXISTS (SELECT 1 FROM staging.subscriptions s WHERE s.subscription_id = c.subscription_id)
  AND NOT EXISTS (SELECT 1 FROM staging.rejects x WHERE x.table_name = 'staging.subscriptions' AND lower(x.object_id) = c.subscription_id)
