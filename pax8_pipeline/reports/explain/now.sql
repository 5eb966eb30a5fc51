-- How things stood when they were last read, by subscription.
SELECT r.subscription_id, r.company_name, r.client_id, r.client_name, r.product_name, r.status, r.verdict, r.reason,
       r.quantity,
       r.halo_quantity, r.currency, r.licence_id, r.line_id, r.recurring_invoice_id, r.quantity_source,
         m.method AS client_known_by,
       r.matched_by AS line_known_by
FROM reconciled.subscriptions r
LEFT JOIN reconciled.client_matches m USING (company_id)
WHERE r.subscription_id IN (SELECT id FROM story_subjects WHERE kind = 'subscription')
ORDER BY r.client_name, r.product_name, r.subscription_id;
