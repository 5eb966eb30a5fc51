-- Each Pax8 company that is not one certain Halo client, with its money a month in the currency that has most of it.
-- Deleted companies only where something of them is billed.
WITH amounts AS (
  SELECT company_id, currency,
         sum(coalesce(meta.per_month(quantity * coalesce(price, 0), meta.term_months(billing_term)), 0)) AS money
  FROM reconciled.subscriptions WHERE lifecycle IN ('billing', 'pending_cancel') GROUP BY company_id, currency
), largest AS (
  SELECT * FROM amounts QUALIFY row_number() OVER (PARTITION BY company_id ORDER BY money DESC, currency) = 1
)
SELECT m.company_id, m.company_name, m.state, a.money, a.currency
FROM reconciled.client_matches m
JOIN staging.companies c USING (company_id)
LEFT JOIN largest a USING (company_id)
WHERE m.state NOT IN ('matched', 'company_unreadable') AND NOT m.bill_on_behalf
  AND (lower(coalesce(c.status, '')) <> 'deleted' OR a.money > 0)
ORDER BY m.company_id;
