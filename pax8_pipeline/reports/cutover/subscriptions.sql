-- Each Pax8 subscription that is billed now, what in Halo it is tied to and by which method. `link`: line (a live line
-- bills it), dead_line (its line does not bill), licence (a licence without a line) or none. The dearest first.
SELECT s.subscription_id, s.company_id, s.company_name, s.client_id, s.client_name, s.product_name, s.quantity,
       s.currency,
       s.licence_id, s.line_id, s.recurring_invoice_id, s.verdict, s.reason,
       CASE WHEN s.line_live THEN 'line' WHEN s.line_id IS NOT NULL THEN 'dead_line'
            WHEN s.licence_id IS NOT NULL THEN 'licence' ELSE 'none' END AS link,
       s.matched_by AS method,
       coalesce(meta.per_month(s.quantity * coalesce(s.price, 0), meta.term_months(s.billing_term)),
         0) AS money_per_month
FROM reconciled.subscriptions s
WHERE s.lifecycle IN ('billing', 'pending_cancel')
  AND s.verdict NOT IN ('billed_by_pax8', 'metered', 'one_time')
ORDER BY money_per_month DESC, s.client_name, s.product_name, s.subscription_id;
