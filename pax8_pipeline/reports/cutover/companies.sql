-- Each Pax8 company that is billed something now, the Halo client it is known as, by which method, and its money a
-- month
-- at Pax8's client price. One row per company and currency, the dearest first.
SELECT m.company_id, m.company_name, m.state, m.method, m.candidates, m.client_id, m.client_name, s.currency,
       count(*) AS subscriptions,
       sum(coalesce(meta.per_month(s.quantity * coalesce(s.price, 0), meta.term_months(s.billing_term)),
         0)) AS money_per_month
FROM reconciled.client_matches m
JOIN reconciled.subscriptions s USING (company_id)
WHERE s.lifecycle IN ('billing', 'pending_cancel') AND NOT m.bill_on_behalf
GROUP BY ALL ORDER BY money_per_month DESC, m.company_name, m.company_id;
